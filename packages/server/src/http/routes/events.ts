import type { Readable } from 'node:stream';
import type { FastifyRequest } from 'fastify';
import { ApiError } from '../errors.ts';
import type { Guard } from '../guard.ts';
import { listOf, valueOf } from '../query.ts';
import type { Routes } from '../server.ts';

/** Where the events come from. */
export interface EventFeed {
  subscribe(subscription: {
    types: readonly string[];
    process: string;
    level: string;
    after: number | undefined;
    isAuthorized: () => boolean;
  }): Readable;
}

const LEVELS = ['', 'debug', 'info', 'warn', 'error'];
const MAX_TYPES = 32;

/** `GET /events`: what happens, as Server-Sent Events (HTML §9.2), from where the client was cut off. */
export function eventRoutes(events: EventFeed, guard: Pick<Guard, 'isAuthorized'>): Routes {
  return (app) => {
    app.get('/events', (request, reply) => {
      const level = valueOf(request, 'level').toLowerCase();
      if (!LEVELS.includes(level)) {
        throw new ApiError(400, 'Invalid level', `Known levels are: ${LEVELS.slice(1).join(', ')}`);
      }
      const types = listOf(request, 'type');
      if (types.length > MAX_TYPES) throw new ApiError(400, 'Too many types');
      const stream = events.subscribe({
        types,
        process: valueOf(request, 'process'),
        level,
        after: lastEventId(request),
        isAuthorized: () => guard.isAuthorized(request),
      });
      return reply
        .header('content-type', 'text/event-stream')
        .header('cache-control', 'no-store')
        .header('x-accel-buffering', 'no')
        .send(stream);
    });
  };
}

/** From the header, or for clients that cannot set it from the query. An id of something else is one nobody has. */
function lastEventId(request: FastifyRequest): number | undefined {
  const text = request.headers['last-event-id'] ?? valueOf(request, 'last_event_id');
  if (text === '') return undefined;
  const id = Number(text);
  return Number.isSafeInteger(id) && id >= 0 ? id : Number.MAX_SAFE_INTEGER;
}
