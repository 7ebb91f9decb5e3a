import type { LogEvent as ApiLogEvent } from '@millrace/api';
import type { FastifyRequest } from 'fastify';
import { ApiError } from '../errors.ts';
import { sendJson } from '../json.ts';
import { listOf, valueOf } from '../query.ts';
import type { Routes } from '../server.ts';

/** A recorded event of the log. */
interface LogEvent {
  time: Date;
  level: string;
  component: string;
  message: string;
  fields: Readonly<Record<string, unknown>>;
}

export interface LogRoutesOptions<Event extends LogEvent> {
  /** The kept events, oldest first. */
  log: { events(): Event[] };
  /** The console line of an event. */
  format: (event: Event) => string;
  /** Names of the levels, lowest first. */
  levels: readonly string[];
}

/** `GET /log`: what the server has logged of late. */
export function logRoutes<Event extends LogEvent>({ log, format, levels }: LogRoutesOptions<Event>): Routes {
  return (app) => {
    app.get('/log', (request, reply) => {
      const isWanted = selectionOf(request, levels);
      const selected = log.events().filter(isWanted).slice(-limitOf(request));
      return sendJson(
        reply,
        // compat: any other format is the console's.
        valueOf(request, 'format') === 'raw' ? selected.map(toApi) : selected.map((event) => format(event)),
      );
    });
  };
}

function toApi({ time, level, component, message, fields }: LogEvent): ApiLogEvent {
  return {
    ...fields,
    ts: time.toISOString(),
    level: level.toUpperCase(),
    component,
    ...(message !== '' && { message }),
  };
}

/** `level` and above, of one of the components, at or after the instant `since`. Unknown levels answer 400. */
function selectionOf(request: FastifyRequest, levels: readonly string[]): (event: LogEvent) => boolean {
  const level = valueOf(request, 'level').toLowerCase();
  const lowest = level === '' ? 0 : levels.indexOf(level);
  if (lowest === -1) throw new ApiError(400, 'Invalid level', `Known levels are: ${levels.join(', ')}`);
  const components = new Set(listOf(request, 'component').map((name) => name.toLowerCase()));
  const since = sinceOf(request);
  return (event) =>
    levels.indexOf(event.level) >= lowest &&
    (components.size === 0 || components.has(event.component.toLowerCase())) &&
    event.time.getTime() >= since;
}

/** Unix milliseconds; the query has RFC 3339, or Unix seconds. */
function sinceOf(request: FastifyRequest): number {
  const text = valueOf(request, 'since');
  if (text === '') return 0;
  const instant = /^\d+(?:\.\d+)?$/.test(text) ? Number(text) * 1000 : Date.parse(text);
  if (Number.isNaN(instant))
    throw new ApiError(400, 'Invalid time', 'since must be RFC 3339 or Unix seconds');
  return instant;
}

function limitOf(request: FastifyRequest): number {
  const text = valueOf(request, 'limit');
  if (text === '') return Infinity;
  const limit = Number(text);
  if (!Number.isInteger(limit) || limit < 1) {
    throw new ApiError(400, 'Invalid limit', 'limit must be a positive integer');
  }
  return limit;
}
