import { Type, type Static } from './schema.ts';

const text = Type.String();
const count = (description: string) => Type.Integer({ description });
const number = (description: string) => Type.Number({ description });

/** A note of an SRT connection. */
export const SrtLog = Type.Object({
  ts: Type.Integer({ description: 'Unix time in milliseconds' }),
  msg: Type.Array(text, { description: 'Lines' }),
});
export type SrtLog = Static<typeof SrtLog>;

/** The counters of an SRT connection. Packets are of data unless they are named; bytes are with the headers from IP on. */
export const SrtStatistics = Type.Object({
  timestamp_ms: count('Since the connection began'),
  sent_pkt: count('Sent, with retransmissions'),
  recv_pkt: count('Received, with duplicates'),
  sent_unique_pkt: count('Sent for the first time'),
  recv_unique_pkt: count('Received and taken'),
  send_loss_pkt: count('Sent again, or given up'),
  recv_loss_pkt: count('Found missing'),
  sent_retrans_pkt: count('Sent again'),
  recv_retran_pkts: count('Received that were sent again'),
  sent_ack_pkt: count('Acknowledgements sent'),
  recv_ack_pkt: count('Acknowledgements received'),
  sent_nak_pkt: count('Loss reports sent'),
  recv_nak_pkt: count('Loss reports received'),
  send_km_pkt: count('New keys sent'),
  recv_km_pkt: count('New keys received'),
  send_duration_us: count('Spent sending'),
  send_drop_pkt: count('Too late to be sent'),
  recv_drop_pkt: count('Received too late or twice, or given up'),
  recv_undecrypt_pkt: count('Not decrypted'),
  sent_bytes: count('As sent_pkt'),
  recv_bytes: count('As recv_pkt'),
  sent_unique_bytes: count('As sent_unique_pkt'),
  recv_unique_bytes: count('As recv_unique_pkt'),
  recv_loss_bytes: count('As recv_loss_pkt, estimated'),
  sent_retrans_bytes: count('As sent_retrans_pkt'),
  send_drop_bytes: count('As send_drop_pkt'),
  recv_drop_bytes: count('As recv_drop_pkt'),
  recv_undecrypt_bytes: count('As recv_undecrypt_pkt'),
  pkt_send_period_us: number('Least time between two packets'),
  flow_window_pkt: count('May be under way'),
  flight_size_pkt: count('Under way'),
  rtt_ms: number('Round trip time, smoothed'),
  bandwidth_mbit: number('Estimated capacity of the link; 1 Mbit is 1024² bits'),
  avail_send_buf_bytes: count('Room in the send buffer'),
  avail_recv_buf_bytes: count('Room in the receive buffer'),
  max_bandwidth_mbit: number('Limit of what is sent, -1 for none'),
  mss_bytes: count('Largest packet, with the headers from IP on'),
  send_buf_pkt: count('Not acknowledged'),
  send_buf_bytes: count('Not acknowledged, without headers'),
  send_buf_ms: count('From the oldest to the newest that is not acknowledged'),
  send_tsbpd_delay_ms: count('Latency of the peer'),
  recv_buf_pkt: count('Waiting for their time'),
  recv_buf_bytes: count('Waiting for their time, without headers'),
  recv_buf_ms: count('From the oldest to the newest that waits'),
  recv_tsbpd_delay_ms: count('Latency of this side'),
  reorder_tolerance_pkt: count('Waited for before one out of order counts as missing'),
  pkt_recv_avg_belated_time_ms: count('By which packets came too late, on average'),
});
export type SrtStatistics = Static<typeof SrtStatistics>;

const log = Type.Record(text, Type.Array(SrtLog), { description: 'By topic' });

/** An SRT connection, with its notes by topic. */
export const SrtConnection = Type.Object({ log, stats: SrtStatistics });
export type SrtConnection = Static<typeof SrtConnection>;

/** The streams that are being published and played over SRT: sockets by stream, connections by socket. */
export const SrtChannels = Type.Object({
  publisher: Type.Record(text, Type.Integer()),
  subscriber: Type.Record(text, Type.Array(Type.Integer())),
  connections: Type.Record(text, SrtConnection),
  log,
});
export type SrtChannels = Static<typeof SrtChannels>;
