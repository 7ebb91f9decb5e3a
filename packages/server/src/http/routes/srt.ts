import type { SrtChannels, SrtLog, SrtStatistics } from '@millrace/api';
import type { Statistics } from '@millrace/srt';
import { ApiError } from '../errors.ts';
import { sendJson } from '../json.ts';
import type { Routes } from '../server.ts';

/** Notes by topic: when, in Unix milliseconds, and what. */
type Events = Readonly<Record<string, readonly { time: number; lines: readonly string[] }[]>>;

/** The SRT server, as it is managed. Connections are known by the ids of their sockets. */
export interface SrtConnections {
  status(): Promise<{
    streams: readonly { name: string; publisher: number; subscribers: readonly number[] }[];
    connections: readonly { id: number; statistics: Statistics; events: Events }[];
    events: Events;
  }>;
  /** Ends a connection. Whether there was one. */
  kick(id: number): Promise<boolean>;
}

type Status = Awaited<ReturnType<SrtConnections['status']>>;

/** `/srt`: who publishes and plays, and how it goes. */
export function srtRoutes(srt: SrtConnections, isReadOnly: boolean): Routes {
  return (app) => {
    app.get('/srt', async (_request, reply) => sendJson(reply, toApi(await srt.status())));
    if (isReadOnly) return;
    app.delete<{ Params: { id: string } }>('/srt/:id', async ({ params: { id } }, reply) => {
      if (!/^\d{1,10}$/.test(id) || !(await srt.kick(Number(id)))) {
        throw new ApiError(404, 'Unknown connection', id);
      }
      return sendJson(reply, 'OK');
    });
  };
}

function toApi({ streams, connections, events }: Status): SrtChannels {
  return {
    publisher: Object.fromEntries(streams.map(({ name, publisher }) => [name, publisher])),
    subscriber: Object.fromEntries(
      streams
        .filter(({ subscribers }) => subscribers.length > 0)
        .map(({ name, subscribers }) => [name, [...subscribers]]),
    ),
    connections: Object.fromEntries(
      connections.map((one) => [one.id, { log: toLog(one.events), stats: toStatistics(one.statistics) }]),
    ),
    log: toLog(events),
  };
}

function toLog(events: Events): Record<string, SrtLog[]> {
  return Object.fromEntries(
    Object.entries(events).map(([topic, list]) => [
      topic,
      list.map(({ time, lines }) => ({ ts: time, msg: [...lines] })),
    ]),
  );
}

function toStatistics(one: Statistics): SrtStatistics {
  return {
    timestamp_ms: one.timestampMs,
    sent_pkt: one.sentPkt,
    recv_pkt: one.recvPkt,
    sent_unique_pkt: one.sentUniquePkt,
    recv_unique_pkt: one.recvUniquePkt,
    send_loss_pkt: one.sendLossPkt,
    recv_loss_pkt: one.recvLossPkt,
    sent_retrans_pkt: one.sentRetransPkt,
    // compat: the reference's spelling.
    recv_retran_pkts: one.recvRetransPkt,
    sent_ack_pkt: one.sentAckPkt,
    recv_ack_pkt: one.recvAckPkt,
    sent_nak_pkt: one.sentNakPkt,
    recv_nak_pkt: one.recvNakPkt,
    send_km_pkt: one.sentKmPkt,
    recv_km_pkt: one.recvKmPkt,
    send_duration_us: Math.round(one.sendDurationUs),
    send_drop_pkt: one.sendDropPkt,
    recv_drop_pkt: one.recvDropPkt,
    recv_undecrypt_pkt: one.recvUndecryptPkt,
    sent_bytes: one.sentBytes,
    recv_bytes: one.recvBytes,
    sent_unique_bytes: one.sentUniqueBytes,
    recv_unique_bytes: one.recvUniqueBytes,
    recv_loss_bytes: Math.round(one.recvLossBytes),
    sent_retrans_bytes: one.sentRetransBytes,
    send_drop_bytes: one.sendDropBytes,
    recv_drop_bytes: Math.round(one.recvDropBytes),
    recv_undecrypt_bytes: one.recvUndecryptBytes,
    pkt_send_period_us: one.pktSendPeriodUs,
    flow_window_pkt: one.flowWindowPkt,
    flight_size_pkt: one.flightSizePkt,
    rtt_ms: one.rttMs,
    bandwidth_mbit: one.bandwidthMbit,
    avail_send_buf_bytes: one.availSendBufBytes,
    avail_recv_buf_bytes: one.availRecvBufBytes,
    max_bandwidth_mbit: one.maxBandwidthMbit,
    mss_bytes: one.mssBytes,
    send_buf_pkt: one.sendBufPkt,
    send_buf_bytes: one.sendBufBytes,
    send_buf_ms: Math.round(one.sendBufMs),
    send_tsbpd_delay_ms: one.sendTsbpdDelayMs,
    recv_buf_pkt: one.recvBufPkt,
    recv_buf_bytes: one.recvBufBytes,
    recv_buf_ms: Math.round(one.recvBufMs),
    recv_tsbpd_delay_ms: one.recvTsbpdDelayMs,
    reorder_tolerance_pkt: one.reorderTolerancePkt,
    pkt_recv_avg_belated_time_ms: Math.round(one.pktRecvAvgBelatedTimeMs),
  };
}
