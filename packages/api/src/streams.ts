import { Type, type Static } from './schema.ts';

const text = Type.String();
const natural = Type.Integer();
const number = Type.Number();

/** A note of an SRT connection. */
export const SrtLog = Type.Object({ ts: natural, msg: Type.Array(text) });
export type SrtLog = Static<typeof SrtLog>;

/** The counters of an SRT connection. */
export const SrtStatistics = Type.Object({
  avail_recv_buf_bytes: natural,
  avail_send_buf_bytes: natural,
  bandwidth_mbit: number,
  flight_size_pkt: natural,
  flow_window_pkt: natural,
  max_bandwidth_mbit: number,
  mss_bytes: natural,
  pkt_recv_avg_belated_time_ms: natural,
  pkt_send_period_us: number,
  recv_ack_pkt: natural,
  recv_buf_bytes: natural,
  recv_buf_ms: natural,
  recv_buf_pkt: natural,
  recv_bytes: natural,
  recv_drop_bytes: natural,
  recv_drop_pkt: natural,
  recv_km_pkt: natural,
  recv_loss_bytes: natural,
  recv_loss_pkt: natural,
  recv_nak_pkt: natural,
  recv_pkt: natural,
  recv_retran_pkts: natural,
  recv_tsbpd_delay_ms: natural,
  recv_undecrypt_bytes: natural,
  recv_undecrypt_pkt: natural,
  recv_unique_bytes: natural,
  recv_unique_pkt: natural,
  reorder_tolerance_pkt: natural,
  rtt_ms: number,
  send_buf_bytes: natural,
  send_buf_ms: natural,
  send_buf_pkt: natural,
  send_drop_bytes: natural,
  send_drop_pkt: natural,
  send_duration_us: natural,
  send_km_pkt: natural,
  send_loss_pkt: natural,
  send_tsbpd_delay_ms: natural,
  sent_ack_pkt: natural,
  sent_bytes: natural,
  sent_nak_pkt: natural,
  sent_pkt: natural,
  sent_retrans_bytes: natural,
  sent_retrans_pkt: natural,
  sent_unique_bytes: natural,
  sent_unique_pkt: natural,
  timestamp_ms: natural,
});
export type SrtStatistics = Static<typeof SrtStatistics>;

/** An SRT connection, with its notes by topic. */
export const SrtConnection = Type.Object({
  log: Type.Record(text, Type.Array(SrtLog)),
  stats: SrtStatistics,
});
export type SrtConnection = Static<typeof SrtConnection>;

/** The streams that are being published and played over SRT: sockets by stream, connections by socket. */
export const SrtChannels = Type.Object({
  publisher: Type.Record(text, natural),
  subscriber: Type.Record(text, Type.Array(natural)),
  connections: Type.Record(text, SrtConnection),
  log: Type.Record(text, Type.Array(SrtLog)),
});
export type SrtChannels = Static<typeof SrtChannels>;
