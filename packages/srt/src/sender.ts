// The sending half of a connection: submission, acknowledgement, retransmission, too-late drop.
// draft-sharabayko-srt-01 §4.6, §4.8
import type { Counters } from './counters.ts';
import type { SequenceRange } from './loss-list.ts';
import type { RttEstimator } from './rtt.ts';
import type { SendKeys } from './keys.ts';
import type { Wire } from './wire.ts';
import { HEADER_BYTES, MAX_PAYLOAD_BYTES, controlWord, messageWord, words } from './packet.ts';
import { SendBuffer } from './send-buffer.ts';
import { addSequence, messageNumber, toTimestamp } from './sequence.ts';

export const MAX_SEND_PACKETS = 8192;

/** Byte/s that live mode may send: 1 Gbit/s, in the reference's rounding. */
const MAX_BANDWIDTH = 134_217_728;
/** Packets that leave at once; a longer burst of new data goes out over the next ticks. */
const MIN_BURST = 64;
/** Byte/s */
const MIN_RETRANSMIT_RATE = 125_000;
/** Bytes */
const MIN_RETRANSMIT_BURST = 65_536;
/** ms; a NAK that comes sooner after a retransmission cannot know of it. */
const MIN_RESEND_INTERVAL = 10;
/** ms; what is to be delivered within this time is late already. */
const LATE_MARGIN = 10;
/** Packets that a timeout sends again. */
const TIMEOUT_PACKETS = 16;
const MAX_RTO_ATTEMPTS = 8;

export interface SenderOptions {
  initialSequence: number;
  /** Packets that may be under way. */
  flowWindow: number;
  /** The peer's receiver delay, ms. */
  latency: number;
  /** ms that packets are kept beyond the latency before they count as too late. */
  dropDelay: number;
  /** Share of the input rate that may be spent on retransmissions. */
  retransmitShare: number;
  /** Whether the peer repeats its NAKs; if not, a timeout takes their place. */
  peerRepeatsNak: boolean;
  /** ms on the local clock at which this side's timestamps are 0. */
  startedAt: number;
}

export class Sender {
  readonly #options: SenderOptions;
  readonly #wire: Wire;
  readonly #counters: Counters;
  readonly #rtt: RttEstimator;
  readonly #keys: SendKeys | undefined;
  readonly #buffer: SendBuffer;
  readonly #dropAfter: number;
  #flowWindow: number;
  #averagePayload = MAX_PAYLOAD_BYTES;
  /** Packets/s that the peer estimates for the link. */
  linkCapacity = 0;

  #burstLeft = MIN_BURST;
  #submittedInTick = 0;
  #averagePerTick = 0;

  /** Byte/s, over the last second. */
  #inputRate = 0;
  #inputBytes = 0;
  #inputSince: number;
  /** Bytes that may be spent on retransmissions now. */
  #tokens = MIN_RETRANSMIT_BURST;
  #tokensAt: number;

  #lastTransmitAt = 0;
  #lastProgressAt = 0;
  #rtoAttempt = 1;
  /** Since when data is sent without any answer; 0 if it was answered. */
  #unansweredSince = 0;

  constructor(
    options: SenderOptions,
    wire: Wire,
    counters: Counters,
    rtt: RttEstimator,
    keys: SendKeys | undefined,
  ) {
    this.#options = options;
    this.#wire = wire;
    this.#counters = counters;
    this.#rtt = rtt;
    this.#keys = keys;
    this.#buffer = new SendBuffer(options.initialSequence, MAX_SEND_PACKETS);
    this.#flowWindow = Math.min(options.flowWindow, MAX_SEND_PACKETS);
    this.#dropAfter = Math.max(1000, options.latency + options.dropDelay) + 20;
    this.#inputSince = options.startedAt;
    this.#tokensAt = options.startedAt;
  }

  get buffer(): Readonly<Pick<SendBuffer, 'size' | 'bytes' | 'duration' | 'first' | 'next'>> {
    return this.#buffer;
  }

  get flowWindow(): number {
    return this.#flowWindow;
  }

  /** ms that data is sent without any ACK. */
  unansweredFor(now: number): number {
    return this.#unansweredSince === 0 ? 0 : now - this.#unansweredSince;
  }

  /** µs; the pace that the bandwidth allows. */
  get sendPeriod(): number {
    return ((this.#averagePayload + HEADER_BYTES) * 1_000_000) / MAX_BANDWIDTH;
  }

  get averagePayload(): number {
    return this.#averagePayload;
  }

  /** Takes a payload to send; false if the buffer is full and it was dropped. */
  submit(payload: Buffer, now: number): boolean {
    const buffer = this.#buffer;
    if (buffer.isFull) {
      this.#countDrop(payload.length);
      return false;
    }
    this.#averagePayload = (7 * this.#averagePayload + payload.length) / 8;
    this.#inputBytes += payload.length;
    this.#submittedInTick++;
    if (this.#keys === undefined) {
      buffer.push(payload, 0, now);
    } else {
      const sequence = buffer.sequence(buffer.end);
      buffer.push(this.#keys.encrypt(sequence, payload), this.#keys.current, now);
    }
    this.#flush(now);
    return true;
  }

  /** The peer has everything before this number. Returns false if it cannot be true. */
  acknowledge(sequence: number, now: number): boolean {
    const index = this.#buffer.indexOf(sequence);
    if (index > this.#buffer.next) return false;
    this.#unansweredSince = 0;
    if (index > this.#buffer.first) {
      this.#buffer.release(index);
      this.#lastProgressAt = now;
      this.#rtoAttempt = 1;
      this.#flush(now);
    }
    return true;
  }

  /** The peer can take so many more packets. */
  setFlowWindow(packets: number): void {
    this.#flowWindow = Math.min(packets, MAX_SEND_PACKETS);
  }

  /** The peer misses these. Ranges that were never sent are ignored. */
  handleLosses(losses: readonly SequenceRange[], now: number): void {
    const buffer = this.#buffer;
    let goneFrom = buffer.first;
    // Ranges that overlap are no reason to look at the whole buffer for each.
    let looks = MAX_SEND_PACKETS;
    for (const { first, last } of losses) {
      const [from, to] = [buffer.indexOf(first), buffer.indexOf(last)];
      if (to >= buffer.next || to < from) continue;
      // A range that reaches far back is nothing that a receiver can still miss.
      if (from < buffer.first && from >= buffer.first - MAX_SEND_PACKETS) goneFrom = Math.min(goneFrom, from);
      for (let index = Math.max(from, buffer.first); index <= to && looks > 0; index++, looks--) {
        this.#requestResend(index, now);
      }
    }
    if (goneFrom < buffer.first) this.#sendDropRequest(goneFrom, buffer.first - 1, now);
    this.#resendLost(now);
  }

  tick(now: number): void {
    const buffer = this.#buffer;
    this.#averagePerTick = (7 * this.#averagePerTick + this.#submittedInTick) / 8;
    this.#submittedInTick = 0;
    this.#burstLeft = Math.max(MIN_BURST, Math.ceil(2 * this.#averagePerTick));
    if (now - this.#inputSince >= 1000) {
      this.#inputRate = (this.#inputBytes * 1000) / (now - this.#inputSince);
      this.#inputBytes = 0;
      this.#inputSince = now;
    }
    if (buffer.size === 0) return;
    this.#dropTooLate(now);
    this.#checkTimeout(now);
    this.#resendLost(now);
    this.#flush(now);
  }

  /** Sends what was not sent yet, as far as the window and the burst allow. */
  #flush(now: number): void {
    const buffer = this.#buffer;
    while (buffer.next < buffer.end && this.#burstLeft > 0 && buffer.next - buffer.first < this.#flowWindow) {
      this.#burstLeft--;
      if (buffer.next === buffer.first) this.#lastProgressAt = now;
      this.#transmit(buffer.next, false, now);
      buffer.advance(now);
    }
  }

  #transmit(index: number, isRetransmitted: boolean, now: number): void {
    const buffer = this.#buffer;
    const payload = buffer.payload(index);
    const bytes = payload.length + this.#counters.headerBytes;
    this.#counters.sentPkt++;
    this.#counters.sentBytes += bytes;
    this.#counters.sendDurationUs += Math.floor(this.sendPeriod);
    if (isRetransmitted) {
      this.#counters.sentRetransPkt++;
      this.#counters.sentRetransBytes += bytes;
    } else {
      this.#counters.sentUniquePkt++;
      this.#counters.sentUniqueBytes += bytes;
    }
    this.#lastTransmitAt = now;
    if (this.#unansweredSince === 0) this.#unansweredSince = now;
    this.#wire.send(
      buffer.sequence(index),
      messageWord(messageNumber(index), buffer.key(index), isRetransmitted),
      toTimestamp(buffer.submittedAt(index) - this.#options.startedAt),
      payload,
    );
  }

  /** One retransmission per round trip is enough, as a rule: a NAK sent before it arrived says nothing new. */
  #requestResend(index: number, now: number): void {
    const resentAt = this.#buffer.resentAt(index);
    // What is due soon has no time for that.
    const isUrgent = now - this.#buffer.submittedAt(index) > this.#options.latency / 2;
    const interval = isUrgent ? MIN_RESEND_INTERVAL : Math.max(MIN_RESEND_INTERVAL, 0.75 * this.#rtt.rtt);
    if (resentAt === undefined || now - resentAt >= interval) this.#buffer.markLost(index);
  }

  #resendLost(now: number): void {
    if (this.#buffer.lostCount === 0) return;
    this.#refillTokens(now);
    const cost = this.#averagePayload + this.#counters.headerBytes;
    // If there is not enough for all, nothing is spent on what would come too late.
    const isShort = this.#buffer.lostCount * cost > this.#tokens;
    const tooOld = isShort ? now - this.#options.latency + LATE_MARGIN : -Infinity;
    for (let index = this.#buffer.nextLost(); index !== undefined; index = this.#buffer.nextLost()) {
      if (this.#buffer.submittedAt(index) < tooOld) {
        this.#buffer.forgetLost(index);
        continue;
      }
      const bytes = this.#buffer.payload(index).length + this.#counters.headerBytes;
      if (bytes > this.#tokens) return;
      this.#tokens -= bytes;
      this.#transmit(index, true, now);
      this.#buffer.markResent(index, now);
    }
  }

  /** The budget lets a break as long as the latency be repaired, but no flood of NAKs multiply the stream. */
  #refillTokens(now: number): void {
    const rate = Math.max(MIN_RETRANSMIT_RATE, this.#inputRate * this.#options.retransmitShare);
    const burst = Math.max(MIN_RETRANSMIT_BURST, (this.#inputRate * this.#options.latency) / 1000);
    this.#tokens = Math.min(burst, this.#tokens + (rate * (now - this.#tokensAt)) / 1000);
    this.#tokensAt = now;
  }

  #dropTooLate(now: number): void {
    const buffer = this.#buffer;
    const limit = now - this.#dropAfter;
    let index = buffer.first;
    while (index < buffer.end && buffer.submittedAt(index) < limit) {
      this.#countDrop(buffer.payload(index).length);
      index++;
    }
    if (index > buffer.first) buffer.release(index);
  }

  /** draft-sharabayko-srt-01 §4.8 for peers without periodic NAK; for others, only the end of a burst needs it. */
  #checkTimeout(now: number): void {
    const buffer = this.#buffer;
    if (buffer.next === buffer.first || buffer.lostCount > 0) return;
    const timeout = this.#rtt.retransmitTimeout(this.#rtoAttempt);
    const { peerRepeatsNak } = this.#options;
    const since = peerRepeatsNak
      ? Math.max(this.#lastProgressAt, this.#lastTransmitAt)
      : this.#lastProgressAt;
    if (now - since < timeout) return;
    this.#rtoAttempt = Math.min(this.#rtoAttempt + 1, MAX_RTO_ATTEMPTS);
    if (peerRepeatsNak) {
      buffer.markLost(buffer.next - 1);
    } else {
      this.#lastProgressAt = now;
      // What the ACKs stop at is missing; most of what follows it is not.
      const end = Math.min(buffer.first + TIMEOUT_PACKETS, buffer.next);
      for (let index = buffer.first; index < end; index++) this.#requestResend(index, now);
    }
  }

  #sendDropRequest(first: number, last: number, now: number): void {
    const { initialSequence, startedAt } = this.#options;
    const range = words(addSequence(initialSequence, first), addSequence(initialSequence, last));
    this.#wire.send(controlWord('dropreq'), 0, toTimestamp(now - startedAt), range);
  }

  #countDrop(payloadBytes: number): void {
    this.#counters.sendDropPkt++;
    this.#counters.sendDropBytes += payloadBytes + this.#counters.headerBytes;
  }
}
