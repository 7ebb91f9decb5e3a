const WINDOW_MS = 1_000;
/** After so long without anything, the rate is 0. */
const STALE_MS = 5_000;

/** Counts bytes, and how many come in a second. */
export class Meter {
  /** All bytes. */
  total = 0;
  /** All that was counted one by one. */
  count = 0;
  /** Bytes a second of the last whole window, whether anything came since or not. */
  lastBytesPerSecond = 0;
  #windowStart: number | undefined;
  #windowBytes = 0;

  add(bytes: number, now: number, count = 1): void {
    this.total += bytes;
    this.count += count;
    this.#windowStart ??= now;
    this.#windowBytes += bytes;
    const elapsed = now - this.#windowStart;
    if (elapsed < WINDOW_MS) return;
    this.lastBytesPerSecond = (this.#windowBytes * 1000) / elapsed;
    this.#windowStart = now;
    this.#windowBytes = 0;
  }

  /** Bytes a second at a moment. */
  bytesPerSecond(now: number): number {
    if (this.#windowStart === undefined || now - this.#windowStart > STALE_MS) return 0;
    return this.lastBytesPerSecond;
  }
}
