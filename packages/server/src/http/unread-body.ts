import type { IncomingMessage } from 'node:http';
import type { FastifyInstance } from 'fastify';

/** How long a client may go on sending what has been answered already. */
const LINGER_MS = 2_000;

/**
 * Lets clients whose body was refused read the answer: closing at once would reset the connection and lose it. What
 * they still send is dropped, and the connection after two seconds.
 */
export function dropUnreadBodies(app: FastifyInstance): void {
  app.addHook('onSend', (request, reply, payload, done) => {
    // Node would close at once for a client that wants its connection closed, as FFmpeg does.
    if (!request.raw.complete) reply.raw.shouldKeepAlive = true;
    done(null, payload);
  });
  app.addHook('onResponse', (request, _reply, done) => {
    drop(request.raw);
    done();
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
