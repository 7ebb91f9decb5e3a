import { Type, type Static } from './schema.ts';

const text = Type.String();
const count = Type.Integer();
const kbit = Type.Number({ description: 'Mean of the last 10 seconds in kbit/s; 1 kbit is 1024 bits' });
const mbit = Type.Number({ description: 'In Mbit/s; 1 Mbit is 1024 kbit' });

/** A viewer or sender. */
export const Session = Type.Object({
  id: text,
  reference: Type.String({ description: 'Name of what is watched or sent' }),
  created_at: Type.Integer({ description: 'Unix time in seconds' }),
  local: Type.String({ description: 'Place of it on this server' }),
  remote: Type.String({ description: 'Who is at the other end' }),
  extra: text,
  bytes_rx: count,
  bytes_tx: count,
  bandwidth_rx_kbit: kbit,
  bandwidth_tx_kbit: kbit,
});
export type Session = Static<typeof Session>;

/** What past sessions amount to. */
export const SessionStats = Type.Object({
  sessions: count,
  traffic_rx_mb: Type.Integer({ description: 'In whole MiB' }),
  traffic_tx_mb: Type.Integer({ description: 'In whole MiB' }),
});
export type SessionStats = Static<typeof SessionStats>;

/** What past sessions of one peer amount to, also by where they were. */
export const SessionPeers = Type.Object({
  ...SessionStats.properties,
  local: Type.Record(text, SessionStats),
});
export type SessionPeers = Static<typeof SessionPeers>;

/** Active and past sessions of one collector. */
export const SessionSummary = Type.Object({
  active: Type.Object({
    list: Type.Array(Session),
    sessions: count,
    bandwidth_rx_mbit: mbit,
    bandwidth_tx_mbit: mbit,
    max_sessions: Type.Integer({ description: '0 is no limit' }),
    max_bandwidth_rx_mbit: mbit,
    max_bandwidth_tx_mbit: mbit,
  }),
  summary: Type.Object({
    remote: Type.Record(text, SessionPeers),
    local: Type.Record(text, SessionStats),
    reference: Type.Record(text, SessionStats),
    ...SessionStats.properties,
  }),
});
export type SessionSummary = Static<typeof SessionSummary>;

/** By collector. */
export const SessionsSummary = Type.Record(text, SessionSummary);
export type SessionsSummary = Static<typeof SessionsSummary>;

/** By collector. */
export const SessionsActive = Type.Record(text, Type.Array(Session));
export type SessionsActive = Static<typeof SessionsActive>;
