// Round-trip time. draft-sharabayko-srt-01 §4.10. All in ms.

const INITIAL_RTT = 100;
const INITIAL_VARIANCE = 50;
/** What a peer measures or tells is believed up to this. */
const MAX_RTT = 10_000;
const SYN_INTERVAL = 10;
export const MIN_NAK_INTERVAL = 20;

/** The smoothed round-trip time and its variance, and the intervals that follow from them. */
export class RttEstimator {
  #rtt = INITIAL_RTT;
  #variance = INITIAL_VARIANCE;
  #hasSample = false;

  get rtt(): number {
    return this.#rtt;
  }

  get variance(): number {
    return this.#variance;
  }

  /** Whether there was anything but the initial guess. */
  get hasSample(): boolean {
    return this.#hasSample;
  }

  /** Takes in one measurement. */
  sample(measured: number): void {
    const rtt = clamp(measured);
    if (this.#hasSample) {
      this.#variance = (3 * this.#variance + Math.abs(rtt - this.#rtt)) / 4;
      this.#rtt = (7 * this.#rtt + rtt) / 8;
    } else {
      this.#rtt = rtt;
      this.#variance = rtt / 2;
      this.#hasSample = true;
    }
  }

  /** Takes over what the peer, who measures, tells. */
  adopt(rtt: number, variance: number): void {
    this.#rtt = clamp(rtt);
    this.#variance = clamp(variance);
    this.#hasSample = true;
  }

  /** How long to wait for an answer before asking again. */
  get repeatInterval(): number {
    return this.#rtt + 4 * this.#variance;
  }

  /** Between two NAKs for the same packet: the answer to the first must have had time to arrive. */
  get nakInterval(): number {
    return Math.max(MIN_NAK_INTERVAL, this.#rtt + this.#variance);
  }

  /** After so long without an ACK, what is unacknowledged is sent once more. draft-sharabayko-srt-01 §4.8 */
  retransmitTimeout(attempt: number): number {
    return attempt * (this.repeatInterval + 2 * SYN_INTERVAL) + SYN_INTERVAL;
  }
}

function clamp(ms: number): number {
  return Math.min(Math.max(ms, 0), MAX_RTT);
}
