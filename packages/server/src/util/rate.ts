/**
 * A moving mean per second, over the completed seconds among the last ones. The second that runs does not count.
 * Takes no memory for the seconds until something is added.
 */
export class Rate {
  readonly #startedAt: number;
  readonly #window: number;
  /** One slot per completed second of the window, and one for the second that runs. */
  #slots: Float64Array | undefined;
  #second = 0;
  #completed = 0;

  /**
   * @param now milliseconds of a monotonic clock, as in the methods.
   * @param windowSeconds how many completed seconds make up the mean.
   */
  constructor(now: number, windowSeconds: number) {
    this.#startedAt = now;
    this.#window = windowSeconds;
  }

  add(amount: number, now: number): void {
    this.advance(now);
    if (amount === 0) return;
    this.#slots ??= new Float64Array(this.#window + 1);
    const slot = this.#second % this.#slots.length;
    this.#slots[slot] = (this.#slots[slot] ?? 0) + amount;
  }

  /** Lets the time pass without adding anything. */
  advance(now: number): void {
    const second = Math.floor((now - this.#startedAt) / 1000);
    if (this.#slots !== undefined) this.#shift(this.#slots, second);
    this.#second = Math.max(this.#second, second);
  }

  /** As of the last call; 0 during the first second. */
  get perSecond(): number {
    const seconds = Math.min(this.#second, this.#window);
    return seconds === 0 ? 0 : this.#completed / seconds;
  }

  #shift(slots: Float64Array, second: number): void {
    if (second - this.#second > slots.length) {
      slots.fill(0);
      this.#completed = 0;
      return;
    }
    for (let past = this.#second; past < second; past++) {
      this.#completed += slots[past % slots.length] ?? 0;
      const reused = (past + 1) % slots.length;
      this.#completed -= slots[reused] ?? 0;
      slots[reused] = 0;
    }
  }
}
