import { ProtocolError } from './errors.ts';

/** Messages of no more than this on average are no media. */
const TINY_BYTES = 64;

/** What can be read from or not. */
export interface Pausable {
  pause(): void;
  resume(): void;
}

/**
 * Keeps a publisher from costing more than its share of time.
 *
 * One that sends a file faster than it plays is read more slowly. One that floods with tiny messages is thrown out.
 */
export class RateGuard {
  readonly #perSecond: number;
  readonly #source: Pausable;
  #windowStart = performance.now();
  #messages = 0;
  #bytes = 0;
  #isPaused = false;

  constructor(perSecond: number, source: Pausable) {
    this.#perSecond = perSecond;
    this.#source = source;
  }

  /** Counts a message; throws a {@link ProtocolError} if it is one of a flood. */
  count(bytes: number): void {
    this.#messages++;
    this.#bytes += bytes;
    if (this.#messages <= this.#perSecond || this.#isPaused) return;
    const now = performance.now();
    if (now - this.#windowStart >= 1000) {
      this.#restart(now);
      return;
    }
    if (this.#bytes < this.#messages * TINY_BYTES) throw new ProtocolError('a flood of tiny messages');
    this.#isPaused = true;
    this.#source.pause();
  }

  /** To be called once a second: lets a publisher go on that was too fast. */
  check(now: number): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#restart(now);
    this.#source.resume();
  }

  #restart(now: number): void {
    this.#windowStart = now;
    this.#messages = 0;
    this.#bytes = 0;
  }
}
