/** What is left of a value after each second. */
const DECAY = 0.95;

/** A sum of which 5 % are lost each second, so that what was added long ago no longer counts. */
export class DecayingSum {
  #value: number;
  #at: number;

  /** @param now milliseconds of a monotonic clock, as in the methods. */
  constructor(value: number, now: number) {
    this.#value = value;
    this.#at = now;
  }

  at(now: number): number {
    return this.#value === 0 ? 0 : this.#value * DECAY ** ((now - this.#at) / 1000);
  }

  /** @param amount negative if something is taken away; the sum stays at 0 or above. */
  add(amount: number, now: number): void {
    this.#value = Math.max(0, this.at(now) + amount);
    this.#at = now;
  }
}
