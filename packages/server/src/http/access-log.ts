import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from '../log/logger.ts';
import { STATUS_CODES } from '../util/node-http.ts';
import { maskSecrets } from '../util/text.ts';
import type { Guard } from './guard.ts';
import { meterStream } from './metering.ts';
import { isHttp2 } from './transport.ts';
import { hasBody } from './unread-body.ts';

/** Bytes of bodies, as far as they came and went. */
interface Sizes {
  received: number;
  /** Undefined if the answer is not sent as a stream. */
  sent?: number;
}

/** Writes a line for each request, and a warning for each that failed. */
export function logAccess(
  app: FastifyInstance,
  logOf: (request: FastifyRequest) => Logger,
  guard: Pick<Guard, 'client'>,
): void {
  const sizes = new WeakMap<FastifyRequest, Sizes>();
  app.addHook('preParsing', (request, _reply, payload, done) => {
    if (hasBody(request.raw)) {
      const size: Sizes = { received: 0 };
      sizes.set(request, size);
      meterStream(request.raw, (bytes) => (size.received += bytes));
    }
    done(null, payload);
  });
  app.addHook('onSend', (request, _reply, payload, done) => {
    if (payload instanceof Readable && logOf(request).enabled('debug')) {
      const size = Object.assign(sizes.get(request) ?? { received: 0 }, { sent: 0 });
      sizes.set(request, size);
      meterStream(payload, (bytes) => (size.sent += bytes));
    }
    done(null, payload);
  });
  app.addHook('onResponse', (request, reply, done) => {
    const log = logOf(request);
    const failed = reply.statusCode >= 400;
    if (failed || log.enabled('debug')) {
      const fields = toFields(request, reply, guard.client(request), sizes.get(request));
      log.debug('', fields);
      if (failed && !isFirstTry(fields)) log.warn('', fields);
    }
    done();
  });
}

function toFields(
  request: FastifyRequest,
  reply: FastifyReply,
  client: string,
  { received, sent }: Sizes = { received: 0 },
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
