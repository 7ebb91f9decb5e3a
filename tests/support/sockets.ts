import type { Duplex } from 'node:stream';

/** Resolves when a socket has closed, also by a reset: a server that hangs up may do either. */
export function closed(socket: Duplex): Promise<void> {
  socket.on('error', () => undefined);
  return new Promise((resolve) => {
    if (socket.closed) resolve();
    else
      socket.once('close', () => {
        resolve();
      });
  });
}
