import type { ConnectionLimits } from './limits.ts';

/** A second without excess forgives the ones before. */
const MAX_EXCESSIVE_SECONDS = 3;
/** By how much control packets may exceed their budget before they count as an attack. */
const ABUSE_FACTOR = 10;

/** Kinds of packets that have a budget of their own. */
type Kind = 'nak' | 'ack' | 'kmreq' | 'dropreq' | 'hsreq';

/** Keeps what a peer sends within its limits, second by second. */
export class TrafficGuard {
  readonly #limits: ConnectionLimits;
  readonly #counts: Record<Kind, number> = { nak: 0, ack: 0, kmreq: 0, dropreq: 0, hsreq: 0 };
  #packets = 0;
  #bytes = 0;
  #since: number;
  #excessiveSeconds = 0;

  constructor(limits: ConnectionLimits, now: number) {
    this.#limits = limits;
    this.#since = now;
  }

  /** Whether one more data packet is within the limits. */
  takeData(bytes: number): boolean {
    this.#packets++;
    this.#bytes += bytes;
    return this.#packets <= this.#limits.packetsPerSecond && this.#bytes <= this.#limits.bytesPerSecond;
  }

  /** Whether one more control packet of this kind is within the limits. */
  take(kind: Kind): boolean {
    return ++this.#counts[kind] <= this.#budget(kind);
  }

  /** Returns false if the peer exceeds its limits in such a way that it has to go. */
  tick(now: number): boolean {
    if (now - this.#since < 1000) return true;
    const isFlooded =
      this.#packets > this.#limits.packetsPerSecond || this.#bytes > this.#limits.bytesPerSecond;
    const isAbused = this.#counts.nak > this.#budget('nak') * ABUSE_FACTOR;
    this.#excessiveSeconds = isFlooded ? this.#excessiveSeconds + 1 : 0;
    this.#since = now;
    this.#packets = 0;
    this.#bytes = 0;
    this.#counts.nak = this.#counts.ack = this.#counts.kmreq = 0;
    this.#counts.dropreq = this.#counts.hsreq = 0;
    return !isAbused && this.#excessiveSeconds < MAX_EXCESSIVE_SECONDS;
  }

  #budget(kind: Kind): number {
    switch (kind) {
      case 'nak':
      case 'dropreq':
        return this.#limits.naksPerSecond;
      case 'ack':
        return this.#limits.acksPerSecond;
      case 'kmreq':
      case 'hsreq':
        return this.#limits.keyRequestsPerSecond;
    }
  }
}
