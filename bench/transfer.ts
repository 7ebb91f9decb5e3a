import { connect } from 'node:net';
import { usage } from './children.ts';

const CONNECTIONS = 4;

export interface Server {
  port: number;
  pid: number;
}

export interface Load {
  /** What goes over the wire, again and again. */
  request: Buffer;
  /** Bytes of the answer's body. */
  answerBytes: number;
}

/** Loads a server over keep-alive connections, one request at a time on each. */
export async function drive(
  server: Server,
  load: Load,
  durationMs: number,
): Promise<{ perSecond: number; cpuMs: number }> {
  const before = await usage(server.pid);
  const started = performance.now();
  const counts = await Promise.all(
    Array.from({ length: CONNECTIONS }, () => driveOne(server.port, load, started + durationMs)),
  );
  const seconds = (performance.now() - started) / 1000;
  const after = await usage(server.pid);
  const requests = counts.reduce((sum, count) => sum + count, 0);
  return { perSecond: requests / seconds, cpuMs: ((after.cpuSeconds - before.cpuSeconds) * 1000) / requests };
}

/** The number of answers until the deadline. */
function driveOne(port: number, { request, answerBytes }: Load, deadline: number): Promise<number> {
  return new Promise((resolve, reject) => {
    let answers = 0;
    let missing = -1;
    const socket = connect({
      port,
      host: '127.0.0.1',
      // One buffer for all reads: the client shall cost less than the servers.
      onread: {
        buffer: Buffer.allocUnsafe(256 * 1024),
        callback: (count, buffer) => {
          if (missing < 0) {
            const start = Buffer.from(buffer.buffer, buffer.byteOffset, Math.min(count, 2048)).toString(
              'latin1',
            );
            const end = start.indexOf('\r\n\r\n');
            if (!/^HTTP\/1.1 2/.test(start) || end === -1) {
              reject(new Error(`unexpected answer: ${start}`));
              return false;
            }
            missing = end + 4 + answerBytes;
          }
          missing -= count;
          if (missing > 0) return true;
          missing = -1;
          answers++;
          if (performance.now() < deadline) {
            socket.write(request);
          } else {
            socket.destroy();
            resolve(answers);
          }
          return true;
        },
      },
    });
    socket.on('error', reject);
    socket.write(request);
  });
}
