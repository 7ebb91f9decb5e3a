import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ServerHttp2Stream } from 'node:http2';
import type { FastifyInstance } from 'fastify';
import { isHttp2 } from './transport.ts';

/** How long a client may go on sending what has been answered already. */
const LINGER_MS = 2_000;
/** RFC 9113 §7 */
const NO_ERROR = 0;

/**
 * Lets clients whose body was refused read the answer: closing at once would reset the connection and lose it. What
 * they still send is dropped, and the connection after two seconds.
 */
export function dropUnreadBodies(app: FastifyInstance): void {
  app.addHook('onSend', (request, reply, payload, done) => {
    if (!request.raw.complete) {
      if (isHttp2(request.raw)) resetAfter(reply.raw);
      // Node would close at once for a client that wants its connection closed, as FFmpeg does.
      else reply.raw.shouldKeepAlive = true;
    }
    done(null, payload);
  });
  app.addHook('onResponse', (request, _reply, done) => {
    if (!isHttp2(request.raw)) drop(request.raw);
    done();
  });
}

/** Asks the client to send no more, once it has the whole answer (RFC 9113 §8.1). */
function resetAfter(response: ServerResponse): void {
  const { stream } = response as ServerResponse & { stream: ServerHttp2Stream };
  stream.once('finish', () => {
    stream.close(NO_ERROR);
  });
}

function drop(request: IncomingMessage): void {
  if (request.complete || request.destroyed) return;
  const { socket } = request;
  const timer = setTimeout(() => socket.destroy(), LINGER_MS).unref();
  request.once('close', () => {
    clearTimeout(timer);
    if (request.headers.connection?.toLowerCase() === 'close' && !socket.destroyed) socket.end();
  });
  request.resume();
}
