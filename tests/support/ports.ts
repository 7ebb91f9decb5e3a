import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type ListenOptions, type Server, createServer } from 'node:net';

/** Below the range from which the kernel takes ports for outgoing connections, so that none of those comes in between. */
const FIRST_PORT = 10_000;
const PORTS = 20_000;

let next = Math.floor(Math.random() * PORTS);

/** A free TCP port of the loopback address that no other test is given; for what cannot take port 0 itself. */
export function freePort(): Promise<number> {
  return findPort(isFree);
}

/** The same for UDP. */
export function freeUdpPort(): Promise<number> {
  return findPort(isFreeForUdp);
}

async function findPort(isFree: (port: number) => Promise<boolean>): Promise<number> {
  for (let tries = 0; tries < PORTS; tries++) {
    const port = FIRST_PORT + (next++ % PORTS);
    if ((await claim(port)) && (await isFree(port))) return port;
  }
  throw new Error('no port is free');
}

/**
 * Whether this process is the first to want that port: it holds a socket of that name for as long as it lives. So others
 * leave the port alone, those of another run of the tests on the same machine included.
 */
async function claim(port: number): Promise<boolean> {
  // Only Linux has sockets with names that are no files.
  if (process.platform !== 'linux') return true;
  return listen(createServer().unref(), { path: `\0millrace-test-port-${port}` });
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  const isListening = await listen(server, { port, host: '127.0.0.1' });
  if (!isListening) return false;
  server.close();
  await once(server, 'close');
  return true;
}

async function isFreeForUdp(port: number): Promise<boolean> {
  const socket = createSocket('udp4');
  try {
    socket.bind(port, '127.0.0.1');
    await once(socket, 'listening');
    return true;
  } catch {
    return false;
  } finally {
    socket.close();
  }
}

/** Whether the server could take the address. */
function listen(server: Server, address: ListenOptions): Promise<boolean> {
  server.listen(address);
  return once(server, 'listening').then(
    () => true,
    () => false,
  );
}
