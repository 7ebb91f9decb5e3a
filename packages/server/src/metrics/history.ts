import type { Snapshot } from './snapshot.ts';

/** How far back the history goes, and in which steps; milliseconds. */
export interface HistoryOptions {
  rangeMs: number;
  intervalMs: number;
}

/** A past moment, and where its values are. */
export interface Moment {
  chunk: Chunk;
  index: number;
}

/** Samples in a row that share their memory. */
const CHUNK_SAMPLES = 32;
/** What all samples may take. With more series than fit, the history is shorter. */
const MAX_BYTES = 128 * 1024 * 1024;
/** About what a series takes in a chunk beside its values and the text of its labels, in bytes. */
const SERIES_OVERHEAD = 200;
const BYTES_PER_VALUE = Float64Array.BYTES_PER_ELEMENT;
const BYTES_PER_CHARACTER = 2;
const SEPARATOR = '\0';

/** What tells series of one metric apart. */
export function keyOf(labels: readonly string[]): string {
  return labels.length === 1 ? (labels[0] ?? '') : labels.join(SEPARATOR);
}

interface Column {
  labels: readonly string[];
  values: Float64Array;
}

/** Some samples in a row: a column of numbers for each series that occurs in them. */
class Chunk {
  readonly times: number[] = [];
  readonly series = new Map<string, Map<string, Column>>();
  bytes = 0;

  get isFull(): boolean {
    return this.times.length >= CHUNK_SAMPLES;
  }

  /** @param room how many bytes there are for series that are new in this chunk; those beyond are left out. */
  add(snapshot: Snapshot, room: number): void {
    const index = this.times.push(snapshot.at) - 1;
    for (const name of snapshot.names()) {
      const columns = this.series.get(name) ?? new Map<string, Column>();
      this.series.set(name, columns);
      for (const { labels, value } of snapshot.rows(name)) {
        const key = keyOf(labels);
        let column = columns.get(key);
        if (column === undefined) {
          const size = SERIES_OVERHEAD + key.length * BYTES_PER_CHARACTER + CHUNK_SAMPLES * BYTES_PER_VALUE;
          if (size > room) continue;
          room -= size;
          this.bytes += size;
          column = { labels, values: new Float64Array(CHUNK_SAMPLES).fill(NaN) };
          columns.set(key, column);
        }
        column.values[index] = value;
      }
    }
  }
}

/** The latest samples of all metrics, in bounded memory. */
export class History {
  readonly #maxBytes: number;
  #options: HistoryOptions;
  #chunks: Chunk[] = [];

  constructor(options: HistoryOptions, maxBytes = MAX_BYTES) {
    this.#options = options;
    this.#maxBytes = maxBytes;
  }

  /** Applies other options; what was sampled by the old ones stays as far as it fits the new ones. */
  configure(options: HistoryOptions): void {
    this.#options = options;
    this.#trim();
  }

  add(snapshot: Snapshot): void {
    let chunk = this.#chunks.at(-1);
    if (chunk === undefined || chunk.isFull) {
      // The next chunk will be about as large as this one.
      this.#makeRoom(chunk?.bytes ?? 0);
      chunk = new Chunk();
      this.#chunks.push(chunk);
    }
    chunk.add(snapshot, this.#maxBytes - this.#bytes());
    this.#trim();
  }

  /**
   * The moments of a query: a grid of ⌊range ÷ interval⌋ points, each with the latest sample before it. Points before
   * the first sample of the range are left out; the latest sample stands for all points behind it.
   *
   * @returns the time of each point, in milliseconds, with its sample.
   */
  grid(now: number, rangeMs: number, intervalMs: number): (Moment & { at: number })[] {
    if (rangeMs <= 0 || intervalMs <= 0 || intervalMs > rangeMs) return [];
    const begin = now - rangeMs - this.#options.intervalMs;
    const samples = this.#samples().filter(({ chunk, index }) => timeOf(chunk, index) >= begin);
    const first = samples[0];
    if (first === undefined) return [];

    const points: (Moment & { at: number })[] = [];
    const oldest = timeOf(first.chunk, first.index);
    const count = Math.floor(rangeMs / intervalMs);
    let next = 0;
    for (let step = Math.max(0, Math.ceil((oldest - begin) / intervalMs)); step < count; step++) {
      const at = begin + step * intervalMs;
      for (let sample = samples[next]; sample && timeOf(sample.chunk, sample.index) <= at;) {
        sample = samples[++next];
      }
      const sample = samples[next - 1];
      if (sample !== undefined) points.push({ ...sample, at });
    }
    return points;
  }

  #samples(): Moment[] {
    const all = this.#chunks.flatMap((chunk) => chunk.times.map((_, index) => ({ chunk, index })));
    return all.slice(-this.#capacity);
  }

  get #capacity(): number {
    return Math.max(1, Math.floor(this.#options.rangeMs / this.#options.intervalMs));
  }

  /** Lets go of chunks all of whose samples are too old. */
  #trim(): void {
    let count = this.#chunks.reduce((sum, { times }) => sum + times.length, 0);
    for (let oldest = this.#chunks[0]; oldest && count - oldest.times.length >= this.#capacity;) {
      count -= oldest.times.length;
      this.#chunks.shift();
      oldest = this.#chunks[0];
    }
  }

  #makeRoom(bytes: number): void {
    while (this.#chunks.length > 0 && this.#bytes() + bytes > this.#maxBytes) this.#chunks.shift();
  }

  #bytes(): number {
    return this.#chunks.reduce((sum, chunk) => sum + chunk.bytes, 0);
  }
}

function timeOf(chunk: Chunk, index: number): number {
  return chunk.times[index] ?? 0;
}

export type { Chunk };
