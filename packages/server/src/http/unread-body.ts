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
  const toBeClosed = new WeakSet<IncomingMessage>();
  app.addHook('onSend', (request, reply, payload, done) => {
    const { raw } = request;
    if (raw.complete || !hasBody(raw)) {
      done(null, payload);
      return;
    }
    if (isHttp2(raw)) {
      resetAfter(reply.raw);
    } else if (!reply.raw.shouldKeepAlive) {
      // Node would close at once for a client that wants its connection closed, as FFmpeg does.
      reply.raw.shouldKeepAlive = true;
      toBeClosed.add(raw);
    }
    done(null, payload);
  });
  app.addHook('onResponse', (request, _reply, done) => {
    const { raw } = request;
    if (!isHttp2(raw) && hasBody(raw)) drop(raw, toBeClosed.has(raw));
    done();
  });
}

/** Whether a request may have a body. Without one, it is complete in a moment, although it may be answered before. */
export function hasBody(request: IncomingMessage): boolean {
  if (isHttp2(request)) return !streamOf(request).endAfterHeaders;
  return request.headers['transfer-encoding'] !== undefined || Number(request.headers['content-length']) > 0;
}

/** Asks the client to send no more, once it has the whole answer (RFC 9113 §8.1). */
function resetAfter(response: ServerResponse): void {
  const stream = streamOf(response);
  stream.once('finish', () => {
    // An answer without a body has not even left yet, and would not any more.
    setImmediate(() => {
      stream.close(NO_ERROR);
    });
  });
}

function streamOf(message: IncomingMessage | ServerResponse): ServerHttp2Stream {
  return (message as typeof message & { stream: ServerHttp2Stream }).stream;
}

function drop(request: IncomingMessage, isToBeClosed: boolean): void {
  const { socket } = request;
  const end = () => {
    if (isToBeClosed && !socket.destroyed) socket.end();
  };
  if (request.complete || request.destroyed) {
    end();
    return;
  }
  const timer = setTimeout(() => socket.destroy(), LINGER_MS).unref();
  request.once('close', () => {
    clearTimeout(timer);
    end();
  });
  request.resume();
}
