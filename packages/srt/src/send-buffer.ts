import type { KeyFlag } from './packet.ts';
import { addSequence, sequenceDistance } from './sequence.ts';

const INITIAL_CAPACITY = 256;

const LOST = 1;
const RESENT = 2;
const KEY_SHIFT = 2;

/**
 * The packets of a sender from the oldest not acknowledged to the newest not sent, as a ring that grows on demand.
 *
 * Packets have an index that counts from 0 and never wraps; `first` ≤ `next` ≤ `end`: what lies before `next` was sent
 * at least once.
 */
export class SendBuffer {
  readonly #initialSequence: number;
  readonly #maxPackets: number;
  #payloads: (Buffer | undefined)[];
  /** ms */
  #submittedAt: Float64Array;
  /** ms */
  #sentAt: Float64Array;
  #flags: Uint8Array;
  #mask = INITIAL_CAPACITY - 1;
  #first = 0;
  #next = 0;
  #end = 0;
  #bytes = 0;
  #lostCount = 0;
  /** No packet before this index is marked as lost. */
  #lostFrom = 0;

  /** @param maxPackets a power of two */
  constructor(initialSequence: number, maxPackets: number) {
    this.#initialSequence = initialSequence;
    this.#maxPackets = maxPackets;
    this.#payloads = new Array<Buffer | undefined>(INITIAL_CAPACITY);
    this.#submittedAt = new Float64Array(INITIAL_CAPACITY);
    this.#sentAt = new Float64Array(INITIAL_CAPACITY);
    this.#flags = new Uint8Array(INITIAL_CAPACITY);
  }

  get first(): number {
    return this.#first;
  }

  get next(): number {
    return this.#next;
  }

  get end(): number {
    return this.#end;
  }

  get isFull(): boolean {
    return this.#end - this.#first >= this.#maxPackets;
  }

  /** Packets of any kind. */
  get size(): number {
    return this.#end - this.#first;
  }

  /** Of payloads, without headers. */
  get bytes(): number {
    return this.#bytes;
  }

  get lostCount(): number {
    return this.#lostCount;
  }

  /** Between the submission of the oldest and of the newest packet; ms. */
  get duration(): number {
    return this.size < 2 ? 0 : this.submittedAt(this.#end - 1) - this.submittedAt(this.#first);
  }

  sequence(index: number): number {
    return addSequence(this.#initialSequence, index);
  }

  /** The index that a number within 2^30 of the oldest packet's means. */
  indexOf(sequence: number): number {
    return this.#first + sequenceDistance(this.sequence(this.#first), sequence);
  }

  /** Adds a packet that is ready to be sent. The buffer must not be full. */
  push(payload: Buffer, key: KeyFlag, now: number): void {
    if (this.size > this.#mask) this.#grow();
    const slot = this.#end++ & this.#mask;
    this.#payloads[slot] = payload;
    this.#submittedAt[slot] = now;
    this.#flags[slot] = key << KEY_SHIFT;
    this.#bytes += payload.length;
  }

  payload(index: number): Buffer {
    const payload = this.#payloads[index & this.#mask];
    if (payload === undefined) throw new RangeError(`packet ${index} is not in the send buffer`);
    return payload;
  }

  key(index: number): KeyFlag {
    return ((this.#flags[index & this.#mask] ?? 0) >> KEY_SHIFT) as KeyFlag;
  }

  submittedAt(index: number): number {
    return this.#submittedAt[index & this.#mask] ?? 0;
  }

  /** When it was last sent again, or undefined if it was sent only once. */
  resentAt(index: number): number | undefined {
    const slot = index & this.#mask;
    return ((this.#flags[slot] ?? 0) & RESENT) === 0 ? undefined : this.#sentAt[slot];
  }

  /** The next packet is sent for the first time. */
  advance(now: number): void {
    this.#sentAt[this.#next++ & this.#mask] = now;
  }

  /** Marks a packet that was sent to be sent again. */
  markLost(index: number): void {
    const slot = index & this.#mask;
    const flags = this.#flags[slot] ?? 0;
    if ((flags & LOST) !== 0) return;
    this.#flags[slot] = flags | LOST;
    if (this.#lostCount === 0 || index < this.#lostFrom) this.#lostFrom = index;
    this.#lostCount++;
  }

  /** The oldest packet marked as lost, or undefined. */
  nextLost(): number | undefined {
    if (this.#lostCount === 0) return undefined;
    while (((this.#flags[this.#lostFrom & this.#mask] ?? 0) & LOST) === 0) this.#lostFrom++;
    return this.#lostFrom;
  }

  /** A lost packet is not sent again after all. */
  forgetLost(index: number): void {
    this.#clearLost(index & this.#mask);
  }

  /** A lost packet is sent again. */
  markResent(index: number, now: number): void {
    const slot = index & this.#mask;
    this.#clearLost(slot);
    this.#flags[slot] = (this.#flags[slot] ?? 0) | RESENT;
    this.#sentAt[slot] = now;
  }

  /** Drops all packets before this index, which must not lie behind the end. */
  release(index: number): void {
    while (this.#first < index) {
      const slot = this.#first++ & this.#mask;
      this.#bytes -= this.#payloads[slot]?.length ?? 0;
      this.#payloads[slot] = undefined;
      this.#clearLost(slot);
    }
    if (this.#next < this.#first) this.#next = this.#first;
    if (this.#lostFrom < this.#first) this.#lostFrom = this.#first;
  }

  #clearLost(slot: number): void {
    const flags = this.#flags[slot] ?? 0;
    if ((flags & LOST) === 0) return;
    this.#flags[slot] = flags & ~LOST;
    this.#lostCount--;
  }

  #grow(): void {
    const oldMask = this.#mask;
    const capacity = (oldMask + 1) * 2;
    this.#mask = capacity - 1;
    const [payloads, submittedAt, sentAt, flags] = [
      this.#payloads,
      this.#submittedAt,
      this.#sentAt,
      this.#flags,
    ];
    this.#payloads = new Array<Buffer | undefined>(capacity);
    this.#submittedAt = new Float64Array(capacity);
    this.#sentAt = new Float64Array(capacity);
    this.#flags = new Uint8Array(capacity);
    for (let index = this.#first; index < this.#end; index++) {
      const [from, to] = [index & oldMask, index & this.#mask];
      this.#payloads[to] = payloads[from];
      this.#submittedAt[to] = submittedAt[from] ?? 0;
      this.#sentAt[to] = sentAt[from] ?? 0;
      this.#flags[to] = flags[from] ?? 0;
    }
  }
}
