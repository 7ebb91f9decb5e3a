import { readFile } from 'node:fs/promises';
import { findBinary } from './binary.ts';
import { run, type RunResult } from './run.ts';

/** A device of this machine that FFmpeg can read from. */
export interface Device {
  /** What to use as the address of an input. */
  id: string;
  name: string;
  extra: string;
  media: 'audio' | 'video';
}

/** The devices of one of FFmpeg's device demuxers; none if it is not one that can be asked. */
export async function loadDevices(
  demuxer: string,
  runFfmpeg: (args: readonly string[]) => Promise<RunResult>,
): Promise<Device[]> {
  switch (demuxer) {
    case 'alsa':
      return parseAlsa(await readText('/proc/asound/cards'), await readText('/proc/asound/devices'));
    case 'video4linux2':
    case 'v4l2':
      return parseV4l2(await outputOf('v4l2-ctl', ['--list-devices']));
    case 'fbdev':
      return loadFramebuffers();
    case 'avfoundation':
      return parseAvFoundation(
        (await runFfmpeg(['-f', 'avfoundation', '-list_devices', 'true', '-i', ''])).stderr,
      );
    default:
      return [];
  }
}

/** Capture devices from `/proc/asound/cards` and `/proc/asound/devices`. */
export function parseAlsa(cards: string, devices: string): Device[] {
  const names = new Map<string, string>();
  for (const [, card = '', name = ''] of cards.matchAll(/^\s*(\d+) \[.*?\]: .*? - (.*)$/gm)) {
    names.set(card, name.trim());
  }
  return [...devices.matchAll(/^\s*\d+: \[\s*(\d+)-\s*(\d+)\]: digital audio capture$/gm)].map(
    ([, card = '', device = '']) => ({
      id: `hw:${card},${device}`,
      name: names.get(card) ?? '',
      extra: '',
      media: 'audio',
    }),
  );
}

/** Devices from `v4l2-ctl --list-devices`: a header line per card, below it its device files. */
export function parseV4l2(text: string): Device[] {
  const devices: Device[] = [];
  let card = { name: '', extra: '' };
  for (const line of text.split('\n')) {
    const header = /^(\S.*?)(?: \(([^()]*)\))?:\s*$/.exec(line);
    if (header) card = { name: header[1] ?? '', extra: header[2] ?? '' };
    const file = /^\s+(\/dev\/video\d+)\s*$/.exec(line)?.[1];
    if (file !== undefined) devices.push({ id: file, ...card, media: 'video' });
  }
  return devices;
}

const FRAMEBUFFERS = 32;

async function loadFramebuffers(): Promise<Device[]> {
  const devices: Device[] = [];
  for (let number = 0; number < FRAMEBUFFERS; number++) {
    const id = `/dev/fb${number}`;
    const extra = parseFramebuffer(await outputOf('fbset', ['-s', '-fb', id]));
    if (extra === undefined) break;
    devices.push({ id, name: id, extra, media: 'video' });
  }
  return devices;
}

/** Size, virtual size if it differs, and pixel format from `fbset -s`. */
export function parseFramebuffer(text: string): string | undefined {
  const geometry = /^\s*geometry (\d+) (\d+) (\d+) (\d+) (\d+)/m.exec(text);
  if (geometry === null) return undefined;
  const [, width = '', height = '', virtualWidth = '', virtualHeight = '', depth = ''] = geometry;
  const size = `${width}x${height}`;
  const virtualSize = `${virtualWidth}x${virtualHeight}`;
  return [size, ...(size === virtualSize ? [] : [`(${virtualSize})`]), pixelFormat(depth, text)].join(' ');
}

/** FFmpeg's name of the format: by depth and by whether red comes first in memory. */
function pixelFormat(depth: string, text: string): string {
  const isRedFirst = /^\s*rgba \d+\/0,/m.test(text);
  switch (depth) {
    case '32':
      return isRedFirst ? 'rgba' : 'bgra';
    case '24':
      return isRedFirst ? 'rgb24' : 'bgr24';
    case '16':
      return isRedFirst ? 'bgr565le' : 'rgb565le';
    default:
      return `${depth}bpp`;
  }
}

/** Devices from the list that FFmpeg itself prints on macOS. */
export function parseAvFoundation(text: string): Device[] {
  const devices: Device[] = [];
  let media: Device['media'] = 'video';
  for (const line of text.split('\n')) {
    const section = /AVFoundation (video|audio) devices:/.exec(line)?.[1];
    if (section !== undefined) media = section === 'audio' ? 'audio' : 'video';
    const [, id, name = ''] = /\] \[(\d+)\] (.*)$/.exec(line) ?? [];
    if (id !== undefined) devices.push({ id: media === 'audio' ? `:${id}` : id, name, extra: '', media });
  }
  return devices;
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch {
    return ''; // this machine has no such devices
  }
}

async function outputOf(program: string, args: readonly string[]): Promise<string> {
  try {
    return (await run(findBinary(program), args)).stdout;
  } catch {
    return ''; // the program is not installed
  }
}
