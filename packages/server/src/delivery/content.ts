import { Readable } from 'node:stream';
import { CoreError } from '../util/errors.ts';

/** The bytes of one version of a file in memory. While they still come in, readers get what is there and then the rest. */
export class Content {
  readonly #bytes: Buffer;
  #filled = 0;
  #progress = createSignal();

  /** @param size in bytes; so much memory is taken at once. */
  constructor(size: number) {
    this.#bytes = Buffer.allocUnsafeSlow(size);
  }

  get size(): number {
    return this.#bytes.length;
  }

  /** Takes the bytes in. Rejects, as all present readers do, if the source fails or does not have exactly that many. */
  async fill(source: Readable): Promise<void> {
    try {
      for await (const chunk of source as AsyncIterable<Buffer>) {
        if (chunk.length > this.size - this.#filled) throw new CoreError('unavailable', 'the file has grown');
        this.#filled += chunk.copy(this.#bytes, this.#filled);
        const { resolve } = this.#progress;
        this.#progress = createSignal();
        resolve(undefined);
      }
      if (this.#filled < this.size) throw new CoreError('unavailable', 'the file was truncated');
    } catch (error) {
      this.#progress.reject(error);
      throw error;
    }
  }

  /** The bytes from `start` up to, not including, `end`. A buffer is shared and must not be changed. */
  read(start: number, end: number): Buffer | Readable {
    if (this.#filled === this.size) return this.#bytes.subarray(start, end);
    return Readable.from(this.#follow(start, end), { objectMode: false });
  }

  async *#follow(start: number, end: number): AsyncGenerator<Buffer> {
    for (let position = start; position < end;) {
      const available = Math.min(this.#filled, end);
      if (available > position) yield this.#bytes.subarray(position, available);
      else await this.#progress.promise;
      position = Math.max(position, available);
    }
  }
}

function createSignal(): PromiseWithResolvers<undefined> {
  const signal = Promise.withResolvers<undefined>();
  // Nobody may be reading.
  signal.promise.catch(() => undefined);
  return signal;
}
