import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below the range from which the kernel takes ports for outgoing connections, so that none of those comes in between. */
const FIRST_PORT = 10_000;
const PORTS_PER_WORKER = 500;
const WORKERS = 40;

const worker = Number(process.env['VITEST_POOL_ID'] ?? 0) % WORKERS;
let next = Math.floor(Math.random() * PORTS_PER_WORKER);

/** A free TCP port of the loopback address that no other test is given; for what cannot take port 0 itself. */
export function freePort(): Promise<number> {
  return findPort(isFree);
}

/** The same for UDP. */
export function freeUdpPort(): Promise<number> {
  return findPort(isFreeForUdp);
}

async function findPort(isFree: (port: number) => Promise<boolean>): Promise<number> {
  for (let tries = 0; tries < PORTS_PER_WORKER; tries++) {
    const port = FIRST_PORT + worker * PORTS_PER_WORKER + (next++ % PORTS_PER_WORKER);
    if (await isFree(port)) return port;
  }
  throw new Error('no port is free');
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

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}
