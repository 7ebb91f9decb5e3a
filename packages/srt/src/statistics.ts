import type { Counters } from './counters.ts';
import { MAX_MSS } from './packet.ts';
import type { Receiver } from './receiver.ts';
import { RECEIVE_WINDOW } from './receive-buffer.ts';
import type { RttEstimator } from './rtt.ts';
import { MAX_SEND_PACKETS, type Sender } from './sender.ts';

/** Bits in a megabit as bandwidths are told here. */
const MEGABIT = 1024 * 1024;

/**
 * What a connection did and how it stands. Packets are data packets unless the name says otherwise, bytes include the
 * headers of IP, UDP and SRT unless it says otherwise. Counters run from the connection's start.
 */
export interface Statistics {
  /** Since the start of the connection. */
  timestampMs: number;
  /** With retransmissions. */
  sentPkt: number;
  /** With duplicates and what came too late. */
  recvPkt: number;
  /** First transmissions. */
  sentUniquePkt: number;
  /** Taken into the buffer. */
  recvUniquePkt: number;
  /** Retransmissions and what was dropped before it was sent or acknowledged. */
  sendLossPkt: number;
  /** Missing when a gap was found. */
  recvLossPkt: number;
  sentRetransPkt: number;
  /** Arrived with the mark of a retransmission. */
  recvRetransPkt: number;
  /** Control packets, with light ACKs, as the next three. */
  sentAckPkt: number;
  recvAckPkt: number;
  sentNakPkt: number;
  recvNakPkt: number;
  /** Key material for refreshes. */
  sentKmPkt: number;
  recvKmPkt: number;
  sendDurationUs: number;
  /** Too late to be sent, or no room in the buffer. */
  sendDropPkt: number;
  /** Given up, belated, duplicate, beyond the window, or stamped impossibly. */
  recvDropPkt: number;
  /** No key for it, or not encrypted although it must be. */
  recvUndecryptPkt: number;
  sentBytes: number;
  recvBytes: number;
  sentUniqueBytes: number;
  recvUniqueBytes: number;
  /** Estimated, since what is missing has no length. */
  recvLossBytes: number;
  sentRetransBytes: number;
  sendDropBytes: number;
  recvDropBytes: number;
  recvUndecryptBytes: number;
  pktSendPeriodUs: number;
  /** Packets that may be under way. */
  flowWindowPkt: number;
  /** Packets sent and not acknowledged. */
  flightSizePkt: number;
  rttMs: number;
  /** Estimated capacity of the link, in units of 1024² bit/s; 0 if not known. */
  bandwidthMbit: number;
  /** Always -1: no limit is set. */
  maxBandwidthMbit: number;
  /** Room in the send buffer. */
  availSendBufBytes: number;
  availRecvBufBytes: number;
  mssBytes: number;
  /** Packets not acknowledged, sent or not. */
  sendBufPkt: number;
  /** Without headers. */
  sendBufBytes: number;
  /** Between the oldest and the newest packet in the buffer. */
  sendBufMs: number;
  /** Latency of the peer's receiver. */
  sendTsbpdDelayMs: number;
  recvBufPkt: number;
  /** Without headers. */
  recvBufBytes: number;
  recvBufMs: number;
  recvTsbpdDelayMs: number;
  reorderTolerancePkt: number;
  /** By how much packets came too late, on average. */
  pktRecvAvgBelatedTimeMs: number;
}

/** What the statistics are made of. */
export interface StatisticsSource {
  counters: Counters;
  sender: Sender;
  receiver: Receiver;
  rtt: RttEstimator;
  /** ms */
  age: number;
  mss: number;
  maxPayload: number;
  sendLatency: number;
}

/** A reading of everything at one moment. */
export function readStatistics(source: StatisticsSource): Statistics {
  const { counters, sender, receiver, rtt, maxPayload } = source;
  const { headerBytes, ...counts } = counters;
  const sendBuffer = sender.buffer;
  const receiveBuffer = receiver.buffer;
  const capacity = receiver.linkCapacity || sender.linkCapacity;
  const payload = receiver.linkCapacity > 0 ? receiver.averagePayload : sender.averagePayload;
  return {
    timestampMs: Math.floor(source.age),
    ...counts,
    sendLossPkt: counts.sentRetransPkt + counts.sendDropPkt,
    pktSendPeriodUs: sender.sendPeriod,
    flowWindowPkt: sender.flowWindow,
    flightSizePkt: sendBuffer.next - sendBuffer.first,
    rttMs: rtt.rtt,
    bandwidthMbit: (capacity * (payload + headerBytes) * 8) / MEGABIT,
    maxBandwidthMbit: -1,
    availSendBufBytes: (MAX_SEND_PACKETS - sendBuffer.size) * maxPayload,
    availRecvBufBytes: (receiveBuffer?.available ?? RECEIVE_WINDOW) * maxPayload,
    mssBytes: Math.min(source.mss, MAX_MSS),
    sendBufPkt: sendBuffer.size,
    sendBufBytes: sendBuffer.bytes,
    sendBufMs: Math.round(sendBuffer.duration),
    sendTsbpdDelayMs: source.sendLatency,
    recvBufPkt: receiveBuffer?.size ?? 0,
    recvBufBytes: receiveBuffer?.bytes ?? 0,
    recvBufMs: Math.max(0, Math.round(receiveBuffer?.duration ?? 0)),
    recvTsbpdDelayMs: receiver.playout.latency,
    reorderTolerancePkt: receiver.reorderTolerance,
    pktRecvAvgBelatedTimeMs: receiver.averageBelatedTime,
  };
}
