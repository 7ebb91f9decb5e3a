import type { AvStream, JsonIo, JsonProgress } from './json-channel.ts';
import { Rate } from '../util/rate.ts';
import type { StatusLine } from './status-line.ts';
import type { Stream } from './stream.ts';

/** Counters of one stream of an input or output. A plain FFmpeg does not tell them: they stay 0. */
export interface IoProgress {
  /** Of the configured input or output, `''` if there is none with that index. */
  id: string;
  address: string;
  index: number;
  stream: number;
  format: string;
  type: string;
  codec: string;
  coder: string;
  frame: number;
  keyframe: number;
  framerate: { min: number; max: number; avg: number };
  /** Frames per second. */
  fps: number;
  packet: number;
  /** Packets per second. */
  pps: number;
  sizeBytes: number;
  bitrateKbit: number;
  extradataSizeBytes: number;
  pixFmt: string;
  q: number;
  width: number;
  height: number;
  samplingHz: number;
  layout: string;
  channels: number;
  avstream: AvStream | undefined;
}

/** What was read from or written to an address. */
export interface IoBytes {
  address: string;
  bytes: number;
}

/** How far FFmpeg got. The rates are means over the last 30 seconds; 1 kbit is 1024 bits. */
export interface Progress {
  inputs: IoProgress[];
  outputs: IoProgress[];
  frame: number;
  packet: number;
  fps: number;
  pps: number;
  q: number;
  sizeBytes: number;
  timeSeconds: number;
  bitrateKbit: number;
  speed: number;
  drop: number;
  dup: number;
}

/** Seconds over which rates are means. */
const RATE_WINDOW = 30;

/** How many avstream inputs are remembered. */
const MAX_AVSTREAMS = 100;

/** The rates of what three counters counted. */
class Rates {
  readonly #frames: Rate;
  readonly #packets: Rate;
  readonly #bytes: Rate;

  constructor(now: number) {
    this.#frames = new Rate(now, RATE_WINDOW);
    this.#packets = new Rate(now, RATE_WINDOW);
    this.#bytes = new Rate(now, RATE_WINDOW);
  }

  /** Adds what came since `before` and sets the rates of `after`. Counters that fell add nothing. */
  update(after: Counters & RateValues, before: Counters, now: number): void {
    this.#frames.add(Math.max(0, after.frame - before.frame), now);
    this.#packets.add(Math.max(0, after.packet - before.packet), now);
    this.#bytes.add(Math.max(0, after.sizeBytes - before.sizeBytes), now);
    after.fps = this.#frames.perSecond;
    after.pps = this.#packets.perSecond;
    after.bitrateKbit = (this.#bytes.perSecond * 8) / 1024;
  }
}

interface Counters {
  frame: number;
  packet: number;
  sizeBytes: number;
}

interface RateValues {
  fps: number;
  pps: number;
  bitrateKbit: number;
}

interface Io {
  progress: IoProgress;
  rates: Rates;
}

/** Keeps the progress of one run. */
export class ProgressTracker {
  readonly #startedAt: number;
  readonly #total: Omit<Progress, 'inputs' | 'outputs'>;
  readonly #rates: Rates;
  readonly #avstreams = new Map<string, AvStream>();
  #hasIoCounters = false;
  #inputs: Io[] = [];
  #outputs: Io[] = [];

  /** @param now milliseconds of a monotonic clock, as everywhere in this class. */
  constructor(now: number) {
    this.#startedAt = now;
    this.#rates = new Rates(now);
    this.#total = {
      frame: 0,
      packet: 0,
      fps: 0,
      pps: 0,
      q: 0,
      sizeBytes: 0,
      timeSeconds: 0,
      bitrateKbit: 0,
      speed: 0,
      drop: 0,
      dup: 0,
    };
  }

  /** @param ids of the configured inputs, in their order. */
  setInputs(streams: readonly Stream[], ids: readonly string[]): void {
    this.#inputs = this.#toIos(streams, ids);
  }

  /** @param ids of the configured outputs, in their order. */
  setOutputs(streams: readonly Stream[], ids: readonly string[]): void {
    this.#outputs = this.#toIos(streams, ids);
  }

  /** @returns whether frames, time or size grew. */
  applyStatus(status: StatusLine, now: number): boolean {
    const total = this.#total;
    const { frame, sizeBytes, timeSeconds } = total;
    Object.assign(total, status);
    this.#rates.update(total, { frame, sizeBytes, packet: total.packet }, now);
    return total.frame > frame || total.timeSeconds > timeSeconds || total.sizeBytes > sizeBytes;
  }

  /** @returns whether any output advanced. Streams that are not in the lists are left out. */
  applyJson({ inputs, outputs, ...total }: JsonProgress, now: number): boolean {
    const { frame, packet, sizeBytes } = this.#total;
    this.#hasIoCounters = true;
    Object.assign(this.#total, total);
    this.#rates.update(this.#total, { frame, packet, sizeBytes }, now);
    applyCounters(this.#inputs, inputs, now);
    return applyCounters(this.#outputs, outputs, now);
  }

  /** Remembers the state of the avstream input whose address is `id`. */
  applyAvStream(id: string, state: AvStream): void {
    if (this.#avstreams.has(id) || this.#avstreams.size < MAX_AVSTREAMS) this.#avstreams.set(id, state);
  }

  /** How much went to and fro where, as far as FFmpeg tells. The lists keep their order as they grow. */
  traffic(): { inputs: IoBytes[]; outputs: IoBytes[] } {
    if (this.#hasIoCounters)
      return { inputs: this.#inputs.map(toBytes), outputs: this.#outputs.map(toBytes) };
    // The size in FFmpeg's status line is that of its first output file.
    const [first] = this.#outputs;
    const { sizeBytes } = this.#total;
    return { inputs: [], outputs: first ? [{ address: first.progress.address, bytes: sizeBytes }] : [] };
  }

  /** The present numbers, as a copy. */
  snapshot(): Progress {
    return {
      inputs: this.#inputs.map(({ progress }) => ({
        ...progress,
        avstream: this.#avstreams.get(progress.address),
      })),
      outputs: this.#outputs.map(({ progress }) => ({ ...progress })),
      ...this.#total,
    };
  }

  #toIos(streams: readonly Stream[], ids: readonly string[]): Io[] {
    return streams.map((stream) => ({
      progress: toProgress(stream, ids[stream.index] ?? ''),
      rates: new Rates(this.#startedAt),
    }));
  }
}

function toBytes({ progress: { address, sizeBytes } }: Io): IoBytes {
  return { address, bytes: sizeBytes };
}

function applyCounters(ios: readonly Io[], news: readonly JsonIo[], now: number): boolean {
  let hasAdvanced = false;
  for (const next of news) {
    const io = ios.find(({ progress: { index, stream } }) => index === next.index && stream === next.stream);
    if (io === undefined) continue;
    const { frame, packet, sizeBytes } = io.progress;
    Object.assign(io.progress, next);
    io.rates.update(io.progress, { frame, packet, sizeBytes }, now);
    hasAdvanced ||= next.frame > frame || next.packet > packet || next.sizeBytes > sizeBytes;
  }
  return hasAdvanced;
}

function toProgress(stream: Stream, id: string): IoProgress {
  return {
    id,
    address: stream.address,
    index: stream.index,
    stream: stream.stream,
    format: stream.format,
    type: stream.type,
    codec: stream.codec,
    coder: stream.coder,
    frame: 0,
    keyframe: 0,
    framerate: { min: 0, max: 0, avg: 0 },
    fps: 0,
    packet: 0,
    pps: 0,
    sizeBytes: 0,
    bitrateKbit: 0,
    extradataSizeBytes: 0,
    pixFmt: stream.pixFmt,
    q: 0,
    width: stream.width,
    height: stream.height,
    samplingHz: stream.samplingHz,
    layout: stream.layout,
    channels: stream.channels,
    avstream: undefined,
  };
}
