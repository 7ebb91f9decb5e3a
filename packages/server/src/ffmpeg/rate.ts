/** How many completed seconds make up the mean. */
const WINDOW = 30;
const SLOTS = WINDOW + 1;

/** A moving mean per second, over the completed seconds among the last 30. The second that runs does not count. */
export class Rate {
  readonly #startedAt: number;
  /** One slot per completed second of the window, and one for the second that runs. */
  readonly #slots = new Float64Array(SLOTS);
  #second = 0;
  #completed = 0;

  /** @param now milliseconds of a monotonic clock, as in `add`. */
  constructor(now: number) {
    this.#startedAt = now;
  }

  add(amount: number, now: number): void {
    this.#advance(Math.floor((now - this.#startedAt) / 1000));
    const slot = this.#second % SLOTS;
    this.#slots[slot] = (this.#slots[slot] ?? 0) + amount;
  }

  /** As of the last `add`; 0 during the first second. */
  get perSecond(): number {
    const seconds = Math.min(this.#second, WINDOW);
    return seconds === 0 ? 0 : this.#completed / seconds;
  }

  #advance(second: number): void {
    if (second - this.#second > SLOTS) {
      this.#slots.fill(0);
      this.#completed = 0;
      this.#second = second;
    }
    while (this.#second < second) {
      this.#completed += this.#slots[this.#second % SLOTS] ?? 0;
      this.#second++;
      const reused = this.#second % SLOTS;
      this.#completed -= this.#slots[reused] ?? 0;
      this.#slots[reused] = 0;
    }
  }
}
