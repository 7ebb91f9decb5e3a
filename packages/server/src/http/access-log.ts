import type { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
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
  hasLine?: true;
  /** Bytes of its body, as far as they came. */
  received: number;
  /** Bytes of the answer's body, as far as they went; undefined if it is not sent as a stream. */
  sent?: number;
}

/** Writes a line for each request, and a warning for each that failed. */
export class AccessLog {
  readonly #logOf: (request: FastifyRequest) => Logger;
  readonly #guard: Pick<Guard, 'client'>;
  readonly #notes = new WeakMap<FastifyRequest, Notes>();

  constructor(logOf: (request: FastifyRequest) => Logger, guard: Pick<Guard, 'client'>) {
    this.#logOf = logOf;
    this.#guard = guard;
  }

  /** To be called with each request as it comes. */
  begin(request: FastifyRequest, reply: FastifyReply): void {
    const isLogged = this.#logOf(request).enabled('debug');
    // A connection that is gone, and each stream that has ended, do not know their client any more.
    if (isLogged || isHttp2(request.raw)) this.#notesOf(request).client = this.#guard.client(request);
    if (!isLogged) return;
    this.#endIfBroken(request, reply);
    reply.raw.once('pipe', (source: Readable) => {
      const notes = this.#notesOf(request);
      notes.sent = 0;
      meterStream(source, (bytes) => (notes.sent = (notes.sent ?? 0) + bytes));
    });
  }

  /** To be called before a body is read. */
  receive(request: FastifyRequest, reply: FastifyReply): void {
    if (!hasBody(request.raw)) return;
    const notes = this.#notesOf(request);
    if (notes.client === undefined) {
      notes.client = this.#guard.client(request);
      this.#endIfBroken(request, reply);
    }
    meterStream(request.raw, (bytes) => (notes.received += bytes));
  }

  /** To be called when the request has been answered. */
  end(request: FastifyRequest, reply: FastifyReply): void {
    const log = this.#logOf(request);
    const failed = reply.statusCode >= 400;
    if (!failed && !log.enabled('debug')) return;
    const notes = this.#notesOf(request);
    if (notes.hasLine) return;
    notes.hasLine = true;
    const fields = toFields(request, reply, {
      ...notes,
      client: notes.client ?? this.#guard.client(request),
    });
    log.debug('', fields);
    if (failed && !isFirstTry(fields)) log.warn('', fields);
  }

  /** Of an answer that did not leave whole, the framework does not tell; of one over HTTP/2 it always does. */
  #endIfBroken(request: FastifyRequest, reply: FastifyReply): void {
    if (isHttp2(request.raw)) return;
    reply.raw.once('close', () => {
      if (!reply.raw.writableFinished) this.end(request, reply);
    });
  }

  #notesOf(request: FastifyRequest): Notes {
    const known = this.#notes.get(request);
    if (known !== undefined) return known;
    const notes: Notes = { received: 0 };
    this.#notes.set(request, notes);
    return notes;
  }
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
