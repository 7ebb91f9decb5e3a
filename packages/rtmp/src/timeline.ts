/** A step that no stream takes: beyond it, the clock on the wall says what time it is. */
const MAX_STEP_MS = 10_000;
/** Frames in a row whose time does not go on, after which the sender has none. */
const MAX_STANDING = 11;
const HALF = 2 ** 31;

/** Makes one continuous time out of the 32-bit timestamps of a publisher, which wrap, jump, or stand still. */
export class Timeline {
  #last: number | undefined;
  #time = 0;
  #seen = 0;
  #standing = 0;

  /**
   * The time of a frame, in milliseconds.
   *
   * @param timestamp - as sent, modulo 2^32
   * @param now - a monotonic clock
   */
  advance(timestamp: number, now: number): number {
    if (this.#last === undefined) {
      this.#time = timestamp;
    } else {
      const step = stepBetween(this.#last, timestamp);
      this.#standing = step > 0 ? 0 : this.#standing + 1;
      const isUsable = Math.abs(step) <= MAX_STEP_MS && this.#standing < MAX_STANDING;
      this.#time += isUsable ? step : now - this.#seen;
    }
    this.#last = timestamp;
    this.#seen = now;
    return Math.round(this.#time);
  }

  /** The time of something between the frames. */
  get current(): number {
    return Math.round(this.#time);
  }
}

/** From one timestamp to the next, as serial numbers of 32 bits; some senders wrap at 31. */
function stepBetween(last: number, next: number): number {
  const overHalf = next + HALF - last;
  if (overHalf >= 0 && overHalf < MAX_STEP_MS && next < MAX_STEP_MS) return overHalf;
  return (next - last) | 0;
}
