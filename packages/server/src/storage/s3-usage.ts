import type { FileInfo } from './filesystem.ts';

interface Count {
  bytes: number;
  files: number;
}

const MIN_INTERVAL_MS = 60_000;
/** Counting may take one twentieth of the time. */
const REST_FACTOR = 20;

/**
 * How much a storage holds. Everything is counted from time to time, the more seldom the longer that takes; our own
 * changes are added in between.
 */
export class UsageCounter {
  readonly #pages: () => AsyncIterable<readonly FileInfo[]>;
  #count: Count | undefined;
  #counting: Promise<Count> | undefined;
  #nextAt = -Infinity;

  constructor(pages: () => AsyncIterable<readonly FileInfo[]>) {
    this.#pages = pages;
  }

  /** Waits only for the very first count. Rejects if that fails. */
  async usage(): Promise<Readonly<Count>> {
    if (this.#count === undefined || performance.now() >= this.#nextAt) {
      this.#counting ??= this.#countAll().finally(() => {
        this.#counting = undefined;
      });
      this.#counting.catch(() => undefined);
      return this.#count ?? (await this.#counting);
    }
    return this.#count;
  }

  /** Tells of a file that was written or removed. */
  add(bytes: number, files: number): void {
    if (this.#count === undefined) return;
    this.#count.bytes = Math.max(0, this.#count.bytes + bytes);
    this.#count.files = Math.max(0, this.#count.files + files);
  }

  async #countAll(): Promise<Count> {
    const begun = performance.now();
    const count = { bytes: 0, files: 0 };
    for await (const page of this.#pages()) {
      for (const { size } of page) count.bytes += size;
      count.files += page.length;
    }
    // Changes meanwhile may or may not be in the count already; the next one corrects it.
    this.#count = count;
    const now = performance.now();
    this.#nextAt = now + Math.max(MIN_INTERVAL_MS, (now - begun) * REST_FACTOR);
    return count;
  }
}
