import { once } from 'node:events';
import { type Socket, connect } from 'node:net';

export interface LoadOptions {
  port: number;
  /** The whole request as it goes over the wire. */
  request: Buffer;
  connections: number;
  durationMs: number;
}

/**
 * Requests per second that a server answers over keep-alive connections, one request at a time on each.
 *
 * Speaks HTTP by hand: a client library costs more than the servers that are measured, and would hide them.
 * Expects status 200 and a `Content-Length`; anything else fails.
 */
export async function requestsPerSecond(options: LoadOptions): Promise<number> {
  const sockets = await Promise.all(
    Array.from({ length: options.connections }, async () => {
      const socket = connect({ port: options.port, host: '127.0.0.1', noDelay: true });
      await once(socket, 'connect');
      return socket;
    }),
  );
  const started = performance.now();
  const deadline = started + options.durationMs;
  const counts = await Promise.all(sockets.map((socket) => drive(socket, options.request, deadline)));
  const seconds = (performance.now() - started) / 1000;
  return counts.reduce((sum, count) => sum + count, 0) / seconds;
}

/** Sends requests on one connection until the deadline; resolves with the number of whole answers. */
async function drive(socket: Socket, request: Buffer, deadline: number): Promise<number> {
  return new Promise((resolve, reject) => {
    let answers = 0;
    let missing = 0;
    socket.on('error', reject);
    socket.on('close', () => {
      reject(new Error('the server closed the connection'));
    });
    socket.on('data', (chunk: Buffer) => {
      missing = missing === 0 ? answerLength(chunk) - chunk.length : missing - chunk.length;
      if (missing > 0) return;
      answers++;
      if (performance.now() >= deadline) {
        socket.removeAllListeners('close').destroy();
        resolve(answers);
      } else {
        socket.write(request);
      }
    });
    socket.write(request);
  });
}

/** The length of an answer, head included, from its first bytes. */
function answerLength(chunk: Buffer): number {
  const end = chunk.indexOf('\r\n\r\n');
  const head = chunk.toString('latin1', 0, end === -1 ? chunk.length : end);
  const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1];
  if (!head.startsWith('HTTP/1.1 200') || end === -1 || length === undefined) {
    throw new Error(`unexpected answer: ${head}`);
  }
  return end + 4 + Number(length);
}
