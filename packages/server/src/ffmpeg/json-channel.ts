import { CoreError } from '../util/errors.ts';
import { MAX_STREAMS, type Stream } from './stream.ts';

/** Counters of one input or output stream in a JSON progress line. */
export interface JsonIo {
  index: number;
  stream: number;
  frame: number;
  keyframe: number;
  framerate: { min: number; max: number; avg: number };
  packet: number;
  q: number;
  sizeBytes: number;
  extradataSizeBytes: number;
}

/** A progress line of an FFmpeg with the JSON channel. */
export interface JsonProgress {
  inputs: JsonIo[];
  outputs: JsonIo[];
  frame: number;
  packet: number;
  q: number;
  sizeBytes: number;
  timeSeconds: number;
  speed: number;
  drop: number;
  dup: number;
}

export interface AvStreamIo {
  state: string;
  packet: number;
  timeSeconds: number;
  sizeBytes: number;
}

/** State of an input that FFmpeg reads through its `avstream` or `playout` protocol. */
export interface AvStream {
  input: AvStreamIo;
  output: AvStreamIo;
  aqueue: number;
  queue: number;
  dup: number;
  drop: number;
  enc: number;
  looping: boolean;
  loopingRuntimeSeconds: number;
  duplicating: boolean;
  gop: string;
}

type Json = Record<string, unknown>;

/** Reads the array behind `ffmpeg.inputs:` or `ffmpeg.outputs:`. Throws if it is broken or empty. */
export function parseStreams(text: string): Stream[] {
  const list: unknown = JSON.parse(text);
  if (!Array.isArray(list) || list.length === 0) throw new CoreError('invalid', 'expected a list of streams');
  return list.slice(0, MAX_STREAMS).map((item) => {
    const stream = toObject(item);
    return {
      address: string(stream['url']),
      format: string(stream['format']),
      index: number(stream['index']),
      stream: number(stream['stream']),
      language: string(stream['language']) || 'und',
      type: string(stream['type']),
      codec: string(stream['codec']),
      coder: string(stream['coder']),
      bitrateKbps: number(stream['bitrate_kbps']),
      durationSeconds: number(stream['duration_sec']),
      fps: number(stream['fps']),
      pixFmt: string(stream['pix_fmt']),
      width: number(stream['width']),
      height: number(stream['height']),
      samplingHz: number(stream['sampling_hz']),
      layout: string(stream['layout']),
      channels: number(stream['channels']),
    };
  });
}

/** Reads the object behind `ffmpeg.progress:`. Throws if it is broken. */
export function parseProgress(text: string): JsonProgress {
  const progress = toObject(JSON.parse(text));
  return {
    inputs: toList(progress['inputs']).map(toIo),
    outputs: toList(progress['outputs']).map(toIo),
    frame: number(progress['frame']),
    packet: number(progress['packet']),
    q: number(progress['q']),
    sizeBytes: bytes(progress),
    timeSeconds: seconds(progress['time']),
    speed: number(progress['speed']),
    drop: number(progress['drop']),
    dup: number(progress['dup']),
  };
}

/** Reads the object behind `avstream.progress:`. Throws if it is broken. */
export function parseAvStream(text: string): { id: string; state: AvStream } {
  const json = toObject(JSON.parse(text));
  return {
    id: string(json['id']),
    state: {
      input: toAvStreamIo(json['input']),
      output: toAvStreamIo(json['output']),
      aqueue: number(json['aqueue']),
      queue: number(json['queue']),
      dup: number(json['dup']),
      drop: number(json['drop']),
      enc: number(json['enc']),
      looping: json['looping'] === true,
      loopingRuntimeSeconds: number(json['looping_runtime']),
      duplicating: json['duplicating'] === true,
      gop: string(json['gop']),
    },
  };
}

function toIo(item: unknown): JsonIo {
  const io = toObject(item);
  const framerate = toObject(io['framerate'] ?? {});
  return {
    index: number(io['index']),
    stream: number(io['stream']),
    frame: number(io['frame']),
    keyframe: number(io['keyframe']),
    framerate: {
      min: number(framerate['min']),
      max: number(framerate['max']),
      avg: number(framerate['avg']),
    },
    packet: number(io['packet']),
    q: number(io['q']),
    sizeBytes: bytes(io),
    extradataSizeBytes: number(io['extradata_size_bytes']),
  };
}

function toAvStreamIo(item: unknown): AvStreamIo {
  const io = toObject(item ?? {});
  return {
    state: string(io['state']),
    packet: number(io['packet']),
    timeSeconds: seconds(io['time']),
    sizeBytes: number(io['size_kb']) * 1024,
  };
}

function bytes(json: Json): number {
  return number(json['size_bytes']) || number(json['size_kb']) * 1024;
}

const DURATION = /^(?:(\d+)h)?(?:(\d+)m)?(\d+(?:\.\d+)?)s$/;

/** Seconds from a number of them or from a text such as `0h0m1.50s`. */
function seconds(value: unknown): number {
  if (typeof value !== 'string') return number(value);
  const parts = DURATION.exec(value);
  if (parts === null) return 0;
  return Number(parts[1] ?? 0) * 3600 + Number(parts[2] ?? 0) * 60 + Number(parts[3]);
}

function toObject(value: unknown): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new CoreError('invalid', 'expected an object');
  }
  return value as Json;
}

function toList(value: unknown): unknown[] {
  return Array.isArray(value) ? value.slice(0, MAX_STREAMS) : [];
}

function number(value: unknown): number {
  return typeof value === 'number' && Math.abs(value) <= Number.MAX_SAFE_INTEGER ? value : 0;
}

function string(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
