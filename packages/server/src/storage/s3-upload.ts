import { type Readable, finished } from 'node:stream';
import { CoreError } from '../util/errors.ts';

/** Where an upload goes: into one request, or into a series of parts that together become visible at the end. */
export interface UploadTarget {
  /** Stores a whole file. */
  put(body: Buffer): Promise<void>;
  /** Begins a series. */
  begin(): Promise<PartSeries>;
}

export interface PartSeries {
  /** Parts are numbered from 1. May be called for several at a time. */
  put(number: number, body: Buffer, signal: AbortSignal): Promise<void>;
  complete(): Promise<void>;
  /** Drops the series with all its parts. Never fails. */
  abort(): Promise<void>;
}

const MEBIBYTE = 1024 * 1024;
/** S3 wants at least 5 MiB, and at most this many of them. */
export const PART_BYTES = 8 * MEBIBYTE;
const MAX_PARTS = 10_000;
const MAX_PART_BYTES = 64 * MEBIBYTE;
/** After so many parts of an upload of unknown length, the parts double. */
const PARTS_PER_SIZE = 1_000;
const IN_FLIGHT_BYTES = 16 * MEBIBYTE;
const FIRST_BYTES = 256 * 1024;
/** What may wait between the source and the parts. */
const QUEUE_BYTES = MEBIBYTE;

/** The memory that the uploads of one filesystem may fill together. */
export class UploadMemory {
  readonly #limit: number;
  #used = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** @throws CoreError `unavailable` if that is too much. */
  take(bytes: number): void {
    if (this.#used + bytes > this.#limit) throw new CoreError('unavailable', 'too many uploads at once');
    this.#used += bytes;
  }

  give(bytes: number): void {
    this.#used -= bytes;
  }
}

export interface UploadOptions {
  /** Of the source in bytes, if it is known. */
  size: number | undefined;
  memory: UploadMemory;
  /** Ends the upload, which then fails with the signal's reason. */
  signal: AbortSignal;
}

/**
 * Sends a source to the target with a memory of a few parts, whatever its length. Nothing stays there if that fails,
 * and the source is left as it is.
 *
 * @returns how many bytes there were.
 * @throws CoreError `no_space` for what is too big; what the source or the target fail with.
 */
export async function upload(
  source: Readable,
  target: UploadTarget,
  { size, memory, signal }: UploadOptions,
): Promise<number> {
  const parts = new Parts(size, target, memory);
  try {
    for await (const chunk of chunksOf(source, signal)) await parts.append(chunk);
    await parts.finish();
    return parts.size;
  } catch (error) {
    await parts.abort();
    throw error;
  } finally {
    parts.close();
  }
}

/**
 * The chunks of a source, which is read from the first moment on and paused by name while nobody takes them. Throws the
 * signal's reason, even while the source keeps silent. The source is not destroyed.
 */
async function* chunksOf(source: Readable, signal: AbortSignal): AsyncGenerator<Buffer> {
  const chunks: Buffer[] = [];
  let waiting = 0;
  let end: { failure?: unknown } | undefined;
  let wake: () => void = () => undefined;
  const finish = (failure?: unknown) => {
    end ??= { failure };
    wake();
  };
  const onData = (chunk: Buffer) => {
    chunks.push(chunk);
    waiting += chunk.length;
    if (waiting >= QUEUE_BYTES) source.pause();
    wake();
  };
  const onAbort = () => {
    finish(signal.reason);
  };
  const stopWatching = finished(source, { writable: false }, finish);
  source.on('data', onData);
  signal.addEventListener('abort', onAbort);
  if (signal.aborted) onAbort();
  try {
    for (;;) {
      if (end?.failure) throw end.failure as Error;
      const chunk = chunks.shift();
      if (chunk !== undefined) {
        waiting -= chunk.length;
        yield chunk;
        if (chunks.length === 0 && source.isPaused()) source.resume();
      } else if (end !== undefined) {
        return;
      } else {
        await new Promise<void>((resolve) => (wake = resolve));
      }
    }
  } finally {
    stopWatching();
    signal.removeEventListener('abort', onAbort);
    source.off('data', onData);
    if (!source.readableEnded) source.pause();
  }
}

/** How large the part of that number is. */
export function partSize(number: number, size: number | undefined): number {
  if (size === undefined) {
    return Math.min(PART_BYTES * 2 ** Math.floor((number - 1) / PARTS_PER_SIZE), MAX_PART_BYTES);
  }
  // Some storages want all parts but the last to be equal.
  const least = Math.ceil(size / MAX_PARTS / MEBIBYTE) * MEBIBYTE;
  if (least > MAX_PART_BYTES) throw new CoreError('no_space', 'File is too big');
  return Math.max(PART_BYTES, least);
}

/** Fills one part while earlier ones are on their way. */
class Parts {
  readonly #announced: number | undefined;
  readonly #target: UploadTarget;
  readonly #memory: UploadMemory;
  readonly #aborting = new AbortController();
  readonly #inFlight = new Set<Promise<void>>();
  #inFlightBytes = 0;
  #taken = 0;
  #series: PartSeries | undefined;
  #number = 1;
  #capacity: number;
  #buffer = Buffer.alloc(0);
  #filled = 0;
  size = 0;

  constructor(announced: number | undefined, target: UploadTarget, memory: UploadMemory) {
    this.#announced = announced;
    this.#target = target;
    this.#memory = memory;
    this.#capacity = partSize(1, announced);
  }

  async append(chunk: Buffer): Promise<void> {
    for (let offset = 0; offset < chunk.length;) {
      if (this.#filled === this.#capacity) await this.#send();
      const taken = Math.min(chunk.length - offset, this.#capacity - this.#filled);
      this.#reserve(this.#filled + taken);
      chunk.copy(this.#buffer, this.#filled, offset, offset + taken);
      this.#filled += taken;
      offset += taken;
    }
    this.size += chunk.length;
  }

  async finish(): Promise<void> {
    if (this.#series === undefined) {
      await this.#target.put(this.#buffer.subarray(0, this.#filled));
      return;
    }
    await this.#send();
    await Promise.all(this.#inFlight);
    await this.#series.complete();
  }

  async abort(): Promise<void> {
    this.#aborting.abort();
    // A part that arrives after the series was dropped would stay.
    await Promise.allSettled(this.#inFlight);
    await this.#series?.abort();
  }

  close(): void {
    this.#memory.give(this.#taken);
    this.#taken = 0;
  }

  /** Makes the buffer large enough. It doubles, because most files are much smaller than a part. */
  #reserve(bytes: number): void {
    const had = this.#buffer.length;
    if (bytes <= had) return;
    const wanted = Math.min(Math.max(bytes, had * 2, FIRST_BYTES), this.#capacity);
    this.#take(wanted - had);
    const buffer = Buffer.allocUnsafeSlow(wanted);
    this.#buffer.copy(buffer, 0, 0, this.#filled);
    this.#buffer = buffer;
  }

  #take(bytes: number): void {
    this.#memory.take(bytes);
    this.#taken += bytes;
  }

  async #send(): Promise<void> {
    if (this.#number > MAX_PARTS) throw new CoreError('no_space', 'File is too big');
    this.#series ??= await this.#target.begin();
    const buffer = this.#buffer;
    const body = buffer.subarray(0, this.#filled);
    while (this.#inFlight.size > 0 && this.#inFlightBytes + body.length > IN_FLIGHT_BYTES) {
      await Promise.race(this.#inFlight);
    }
    this.#inFlightBytes += body.length;
    const sent = this.#series.put(this.#number++, body, this.#aborting.signal).then(() => {
      this.#inFlight.delete(sent);
      this.#inFlightBytes -= body.length;
      this.#memory.give(buffer.length);
      this.#taken -= buffer.length;
    });
    // A failure stays among those in flight until somebody waits for them.
    sent.catch(() => undefined);
    this.#inFlight.add(sent);
    this.#buffer = Buffer.alloc(0);
    this.#filled = 0;
    this.#capacity = partSize(this.#number, this.#announced);
  }
}
