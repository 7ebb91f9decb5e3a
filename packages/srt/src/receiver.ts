// The receiving half of a connection: arrival, acknowledgement, loss reports, delivery in time.
// draft-sharabayko-srt-01 §4.4 to §4.8
import { AckHistory } from './ack-history.ts';
import type { Counters } from './counters.ts';
import type { ReceiveKeys } from './keys.ts';
import { type SequenceRange, serializeLossList } from './loss-list.ts';
import { type DataPacket, MAX_PAYLOAD_BYTES, controlWord, serializeAck } from './packet.ts';
import type { Playout } from './playout.ts';
import { ArrivalRates } from './rates.ts';
import { ReceiveBuffer } from './receive-buffer.ts';
import { MIN_NAK_INTERVAL, type RttEstimator } from './rtt.ts';
import { toTimestamp } from './sequence.ts';
import type { Wire } from './wire.ts';

/** Packets between two light ACKs. draft-sharabayko-srt-01 §3.2.4 */
const LIGHT_ACK_INTERVAL = 64;
/** After so many packets in order, reordering is expected to have become less. */
const ORDER_RUN = 50;
/** What is due within so many round trips is asked for more often. */
const URGENT_ROUND_TRIPS = 3;
/** After so many packets in a row that are beyond an empty buffer, what lies between is given up. */
const JUMP_PACKETS = 32;

export interface ReceiverOptions {
  initialSequence: number;
  /** Packets to wait, at most, for one that may only be out of order. The wait adapts to the reordering that is seen. */
  maxReorderTolerance: number;
  /** Bytes that one packet to the peer can carry. */
  maxPayload: number;
  /** Hand payloads over as soon as they are in order instead of when they are due. */
  isImmediate: boolean;
  /** ms on the local clock at which this side's timestamps are 0. */
  startedAt: number;
}

export class Receiver {
  readonly #options: ReceiverOptions;
  readonly #wire: Wire;
  readonly #counters: Counters;
  readonly #rtt: RttEstimator;
  readonly #keys: ReceiveKeys | undefined;
  readonly #deliver: (payload: Buffer) => void;
  readonly #rates: ArrivalRates;
  readonly #acks = new AckHistory();
  /** Made when the first packet arrives: a connection that only sends needs none. */
  #buffer: ReceiveBuffer | undefined;
  #playout: Playout;

  #averagePayload = MAX_PAYLOAD_BYTES;
  #packetsSinceAck = 0;
  #ackSent = 0;
  #ackSentAt = 0;
  #ackConfirmed = 0;

  #reorderTolerance = 0;
  #inOrderRun = 0;
  /** Gaps that are not reported yet, since what is missing may only be late. */
  #freshGaps: { first: number; last: number; detectedAt: number }[] = [];

  #belatedTime = 0;
  #beyondRun = 0;

  constructor(
    options: ReceiverOptions,
    playout: Playout,
    wire: Wire,
    counters: Counters,
    rtt: RttEstimator,
    keys: ReceiveKeys | undefined,
    deliver: (payload: Buffer) => void,
  ) {
    this.#options = options;
    this.#playout = playout;
    this.#wire = wire;
    this.#counters = counters;
    this.#rtt = rtt;
    this.#keys = keys;
    this.#deliver = deliver;
    this.#rates = new ArrivalRates(options.startedAt);
  }

  get buffer(): Readonly<Pick<ReceiveBuffer, 'size' | 'bytes' | 'duration' | 'available'>> | undefined {
    return this.#buffer;
  }

  get playout(): Playout {
    return this.#playout;
  }

  /** Starts the delivery in time anew, as version 4 does when it learns the latency. */
  restartPlayout(playout: Playout): void {
    this.#playout = playout;
  }

  get reorderTolerance(): number {
    return this.#reorderTolerance;
  }

  /** Mean time by which packets came too late; ms. */
  get averageBelatedTime(): number {
    return this.#belatedTime;
  }

  /** Packets/s that the link can carry, as estimated; 0 if it is not known. */
  get linkCapacity(): number {
    return this.#rates.capacity();
  }

  get averagePayload(): number {
    return this.#averagePayload;
  }

  handleData(packet: DataPacket, now: number): void {
    const counters = this.#counters;
    const bytes = packet.payload.length + counters.headerBytes;
    counters.recvPkt++;
    counters.recvBytes += bytes;
    if (packet.isRetransmitted) counters.recvRetransPkt++;
    const buffer = (this.#buffer ??= new ReceiveBuffer(this.#options.initialSequence));
    const index = buffer.indexOf(packet.sequence);
    let arrival = buffer.classify(index);
    if (arrival === 'beyond' && this.#followJump(buffer, index)) arrival = 'new';
    if (arrival === 'belated') this.#noteBelated(packet, now);
    if (arrival === 'belated' || arrival === 'beyond' || arrival === 'duplicate') {
      if (arrival !== 'belated' || !buffer.wasSkipped(index)) this.#countDrop(1, packet.payload.length);
      return;
    }
    const sourceTime = this.#playout.sourceTime(packet.timestamp, now);
    if (sourceTime === undefined) {
      this.#countDrop(1, packet.payload.length);
      return;
    }

    this.#beyondRun = 0;
    this.#averagePayload = (7 * this.#averagePayload + packet.payload.length) / 8;
    const { end } = buffer;
    buffer.store(index, this.#open(packet, bytes), sourceTime);
    if (arrival !== 'late') this.#rates.add(packet.sequence, bytes, now);
    if (arrival === 'gap') this.#noteGap(end, index - 1, now);
    this.#adaptToOrder(arrival === 'late' && !packet.isRetransmitted ? end - 1 - index : 0);
    this.#reportFreshGaps(now);
    if (++this.#packetsSinceAck >= LIGHT_ACK_INTERVAL) this.#sendLightAck(buffer, now);
    this.deliverDue(now);
  }

  /** Hands over what is due. */
  deliverDue(now: number): void {
    const buffer = this.#buffer;
    if (buffer === undefined) return;
    for (;;) {
      buffer.trim();
      const index = buffer.firstFilled();
      if (index === undefined) return;
      const isNext = this.#options.isImmediate && index < buffer.ackPosition;
      if (!isNext && this.#playout.dueAt(buffer.sourceTime(index)) > now) return;
      this.#handOver(buffer, index);
    }
  }

  /** Hands over all there is at once; what is missing will not come any more. */
  flush(): void {
    const buffer = this.#buffer;
    if (buffer === undefined) return;
    for (let index = buffer.firstFilled(); index !== undefined; index = buffer.firstFilled()) {
      this.#handOver(buffer, index);
    }
  }

  /** The peer will not send these any more. */
  handleDropRequest({ first, last }: SequenceRange, now: number): void {
    const buffer = this.#buffer;
    if (buffer === undefined) return;
    this.#countDrop(buffer.giveUp(buffer.indexOf(first), buffer.indexOf(last)), this.#averagePayload);
    this.deliverDue(now);
  }

  /** The answer to a full ACK. Returns false if there was none with this number. */
  handleAckAck(number: number, timestamp: number, now: number): boolean {
    const confirmed = this.#acks.confirm(number, now);
    if (confirmed === undefined) return false;
    this.#rtt.sample(confirmed.rtt);
    this.#ackConfirmed = Math.max(this.#ackConfirmed, confirmed.position);
    this.#playout.sampleDrift(timestamp, this.#rtt.rtt, now);
    return true;
  }

  tick(now: number): void {
    const buffer = this.#buffer;
    if (buffer === undefined) return;
    this.deliverDue(now);
    if (buffer.hasMissing) this.#sendNak(this.#overdueReports(buffer, now), now);
    const isNew = buffer.ackPosition > this.#ackSent;
    const isUnconfirmed = buffer.ackPosition > this.#ackConfirmed;
    if (isNew || (isUnconfirmed && now - this.#ackSentAt > this.#rtt.repeatInterval))
      this.#sendAck(buffer, now);
  }

  #handOver(buffer: ReceiveBuffer, index: number): void {
    const { payload, skipped } = buffer.take(index);
    if (skipped > 0) this.#countDrop(skipped, this.#averagePayload);
    // A message without content is nothing that could be handed on.
    if (payload.length > 0) this.#deliver(payload);
  }

  /** The plain payload, or undefined if it cannot be decrypted, which asking again would not change. */
  #open(packet: DataPacket, bytes: number): Buffer | undefined {
    const payload =
      this.#keys === undefined
        ? packet.key === 0
          ? packet.payload
          : undefined
        : this.#keys.decrypt(packet.sequence, packet.key, packet.payload);
    if (payload === undefined) {
      this.#counters.recvUndecryptPkt++;
      this.#counters.recvUndecryptBytes += bytes;
    } else {
      this.#counters.recvUniquePkt++;
      this.#counters.recvUniqueBytes += bytes;
    }
    return payload;
  }

  /** What is reported again: after a round trip as a rule, sooner if there is time for few of them. */
  #overdueReports(buffer: ReceiveBuffer, now: number): SequenceRange[] {
    const urgentBefore = this.#playout.sourceTimeDueAt(now + URGENT_ROUND_TRIPS * this.#rtt.rtt);
    const urgentLimit = now - MIN_NAK_INTERVAL;
    return buffer.report({ limit: now - this.#rtt.nakInterval, urgentBefore, urgentLimit }, now);
  }

  /**
   * Whether the stream goes on at an index beyond the window: a break was so long that what follows it never fits behind
   * what was before. One packet is not believed; while there is something to deliver, room is made by that.
   */
  #followJump(buffer: ReceiveBuffer, index: number): boolean {
    if (buffer.size > 0 || ++this.#beyondRun < JUMP_PACKETS) return false;
    const count = buffer.skipTo(index);
    this.#countLoss(count);
    // Those before this one were counted as they came.
    this.#countDrop(count - JUMP_PACKETS + 1, this.#averagePayload);
    return true;
  }

  #noteGap(first: number, last: number, now: number): void {
    this.#countLoss(last - first + 1);
    this.#buffer?.openGap(first, last, now);
    this.#freshGaps.push({ first, last, detectedAt: now });
  }

  /** Reports gaps once so many packets followed that what is missing is lost rather than late. */
  #reportFreshGaps(now: number): void {
    const buffer = this.#buffer;
    while (buffer !== undefined) {
      const gap = this.#freshGaps[0];
      if (gap === undefined || gap.last + 1 + this.#reorderTolerance >= buffer.end) return;
      this.#freshGaps.shift();
      this.#sendNak(buffer.report({ limit: gap.detectedAt }, now, gap.first, gap.last), now);
    }
  }

  /** @param distance by how many packets an original one was overtaken; 0 if it came in order. */
  #adaptToOrder(distance: number): void {
    if (distance > 0) {
      const tolerance = Math.min(distance, this.#options.maxReorderTolerance);
      this.#reorderTolerance = Math.max(this.#reorderTolerance, tolerance);
      this.#inOrderRun = 0;
    } else if (this.#reorderTolerance > 0 && ++this.#inOrderRun >= ORDER_RUN) {
      this.#reorderTolerance--;
      this.#inOrderRun = 0;
    }
  }

  #noteBelated(packet: DataPacket, now: number): void {
    const sourceTime = this.#playout.sourceTime(packet.timestamp, now);
    if (sourceTime === undefined) return;
    const late = Math.max(0, now - this.#playout.dueAt(sourceTime));
    this.#belatedTime = this.#belatedTime === 0 ? late : (7 * this.#belatedTime + late) / 8;
  }

  #sendNak(losses: SequenceRange[], now: number): void {
    if (losses.length === 0) return;
    this.#counters.sentNakPkt++;
    this.#send(controlWord('nak'), 0, now, serializeLossList(losses, this.#options.maxPayload >>> 2));
  }

  #sendLightAck(buffer: ReceiveBuffer, now: number): void {
    this.#packetsSinceAck = 0;
    this.#counters.sentAckPkt++;
    this.#send(controlWord('ack'), 0, now, serializeAck(buffer.sequence(buffer.ackPosition), undefined));
  }

  #sendAck(buffer: ReceiveBuffer, now: number): void {
    const { packets, bytes } = this.#rates.measure(now);
    const report = {
      rtt: Math.round(this.#rtt.rtt * 1000),
      rttVariance: Math.round(this.#rtt.variance * 1000),
      availableBuffer: Math.max(buffer.available, 2),
      receiveRate: packets,
      linkCapacity: this.#rates.capacity(),
      receiveByteRate: bytes,
    };
    this.#packetsSinceAck = 0;
    this.#ackSent = buffer.ackPosition;
    this.#ackSentAt = now;
    this.#counters.sentAckPkt++;
    const number = this.#acks.add(buffer.ackPosition, now);
    this.#send(controlWord('ack'), number, now, serializeAck(buffer.sequence(buffer.ackPosition), report));
  }

  #send(word0: number, word1: number, now: number, body: Buffer): void {
    this.#wire.send(word0, word1, toTimestamp(now - this.#options.startedAt), body);
  }

  #countLoss(count: number): void {
    this.#counters.recvLossPkt += count;
    this.#counters.recvLossBytes += count * (Math.round(this.#averagePayload) + this.#counters.headerBytes);
  }

  #countDrop(count: number, payloadBytes: number): void {
    this.#counters.recvDropPkt += count;
    this.#counters.recvDropBytes += count * (Math.round(payloadBytes) + this.#counters.headerBytes);
  }
}
