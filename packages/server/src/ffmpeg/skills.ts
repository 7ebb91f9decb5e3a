import { loadDevices, type Device } from './devices.ts';
import { parseRelease } from './binary.ts';
import type { RunResult } from './run.ts';

/** Something FFmpeg knows by a name. */
export interface Skill {
  id: string;
  name: string;
}

export interface Codec extends Skill {
  /** `undefined` if it cannot encode this at all. */
  encoders: string[] | undefined;
  decoders: string[] | undefined;
}

export interface DeviceSkill extends Skill {
  devices: Device[];
}

export interface Library {
  name: string;
  compiled: string;
  linked: string;
}

export interface Version {
  /** Three numbers, or the text as FFmpeg prints it if it has none. */
  version: string;
  compiler: string;
  configuration: string;
  libraries: Library[];
}

/** What an FFmpeg can do. */
export interface Skills {
  ffmpeg: Version;
  filters: Skill[];
  hwaccels: Skill[];
  codecs: { audio: Codec[]; video: Codec[]; subtitle: Codec[] };
  formats: { demuxers: Skill[]; muxers: Skill[] };
  devices: { demuxers: DeviceSkill[]; muxers: DeviceSkill[] };
  protocols: { input: Skill[]; output: Skill[] };
}

/** Asks the binary for what it can do. A part that it does not tell is empty. */
export async function loadSkills(run: (args: readonly string[]) => Promise<RunResult>): Promise<Skills> {
  const ask = async (option: string): Promise<string> => (await run([option])).stdout;
  const [version, filters, hwaccels, codecs, formats, devices, protocols] = await Promise.all(
    ['-version', '-filters', '-hwaccels', '-codecs', '-formats', '-devices', '-protocols'].map(ask),
  );
  const { demuxers, muxers } = parseFormats(devices ?? '');
  return {
    ffmpeg: parseVersion(version ?? ''),
    filters: parseFilters(filters ?? ''),
    hwaccels: parseHwaccels(hwaccels ?? ''),
    codecs: parseCodecs(codecs ?? ''),
    formats: parseFormats(formats ?? ''),
    devices: {
      demuxers: await withDevices(demuxers, run),
      muxers: muxers.map((skill) => ({ ...skill, devices: [] })),
    },
    protocols: parseProtocols(protocols ?? ''),
  };
}

function withDevices(
  skills: Skill[],
  run: (args: readonly string[]) => Promise<RunResult>,
): Promise<DeviceSkill[]> {
  return Promise.all(skills.map(async (skill) => ({ ...skill, devices: await loadDevices(skill.id, run) })));
}

const VERSION = /^ffmpeg version (\S+)/;
const LIBRARY = /^\s*(lib[a-z]+)\s+(\d+\.\s*\d+\.\s*\d+) \/\s+(\d+\.\s*\d+\.\s*\d+)/;

/** Reads `ffmpeg -version`. */
export function parseVersion(text: string): Version {
  const found: Version = { version: '', compiler: '', configuration: '', libraries: [] };
  for (const line of lines(text)) {
    const version = VERSION.exec(line)?.[1];
    if (version !== undefined) found.version = parseRelease(version) ?? version;
    found.compiler ||= /^\s*built with (.*)$/.exec(line)?.[1] ?? '';
    found.configuration ||= /^\s*configuration: (.*)$/.exec(line)?.[1] ?? '';
    const library = LIBRARY.exec(line);
    if (library) {
      const [, name = '', compiled = '', linked = ''] = library;
      found.libraries.push({ name, compiled, linked });
    }
  }
  return found;
}

// Three flag columns up to FFmpeg 7, two from 8 on.
const FILTER = /^ [TSC.]{2,3} (\w+)\s+\S+->\S+\s*(.*)$/;

/** Reads `ffmpeg -filters`. */
export function parseFilters(text: string): Skill[] {
  return rows(text, FILTER).map(([, id = '', name = '']) => ({ id, name }));
}

/** Reads `ffmpeg -hwaccels`. */
export function parseHwaccels(text: string): Skill[] {
  const [, list = ''] = text.split('Hardware acceleration methods:');
  return rows(list, /^([0-9A-Za-z_]+)$/).map(([, id = '']) => ({ id, name: id }));
}

const CODEC =
  /^ ([D.])([E.])([VAS])\S{3} ([\w.]+)\s+(.*?)(?:\(decoders:([^)]+)\))?\s?(?:\(encoders:([^)]+)\))?\s*$/;

/** Reads `ffmpeg -codecs`. */
export function parseCodecs(text: string): Skills['codecs'] {
  const codecs: Skills['codecs'] = { audio: [], video: [], subtitle: [] };
  const kinds: Record<string, Codec[]> = { A: codecs.audio, V: codecs.video, S: codecs.subtitle };
  for (const [, decodes, encodes, kind = '', id = '', name = '', decoders, encoders] of rows(text, CODEC)) {
    kinds[kind]?.push({
      id,
      name: name.trim(),
      encoders: encodes === 'E' ? (words(encoders) ?? [id]) : undefined,
      decoders: decodes === 'D' ? (words(decoders) ?? [id]) : undefined,
    });
  }
  return codecs;
}

// Newer FFmpeg has a third flag column, `d` for devices.
const FORMAT = /^ ([D ])([E ])(?:[d ])? ([0-9A-Za-z_,]+)\s+(.*)$/;

/** Reads `ffmpeg -formats` or `ffmpeg -devices`. */
export function parseFormats(text: string): Skills['formats'] {
  const formats: Skills['formats'] = { demuxers: [], muxers: [] };
  for (const [, demuxes, muxes, ids = '', name = ''] of rows(text, FORMAT)) {
    const skill = { id: ids.split(',', 1)[0] ?? '', name };
    if (demuxes === 'D') formats.demuxers.push(skill);
    if (muxes === 'E') formats.muxers.push({ ...skill });
  }
  return formats;
}

/** Reads `ffmpeg -protocols`. */
export function parseProtocols(text: string): Skills['protocols'] {
  const [, input = '', output = ''] = text.split(/^(?:Input|Output):$/m);
  const skills = (part: string): Skill[] => rows(part, /^\s+(\S+)$/).map(([, id = '']) => ({ id, name: id }));
  return { input: skills(input), output: skills(output) };
}

function lines(text: string): string[] {
  return text.split(/[\r\n]+/);
}

function rows(text: string, pattern: RegExp): RegExpExecArray[] {
  return lines(text)
    .map((line) => pattern.exec(line))
    .filter((row) => row !== null);
}

function words(text: string | undefined): string[] | undefined {
  return text?.trim().split(/\s+/);
}
