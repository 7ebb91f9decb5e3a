// For servers under measurement that can't take port 0. JavaScript, as what compiles TypeScript would count for them.
import { once } from 'node:events';
import { createServer } from 'node:net';

/** A TCP port of the loopback address that is free now. */
export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}
