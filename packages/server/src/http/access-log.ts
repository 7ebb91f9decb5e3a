import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from '../log/logger.ts';
import { STATUS_CODES } from '../util/node-http.ts';
import { maskSecrets } from '../util/text.ts';
import type { Guard } from './guard.ts';
import { meterStream } from './metering.ts';
import { isHttp2 } from './transport.ts';
import { hasBody } from './unread-body.ts';

/** What is known of a request before its end. */
interface Notes {
  /** Undefined if it can still be told afterwards. */
  client?: string;
  /** Bytes of its body, as far as they came. */
  received: number;
  /** Bytes of the answer's body, as far as they went; undefined if it is not sent as a stream. */
  sent?: number;
}

/** Writes a line for each request, and a warning for each that failed. */
export function logAccess(
  app: FastifyInstance,
  logOf: (request: FastifyRequest) => Logger,
  guard: Pick<Guard, 'client'>,
): void {
  const noted = new WeakMap<FastifyRequest, Notes>();
  const notesOf = (request: FastifyRequest): Notes => {
    const known = noted.get(request);
    if (known !== undefined) return known;
    const notes: Notes = { received: 0 };
    noted.set(request, notes);
    return notes;
  };
  app.addHook('onRequest', (request, _reply, done) => {
    // A connection that is gone, and each stream that has ended, do not know their client any more.
    if (isHttp2(request.raw) || logOf(request).enabled('debug')) {
      notesOf(request).client = guard.client(request);
    }
    done();
  });
  app.addHook('preParsing', (request, _reply, payload, done) => {
    if (hasBody(request.raw)) {
      const notes = notesOf(request);
      meterStream(request.raw, (bytes) => (notes.received += bytes));
    }
    done(null, payload);
  });
  app.addHook('onSend', (request, _reply, payload, done) => {
    if (payload instanceof Readable && logOf(request).enabled('debug')) {
      const notes = notesOf(request);
      notes.sent = 0;
      meterStream(payload, (bytes) => (notes.sent = (notes.sent ?? 0) + bytes));
    }
    done(null, payload);
  });
  app.addHook('onResponse', (request, reply, done) => {
    const log = logOf(request);
    const failed = reply.statusCode >= 400;
    if (failed || log.enabled('debug')) {
      const notes = notesOf(request);
      const fields = toFields(request, reply, { ...notes, client: notes.client ?? guard.client(request) });
      log.debug('', fields);
      if (failed && !isFirstTry(fields)) log.warn('', fields);
    }
    done();
  });
}

function toFields(
  request: FastifyRequest,
  reply: FastifyReply,
  { client, received, sent }: Notes & { client: string },
) {
  const { raw } = request;
  const announced = raw.method === 'HEAD' ? 0 : Number(reply.getHeader('content-length') ?? 0);
  return {
    client,
    method: raw.method,
    path: maskSecrets(request.originalUrl),
    proto: `HTTP/${raw.httpVersion}`,
    status: reply.statusCode,
    status_text: isHttp2(raw) ? STATUS_CODES[reply.statusCode] : reply.raw.statusMessage,
    tx_size_bytes: sent ?? announced,
    rx_size_bytes: received,
    latency_ms: Math.round(reply.elapsedTime * 1000) / 1000,
    user_agent: raw.headers['user-agent'] ?? '',
  };
}

/** Whether it is the first, unauthenticated try with which FFmpeg on this machine begins each write: nobody's mistake. */
function isFirstTry({ client, method, status, user_agent }: ReturnType<typeof toFields>): boolean {
  return (
    status === 401 &&
    ['127.0.0.1', '::1'].includes(client) &&
    ['PUT', 'POST', 'DELETE'].includes(method ?? '') &&
    user_agent.startsWith('Lavf/')
  );
}
