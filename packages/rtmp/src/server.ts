import type { Duplex } from 'node:stream';
import { DEFAULT_LIMITS, type Limits } from './limits.ts';
import { Census, type ConnectionLimits, DEFAULT_CONNECTION_LIMITS } from './census.ts';
import { ServerConnection } from './server-connection.ts';
import type { StreamHandler } from './stream-handler.ts';
import { Sweep } from './sweep.ts';

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
  readonly #census: Census;
  readonly #connections = new Set<ServerConnection>();
  #isClosed = false;

  constructor(handler: StreamHandler, options: RtmpServerOptions = {}) {
    this.#handler = handler;
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#census = new Census({ ...DEFAULT_CONNECTION_LIMITS, ...options.connections });
  }

  get connections(): ReadonlySet<ServerConnection> {
    return this.#connections;
  }

  /** Takes a connected socket over. Undefined if there are too many already: it is closed then. */
  accept(socket: AcceptedSocket): ServerConnection | undefined {
    const ip = socket.remoteAddress ?? '';
    const counted = this.#isClosed ? undefined : this.#census.admit(ip);
    if (!counted) {
      socket.on('error', () => undefined).destroy();
      return undefined;
    }
    const remote =
      socket.remotePort === undefined ? ip : `${ip.includes(':') ? `[${ip}]` : ip}:${socket.remotePort}`;
    const connection = new ServerConnection(socket, remote, this.#handler, this.#limits);
    this.#connections.add(connection);
    this.sweep.add(connection);
    connection.once('granted', () => {
      counted.granted();
    });
    connection.once('closed', () => {
      counted.closed();
      this.#connections.delete(connection);
      this.sweep.delete(connection);
    });
    return connection;
  }

  /** Tells all peers to go, and resolves when they are gone, after the time to linger at the latest. */
  async close(message = 'shutdown'): Promise<void> {
    this.#isClosed = true;
    const connections = [...this.#connections];
    const closed = connections.map(
      (connection) => new Promise((resolve) => connection.once('closed', resolve)),
    );
    for (const connection of connections) connection.close(message, 'shutdown');
    const deadline = setTimeout(() => {
      for (const connection of this.#connections) connection.destroy(message);
    }, this.#limits.lingerMs);
    await Promise.all(closed);
    clearTimeout(deadline);
  }
}
