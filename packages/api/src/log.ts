import { Type, type Static } from './schema.ts';

/** Answer of `GET /api/v3/log`: the newest events of the server's log as console lines, oldest first. */
export const LogLines = Type.Array(Type.String());
export type LogLines = Static<typeof LogLines>;

/** One event of `GET /api/v3/log?format=raw`: this head, and the event's own fields beside it. */
export const LogEvent = Type.Object(
  {
    ts: Type.String({ description: 'RFC 3339' }),
    level: Type.String({ description: 'DEBUG, INFO, WARN or ERROR' }),
    component: Type.String(),
    message: Type.Optional(Type.String({ description: 'Left out if empty' })),
  },
  { additionalProperties: true },
);
export type LogEvent = Static<typeof LogEvent>;

/** Answer of `GET /api/v3/log?format=raw`: the newest events of the server's log, oldest first. */
export const LogEvents = Type.Array(LogEvent);
export type LogEvents = Static<typeof LogEvents>;
