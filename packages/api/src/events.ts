import { Type, type Static } from './schema.ts';

const time = Type.String({ description: 'When it happened, RFC 3339 with milliseconds' });
const process = Type.String({ description: 'Id of the process' });
const reference = Type.String({ description: 'Reference of the process' });

/** The server has started: everything it had done before is over. */
export const ServerStartedEvent = Type.Object({
  type: Type.Literal('server.started'),
  time,
  version: Type.String(),
});
export type ServerStartedEvent = Static<typeof ServerStartedEvent>;

/** A reload of the configuration began or ended. */
export const ConfigReloadEvent = Type.Object({
  type: Type.Literal('config.reload'),
  time,
  state: Type.Union([Type.Literal('running'), Type.Literal('done'), Type.Literal('failed')]),
  error: Type.String({ description: 'Why the old configuration still runs; empty unless it failed' }),
});
export type ConfigReloadEvent = Static<typeof ConfigReloadEvent>;

/** A process was added, changed or removed. */
export const ProcessChangeEvent = Type.Object({
  type: Type.Union([
    Type.Literal('process.added'),
    Type.Literal('process.updated'),
    Type.Literal('process.removed'),
  ]),
  time,
  process,
  reference,
  previous_id: Type.Optional(
    Type.String({ description: 'The id before, if the process has got another one' }),
  ),
});
export type ProcessChangeEvent = Static<typeof ProcessChangeEvent>;

/** The state of a process changed. */
export const ProcessStateEvent = Type.Object({
  type: Type.Literal('process.state'),
  time,
  process,
  reference,
  state: Type.String({ description: 'finished, starting, running, finishing, failed or killed' }),
  from: Type.String({ description: 'The state before' }),
  order: Type.String({ description: 'What is wanted: start or stop' }),
});
export type ProcessStateEvent = Static<typeof ProcessStateEvent>;

/** A session became active, or an active one ended. */
export const SessionEvent = Type.Object({
  type: Type.Union([Type.Literal('session.opened'), Type.Literal('session.closed')]),
  time,
  collector: Type.String({ description: 'Such as hls, rtmp or srt' }),
  session: Type.Object({
    id: Type.String(),
    reference: Type.String(),
    created_at: Type.Integer({ description: 'Unix time' }),
    location: Type.String(),
    peer: Type.String(),
    extra: Type.String(),
    bytes_rx: Type.Integer({ description: 'Received so far' }),
    bytes_tx: Type.Integer({ description: 'Sent so far' }),
  }),
});
export type SessionEvent = Static<typeof SessionEvent>;

/** A stream began or ceased to be published to this server. */
export const StreamEvent = Type.Object({
  type: Type.Union([Type.Literal('stream.published'), Type.Literal('stream.unpublished')]),
  time,
  protocol: Type.String({ description: '`rtmp` or `srt`' }),
  name: Type.String({ description: 'What the stream is listed as' }),
  reference: Type.String({ description: 'What its sessions are known by' }),
  remote: Type.String({ description: 'Address and port of the publisher' }),
});
export type StreamEvent = Static<typeof StreamEvent>;

/** A line of the server's log. */
export const LogLineEvent = Type.Object({
  type: Type.Literal('log'),
  time,
  level: Type.String({ description: 'DEBUG, INFO, WARN or ERROR' }),
  component: Type.String(),
  message: Type.String(),
  fields: Type.Record(Type.String(), Type.Unknown()),
});
export type LogLineEvent = Static<typeof LogLineEvent>;

/** Events were left out because there were too many at a time. */
export const OmittedEvent = Type.Object({
  type: Type.Union([Type.Literal('log.omitted'), Type.Literal('session.omitted')]),
  time,
  count: Type.Integer({ minimum: 1 }),
});
export type OmittedEvent = Static<typeof OmittedEvent>;

/**
 * Events before this one are missing: they are no longer kept, or could not be. Whoever follows the state of the server
 * by its events has to read it anew. Comes through all filters.
 */
export const GapEvent = Type.Object({
  type: Type.Literal('gap'),
  time,
  lost: Type.Integer({ minimum: 0, description: 'How many are missing; 0 if that is not known' }),
});
export type GapEvent = Static<typeof GapEvent>;

/** The `data` of each event of `GET /api/v3/events`. */
export const Event = Type.Union([
  ServerStartedEvent,
  ConfigReloadEvent,
  ProcessChangeEvent,
  ProcessStateEvent,
  SessionEvent,
  StreamEvent,
  LogLineEvent,
  OmittedEvent,
  GapEvent,
]);
export type Event = Static<typeof Event>;
