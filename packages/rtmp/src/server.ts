import type { Duplex } from 'node:stream';
import { DEFAULT_LIMITS, type Limits } from './limits.ts';
import { ServerConnection, type StreamHandler } from './server-connection.ts';
import { Sweep } from './sweep.ts';

/** How many connections there may be at a time; more are closed before the handshake. */
export interface ConnectionLimits {
  readonly total: number;
  /** Of one peer address. */
  readonly perAddress: number;
  /** That neither publish nor play yet. */
  readonly pending: number;
  readonly pendingPerAddress: number;
}

export const DEFAULT_CONNECTION_LIMITS: ConnectionLimits = {
  total: 10_000,
  perAddress: 5_000,
  pending: 1_024,
  pendingPerAddress: 512,
};

export interface RtmpServerOptions {
  limits?: Partial<Limits>;
  connections?: Partial<ConnectionLimits>;
}

/** A socket as `net` and `tls` have it, or any other byte stream. */
export type AcceptedSocket = Duplex & { remoteAddress?: string | undefined; remotePort?: number | undefined };

/** Speaks RTMP on the sockets it is given; whose they are and where they listen is its user's. */
export class RtmpServer {
  /** The timer of all connections; other subscribers with deadlines may join. */
  readonly sweep = new Sweep();
  readonly #handler: StreamHandler;
  readonly #limits: Limits;
  readonly #connectionLimits: ConnectionLimits;
  readonly #connections = new Map<ServerConnection, string>();
  #isClosed = false;

  constructor(handler: StreamHandler, options: RtmpServerOptions = {}) {
    this.#handler = handler;
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#connectionLimits = { ...DEFAULT_CONNECTION_LIMITS, ...options.connections };
  }

  get connections(): Iterable<ServerConnection> {
    return this.#connections.keys();
  }

  /** Takes a connected socket over. Undefined if there are too many already: it is closed then. */
  accept(socket: AcceptedSocket): ServerConnection | undefined {
    const ip = socket.remoteAddress ?? '';
    if (this.#isClosed || !this.#hasRoom(ip)) {
      socket.on('error', () => undefined).destroy();
      return undefined;
    }
    const remote =
      socket.remotePort === undefined ? ip : `${ip.includes(':') ? `[${ip}]` : ip}:${socket.remotePort}`;
    const connection = new ServerConnection(socket, remote, this.#handler, this.#limits);
    this.#connections.set(connection, ip);
    this.sweep.add(connection);
    connection.once('closed', () => {
      this.#connections.delete(connection);
      this.sweep.delete(connection);
    });
    return connection;
  }

  /** Tells all peers to go, and resolves when they are gone, after the time to linger at the latest. */
  async close(message = 'shutdown'): Promise<void> {
    this.#isClosed = true;
    const connections = [...this.#connections.keys()];
    const closed = connections.map(
      (connection) => new Promise((resolve) => connection.once('closed', resolve)),
    );
    for (const connection of connections) connection.close(message, 'shutdown');
    const deadline = setTimeout(() => {
      for (const connection of this.#connections.keys()) connection.destroy(message);
    }, this.#limits.lingerMs);
    await Promise.all(closed);
    clearTimeout(deadline);
  }

  #hasRoom(ip: string): boolean {
    const { total, perAddress, pending, pendingPerAddress } = this.#connectionLimits;
    if (this.#connections.size >= total) return false;
    const counts = { address: 0, pending: 0, pendingAddress: 0 };
    for (const [connection, address] of this.#connections) {
      const isPending = connection.isPending;
      if (isPending) counts.pending++;
      if (address !== ip) continue;
      counts.address++;
      if (isPending) counts.pendingAddress++;
    }
    return (
      counts.address < perAddress && counts.pending < pending && counts.pendingAddress < pendingPerAddress
    );
  }
}
