// When a payload is due: timestamp-based packet delivery. draft-sharabayko-srt-01 §4.5
import { unwrapTimestamp } from './sequence.ts';

const DRIFT_SAMPLES = 1000;
/** ms */
const DRIFT_STEP = 5;
/** A packet stamped so far ahead of the stream's clock (ms) is not believed at first. */
const MAX_AHEAD = 10_000;
/** After so many in a row the peer's clock has jumped, and is followed. */
const JUMP_PACKETS = 32;

/** Follows the peer's clock, and tells when what it stamped is to be handed over. All in ms of the local clock. */
export class Playout {
  /** From a packet's stamp to its delivery. */
  readonly latency: number;
  /** Local time at which the peer's clock was 0. */
  #base: number;
  #drift = 0;
  #driftSum = 0;
  #driftCount = 0;
  #firstRtt: number | undefined;
  #packetsAhead = 0;

  /**
   * @param arrivedAt when the handshake arrived
   * @param timestamp what it was stamped with, µs modulo 2^32
   */
  constructor(arrivedAt: number, timestamp: number, latency: number) {
    this.latency = latency;
    this.#base = arrivedAt - timestamp / 1000;
  }

  /** How far the peer's clock is found to run ahead (negative) or behind, not yet made good by steps. */
  get drift(): number {
    return this.#drift;
  }

  /**
   * The time on the peer's clock, in ms without wraps, at which a data packet was stamped; undefined if its stamp
   * cannot be true. However long nothing came, the local clock tells how often the stamps have wrapped.
   */
  sourceTime(timestamp: number, now: number): number | undefined {
    const time = this.#unwrap(timestamp, now);
    if (this.#base + time - now <= MAX_AHEAD) {
      this.#packetsAhead = 0;
      return time;
    }
    if (++this.#packetsAhead < JUMP_PACKETS) return undefined;
    this.#packetsAhead = 0;
    this.#base = now - timestamp / 1000;
    return timestamp / 1000;
  }

  /** Local time at which what was stamped so is due. */
  dueAt(sourceTime: number): number {
    return this.#base + sourceTime + this.latency + this.#drift;
  }

  /** The source time of what is due at this local time. */
  sourceTimeDueAt(time: number): number {
    return time - this.#base - this.latency - this.#drift;
  }

  /** Takes an ACKACK as a sample of how the clocks drift apart. draft-sharabayko-srt-01 §4.7 */
  sampleDrift(timestamp: number, rtt: number, now: number): void {
    this.#firstRtt ??= rtt;
    const time = this.#unwrap(timestamp, now);
    const difference = now - (this.#base + time) - (rtt - this.#firstRtt) / 2;
    if (Math.abs(difference) > MAX_AHEAD) return;
    this.#driftSum += difference;
    if (++this.#driftCount < DRIFT_SAMPLES) return;
    this.#drift = this.#driftSum / DRIFT_SAMPLES;
    this.#driftSum = 0;
    this.#driftCount = 0;
    if (Math.abs(this.#drift) > DRIFT_STEP) {
      const step = Math.sign(this.#drift) * DRIFT_STEP;
      this.#base += step;
      this.#drift -= step;
    }
  }

  #unwrap(timestamp: number, now: number): number {
    return unwrapTimestamp(timestamp, (now - this.#base) * 1000) / 1000;
  }
}
