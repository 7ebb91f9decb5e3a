/** For how long an address is remembered that has guessed, in milliseconds. */
const MEMORY = 60_000;
const FIRST_DELAY = 100;
const MAX_DELAY = 3_000;
/** Addresses that are remembered at most. Then the oldest are forgotten. */
const MAX_ADDRESSES = 10_000;

/** Makes those wait for their refusal who have guessed before: the first mistake is free. */
export class Guesses {
  readonly #failures = new Map<string, { count: number; at: number }>();

  /** Takes down a wrong guess; how long the answer is to wait, in milliseconds. */
  delay(address: string, now: number): number {
    const known = this.#failures.get(address);
    const count = known !== undefined && now - known.at < MEMORY ? known.count + 1 : 1;
    // The newest at the end.
    this.#failures.delete(address);
    this.#failures.set(address, { count, at: now });
    if (this.#failures.size > MAX_ADDRESSES) {
      for (const oldest of this.#failures.keys()) {
        this.#failures.delete(oldest);
        break;
      }
    }
    return count === 1 ? 0 : Math.min(MAX_DELAY, FIRST_DELAY * 2 ** (count - 2));
  }
}
