const WINDOW = 1_000;

/** Lets so many events of one kind pass a second; the others are counted, and told as one number. */
export class Storm {
  readonly #limit: number;
  readonly #tell: (omitted: number) => void;
  #windowEnd = 0;
  #passed = 0;
  #omitted = 0;

  /** @param tell is told how many were left out, once a second at the most. */
  constructor(limit: number, tell: (omitted: number) => void) {
    this.#limit = limit;
    this.#tell = tell;
  }

  /** Whether one more event may pass. */
  admits(now: number): boolean {
    if (now >= this.#windowEnd) {
      this.settle();
      this.#windowEnd = now + WINDOW;
      this.#passed = 0;
    }
    if (this.#passed < this.#limit) {
      this.#passed++;
      return true;
    }
    this.#omitted++;
    return false;
  }

  /** Tells what was left out and not told yet. */
  settle(): void {
    const omitted = this.#omitted;
    this.#omitted = 0;
    if (omitted > 0) this.#tell(omitted);
  }
}
