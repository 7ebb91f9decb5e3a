// Arrival rates of a receiver, as full ACKs report them. draft-sharabayko-srt-01 §3.2.4

const WINDOW = 16;

/** The last intervals, of which the typical one is asked for. */
class IntervalWindow {
  readonly #values = new Float64Array(WINDOW);
  #count = 0;

  add(value: number): void {
    this.#values[this.#count++ % WINDOW] = value;
  }

  /** The mean of those within a factor of 8 of the median; 0 while there is none. */
  typical(): number {
    const sorted = this.#values.slice(0, Math.min(this.#count, WINDOW)).sort();
    const median = sorted[sorted.length >> 1] ?? 0;
    let sum = 0;
    let used = 0;
    for (const value of sorted) {
      if (value * 8 < median || value > median * 8) continue;
      sum += value;
      used++;
    }
    return used === 0 ? 0 : sum / used;
  }
}

/** Counts what arrives, and estimates the link's capacity from packets that were sent back to back. */
export class ArrivalRates {
  readonly #probes = new IntervalWindow();
  #probeAt = 0;
  #probeSequence = -1;
  #packets = 0;
  #bytes = 0;
  #since: number;
  #packetRate = 0;
  #byteRate = 0;

  constructor(now: number) {
    this.#since = now;
  }

  /** A data packet arrived for the first time. Packets 16n and 16n+1 are a pair sent back to back. */
  add(sequence: number, bytes: number, now: number): void {
    this.#packets++;
    this.#bytes += bytes;
    if ((sequence & 15) === 0) {
      this.#probeSequence = sequence;
      this.#probeAt = now;
    } else if ((sequence & 15) === 1 && this.#probeSequence === sequence - 1) {
      // Both may have been read in the same turn; no link is faster than 1 packet/µs.
      this.#probes.add(Math.max(now - this.#probeAt, 0.001));
      this.#probeSequence = -1;
    }
  }

  /** Packets/s and byte/s over the last second or so. */
  measure(now: number): { packets: number; bytes: number } {
    const elapsed = now - this.#since;
    if (elapsed >= 1000 || (this.#packetRate === 0 && elapsed > 0)) {
      this.#packetRate = (this.#packets * 1000) / elapsed;
      this.#byteRate = (this.#bytes * 1000) / elapsed;
      if (elapsed >= 1000) {
        this.#packets = 0;
        this.#bytes = 0;
        this.#since = now;
      }
    }
    return { packets: Math.round(this.#packetRate), bytes: Math.round(this.#byteRate) };
  }

  /** Packets/s; 0 while there is no estimate. */
  capacity(): number {
    const interval = this.#probes.typical();
    return interval === 0 ? 0 : Math.round(1000 / interval);
  }
}
