import type { SequenceRange } from './loss-list.ts';
import { addSequence, sequenceDistance } from './sequence.ts';

/** Packets from the oldest not delivered to the newest, and so the flow window that peers are told. */
export const RECEIVE_WINDOW = 8192;

const MASK = RECEIVE_WINDOW - 1;
/** States of a slot. */
const MISSING = 0;
const FILLED = 1;
/** Nothing to deliver and nothing to wait for. */
const EMPTY = 2;

/** Which missing packets are to be reported (again). */
export interface ReportLimits {
  limit: number;
  urgentBefore?: number;
  urgentLimit?: number;
}

/** What became of a packet on its arrival. */
export type Arrival = 'new' | 'gap' | 'late' | 'duplicate' | 'belated' | 'beyond';

/**
 * The packets of a receiver that are not delivered yet, as a ring.
 *
 * Packets have an index that counts from 0 and never wraps; `base` ≤ `ackPosition` ≤ `end`: `base` is delivered next,
 * `ackPosition` is the first that is missing, `end` is behind the newest.
 */
export class ReceiveBuffer {
  readonly #initialSequence: number;
  readonly #states = new Uint8Array(RECEIVE_WINDOW);
  readonly #payloads = new Array<Buffer | undefined>(RECEIVE_WINDOW);
  /** ms on the peer's clock */
  readonly #sourceTimes = new Float64Array(RECEIVE_WINDOW);
  /** When a missing packet was last reported; ms. */
  readonly #reportedAt = new Float64Array(RECEIVE_WINDOW);
  /** Whether the packet that was in the slot before was given up. */
  readonly #wasSkipped = new Uint8Array(RECEIVE_WINDOW);
  #base = 0;
  #ackPosition = 0;
  #end = 0;
  #filled = 0;
  /** No payload is before this index. */
  #filledFrom = 0;
  #bytes = 0;

  constructor(initialSequence: number) {
    this.#initialSequence = initialSequence;
  }

  get base(): number {
    return this.#base;
  }

  get ackPosition(): number {
    return this.#ackPosition;
  }

  get end(): number {
    return this.#end;
  }

  /** Payloads held. */
  get size(): number {
    return this.#filled;
  }

  /** Of payloads, without headers. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Packets that can still arrive before something is delivered. */
  get available(): number {
    return RECEIVE_WINDOW - (this.#end - this.#base);
  }

  get hasMissing(): boolean {
    return this.#ackPosition < this.#end;
  }

  /** Between the stamps of the oldest and the newest payload; ms. */
  get duration(): number {
    const first = this.firstFilled();
    return first === undefined ? 0 : this.sourceTime(this.#end - 1) - this.sourceTime(first);
  }

  sequence(index: number): number {
    return addSequence(this.#initialSequence, index);
  }

  /** The index that a number within 2^30 of the next to be delivered means; may lie outside of the window. */
  indexOf(sequence: number): number {
    return this.#base + sequenceDistance(this.sequence(this.#base), sequence);
  }

  /** What storing a packet with this index would mean: it is the next, leaves a gap, fills one, or cannot be stored. */
  classify(index: number): Arrival {
    if (index < this.#base) return 'belated';
    if (index >= this.#base + RECEIVE_WINDOW) return 'beyond';
    if (index === this.#end) return 'new';
    if (index > this.#end) return 'gap';
    return this.#states[index & MASK] === MISSING ? 'late' : 'duplicate';
  }

  /** Whether a belated packet was counted as dropped when it was given up. */
  wasSkipped(index: number): boolean {
    return index >= this.#base - RECEIVE_WINDOW && this.#wasSkipped[index & MASK] === 1;
  }

  /** Stores a packet that is in the window and not there yet; without a payload there is nothing to deliver. */
  store(index: number, payload: Buffer | undefined, sourceTime: number): void {
    const slot = index & MASK;
    // What is skipped over is missing already: slots behind the end always are.
    if (index >= this.#end) this.#end = index + 1;
    this.#sourceTimes[slot] = sourceTime;
    if (payload === undefined) {
      this.#states[slot] = EMPTY;
    } else {
      this.#states[slot] = FILLED;
      this.#payloads[slot] = payload;
      if (this.#filled === 0 || index < this.#filledFrom) this.#filledFrom = index;
      this.#filled++;
      this.#bytes += payload.length;
    }
    this.#advanceAckPosition();
  }

  /** Nothing is waited for any more in this range, which is cut to what is in the window and was announced. */
  giveUp(first: number, last: number): number {
    let count = 0;
    for (let index = Math.max(first, this.#base), to = Math.min(last, this.#end - 1); index <= to; index++) {
      if (this.#states[index & MASK] !== MISSING) continue;
      this.#states[index & MASK] = EMPTY;
      this.#sourceTimes[index & MASK] = -Infinity;
      count++;
    }
    this.#advanceAckPosition();
    return count;
  }

  /** The oldest payload, or undefined. */
  firstFilled(): number | undefined {
    if (this.#filled === 0) return undefined;
    while (this.#states[this.#filledFrom & MASK] !== FILLED) this.#filledFrom++;
    return this.#filledFrom;
  }

  sourceTime(index: number): number {
    return this.#sourceTimes[index & MASK] ?? 0;
  }

  /** Removes and returns the payload; everything before it is given up. Returns also how many were missing. */
  take(index: number): { payload: Buffer; skipped: number } {
    let skipped = 0;
    for (; this.#base < index; this.#base++) {
      const slot = this.#base & MASK;
      if (this.#states[slot] === MISSING) skipped++;
      this.#wasSkipped[slot] = 1;
      this.#states[slot] = MISSING;
    }
    const slot = this.#base++ & MASK;
    this.#filledFrom = this.#base;
    const payload = this.#payloads[slot];
    if (payload === undefined) throw new RangeError(`packet ${index} is not in the receive buffer`);
    this.#payloads[slot] = undefined;
    this.#states[slot] = MISSING;
    this.#wasSkipped[slot] = 0;
    this.#filled--;
    this.#bytes -= payload.length;
    if (this.#ackPosition < this.#base) {
      this.#ackPosition = this.#base;
      this.#advanceAckPosition();
    }
    return { payload, skipped };
  }

  /** Removes empty slots from the head, so that they do not use up the window. */
  trim(): void {
    while (this.#base < this.#end && this.#states[this.#base & MASK] === EMPTY) {
      this.#states[this.#base & MASK] = MISSING;
      this.#wasSkipped[this.#base & MASK] = 1;
      this.#base++;
    }
  }

  /** Goes on at an index behind the end, where nothing is held. Returns how many packets are left out. */
  skipTo(index: number): number {
    const count = index - this.#end;
    this.#states.fill(MISSING);
    this.#wasSkipped.fill(1);
    this.#base = this.#ackPosition = this.#end = this.#filledFrom = index;
    return count;
  }

  /**
   * The missing packets from `first` to `last` that were not reported after `limit`, as ranges. They count as reported now.
   * For those stamped before `urgentBefore` the limit is another.
   */
  report(
    { limit, urgentBefore = -Infinity, urgentLimit = limit }: ReportLimits,
    now: number,
    first = this.#ackPosition,
    last = this.#end - 1,
  ): SequenceRange[] {
    const ranges: SequenceRange[] = [];
    let open = -1;
    for (let index = Math.max(first, this.#ackPosition); index <= last + 1; index++) {
      const slot = index & MASK;
      const isWanted =
        index <= last &&
        this.#states[slot] === MISSING &&
        (this.#reportedAt[slot] ?? 0) <= (this.sourceTime(index) < urgentBefore ? urgentLimit : limit);
      if (isWanted) {
        this.#reportedAt[slot] = now;
        if (open < 0) open = index;
      } else if (open >= 0) {
        ranges.push({ first: this.sequence(open), last: this.sequence(index - 1) });
        open = -1;
      }
    }
    return ranges;
  }

  /** Notes a gap: its packets count as reported at a certain time, and were stamped about when its end was. */
  openGap(first: number, last: number, reportedAt: number): void {
    const sourceTime = this.sourceTime(last + 1);
    for (let index = first; index <= last; index++) {
      this.#reportedAt[index & MASK] = reportedAt;
      this.#sourceTimes[index & MASK] = sourceTime;
    }
  }

  #advanceAckPosition(): void {
    while (this.#ackPosition < this.#end && this.#states[this.#ackPosition & MASK] !== MISSING)
      this.#ackPosition++;
  }
}
