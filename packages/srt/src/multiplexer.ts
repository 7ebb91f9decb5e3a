import { type RemoteInfo, type Socket, createSocket } from 'node:dgram';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';
import type { Connection } from './connection.ts';
import { HEADER_BYTES, MAX_PAYLOAD_BYTES, type Packet, parsePacket } from './packet.ts';
import { ProtocolError } from './protocol-error.ts';
import type { Remote, Wire } from './wire.ts';

/** draft-sharabayko-srt-01 §4.8.1: SYN interval, ms. */
const TICK = 10;
/** Socket ids have 30 bits: libsrt marks groups with the next. */
const MAX_SOCKET_ID = 2 ** 30;
/** Bytes that may wait in the process for a socket that takes no more; what is beyond is lost, as in the network. */
const MAX_QUEUED_BYTES = 4 * 1024 * 1024;
const MAPPED = '::ffff:';

/** Where to receive. */
export interface BindOptions {
  /** IP address; without it, all addresses of both families. */
  address?: string | undefined;
  /** 0 for any that is free. */
  port?: number | undefined;
  /** Bytes of the kernel's buffers. The kernel may give less. */
  receiveBufferBytes?: number | undefined;
  sendBufferBytes?: number | undefined;
}

/** What a multiplexer passes on. Exceptions other than ProtocolError are defects; they end in `fault`. */
export interface MultiplexerEvents {
  /** A packet for no connection: a handshake. */
  handshake(packet: Packet, from: RemoteInfo, now: number): void;
  /** A packet with an id that no connection has. */
  unknown?(packet: Packet, from: RemoteInfo, now: number): void;
  /** Every 10 ms, after the connections had their turn. */
  tick?(now: number): void;
  /** A connection was closed and is no longer known. */
  removed?(connection: Connection): void;
  /** Something threw that must not. */
  fault(error: Error): void;
}

/**
 * One UDP socket, all connections on it, and the one timer they share.
 *
 * A packet reaches a connection only if it carries the connection's id and comes from its peer's address.
 */
export class Multiplexer {
  readonly #events: MultiplexerEvents;
  readonly #connections = new Map<number, Entry>();
  readonly #socket: Socket;
  readonly #family: 'udp4' | 'udp6';
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;
  #lateness = 0;
  #tickAt = 0;

  /** Where packets are put together. A socket that took a packet at once does not need it any longer. */
  #scratch = new Scratch();
  /** Whether packets waited for the socket when the last was sent. */
  #isCongested = false;

  private constructor(family: 'udp4' | 'udp6', options: BindOptions, events: MultiplexerEvents) {
    this.#family = family;
    this.#events = events;
    this.#socket = createSocket({
      type: family,
      // Addresses are always numbers here. Without this each packet takes a turn through the queue of look-ups.
      lookup: (address, _options, callback) => {
        callback(null, address, family === 'udp4' ? 4 : 6);
      },
      ...(options.receiveBufferBytes !== undefined && { recvBufferSize: options.receiveBufferBytes }),
      ...(options.sendBufferBytes !== undefined && { sendBufferSize: options.sendBufferBytes }),
    });
    this.#socket.on('message', (datagram, from) => {
      this.#receive(datagram, from);
    });
  }

  /** Opens the socket. Rejects with the system's error if it cannot. */
  static async bind(options: BindOptions, events: MultiplexerEvents): Promise<Multiplexer> {
    const { address } = options;
    if (address !== undefined) return Multiplexer.#bind(isIPv6(address) ? 'udp6' : 'udp4', options, events);
    try {
      return await Multiplexer.#bind('udp6', options, events);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAFNOSUPPORT') throw error;
      return Multiplexer.#bind('udp4', options, events);
    }
  }

  static async #bind(family: 'udp4' | 'udp6', options: BindOptions, events: MultiplexerEvents) {
    const multiplexer = new Multiplexer(family, options, events);
    const socket = multiplexer.#socket;
    // It may listen before `bind` returns.
    const listening = once(socket, 'listening');
    socket.bind({
      port: options.port ?? 0,
      ...(options.address !== undefined && { address: options.address }),
    });
    await listening;
    socket.on('error', (error) => {
      events.fault(error);
    });
    multiplexer.#tickAt = performance.now();
    multiplexer.#timer = setInterval(() => {
      multiplexer.#tick();
    }, TICK);
    return multiplexer;
  }

  /** The address that is bound. */
  get address(): Remote {
    const { address, port } = this.#socket.address();
    return { address, port };
  }

  /** Bytes of IP, UDP and SRT headers in each packet. */
  get headerBytes(): number {
    return (this.#family === 'udp4' ? 20 : 40) + 8 + HEADER_BYTES;
  }

  /** Bytes that the kernel gave the socket's receive buffer. */
  get receiveBufferBytes(): number {
    return this.#socket.getRecvBufferSize();
  }

  get connections(): Connection[] {
    return Array.from(this.#connections.values(), (entry) => entry.connection);
  }

  get size(): number {
    return this.#connections.size;
  }

  /** By how many ms the last tick came later than 10 ms after the one before. */
  get lateness(): number {
    return this.#lateness;
  }

  /** A random socket id that no connection has. */
  newSocketId(): number {
    for (;;) {
      const id = randomInt(1, MAX_SOCKET_ID);
      if (!this.#connections.has(id)) return id;
    }
  }

  /** The way to a peer. `address` as the socket names it. */
  wire(address: string, port: number, peerId: number): Wire {
    return {
      send: (word0, word1, timestamp, body) => {
        this.#send(word0, word1, timestamp, peerId, body, port, address);
      },
    };
  }

  /** Takes in a connection until it is closed. `address` as the socket names it. */
  add(connection: Connection, address: string): void {
    this.#connections.set(connection.id, { connection, address, port: connection.remote.port });
    connection.once('closed', () => {
      this.#connections.delete(connection.id);
      this.#events.removed?.(connection);
    });
  }

  get(id: number): Connection | undefined {
    return this.#connections.get(id)?.connection;
  }

  /** Says good-bye to all peers and gives the socket back. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    clearInterval(this.#timer);
    for (const { connection } of this.#connections.values())
      this.#guard(connection, () => {
        connection.close();
      });
    this.#isClosed = true;
    const closed = once(this.#socket, 'close');
    this.#socket.close();
    await closed;
  }

  #receive(datagram: Buffer, from: RemoteInfo): void {
    // Nothing can be answered to port 0, which only a forged packet has.
    if (datagram.length < HEADER_BYTES || from.port === 0) return;
    const now = performance.now();
    const destination = datagram.readUInt32BE(12);
    if (destination === 0) {
      this.#guard(undefined, () => {
        this.#events.handshake(parsePacket(datagram), from, now);
      });
      return;
    }
    const entry = this.#connections.get(destination);
    if (entry === undefined) {
      if (this.#events.unknown === undefined) return;
      this.#guard(undefined, () => this.#events.unknown?.(parsePacket(datagram), from, now));
      return;
    }
    if (entry.port !== from.port || entry.address !== from.address) return;
    const { connection } = entry;
    try {
      connection.handle(parsePacket(datagram), now);
    } catch (error) {
      this.#handleException(error, connection);
    }
  }

  #tick(): void {
    const now = performance.now();
    this.#lateness = Math.max(0, now - this.#tickAt - TICK);
    this.#tickAt = now;
    for (const { connection } of this.#connections.values()) {
      try {
        connection.tick(now);
      } catch (error) {
        this.#handleException(error, connection);
      }
    }
    if (this.#events.tick !== undefined) this.#events.tick(now);
  }

  #guard(connection: Connection | undefined, action: () => void): void {
    try {
      action();
    } catch (error) {
      this.#handleException(error, connection);
    }
  }

  /** A broken packet is dropped. Anything else is a defect: the connection ends, the others go on. */
  #handleException(error: unknown, connection: Connection | undefined): void {
    if (error instanceof ProtocolError) return;
    this.#events.fault(error instanceof Error ? error : new Error(String(error)));
    if (connection === undefined) return;
    this.#guard(undefined, () => {
      connection.fail('error');
    });
  }

  #send(
    word0: number,
    word1: number,
    timestamp: number,
    peerId: number,
    body: Buffer | undefined,
    port: number,
    address: string,
  ): void {
    if (this.#isClosed) return;
    if (this.#isCongested && this.#socket.getSendQueueSize() > MAX_QUEUED_BYTES) return;
    // Without a callback errors are of no consequence: what could not be sent counts as lost on the way.
    this.#socket.send(this.#scratch.packet(word0, word1, timestamp, peerId, body), port, address);
    this.#isCongested = this.#socket.getSendQueueCount() > 0;
    // A socket that takes no more for now keeps the packet: its memory is no longer ours to write to.
    if (this.#isCongested) this.#scratch = new Scratch();
  }
}

/** Memory in which packets are put together, one after the other. */
class Scratch {
  readonly #memory = Buffer.allocUnsafeSlow(HEADER_BYTES + MAX_PAYLOAD_BYTES);
  /** Views of the memory by length: making one costs about as much as filling it. */
  readonly #views: (Buffer | undefined)[] = [];
  /** What the memory has behind the header. One payload goes to many subscribers in turn. */
  #body: Buffer | undefined;

  /** A packet, valid until the next. */
  packet(word0: number, word1: number, timestamp: number, peerId: number, body: Buffer | undefined): Buffer {
    const memory = this.#memory;
    memory.writeUInt32BE(word0, 0);
    memory.writeUInt32BE(word1, 4);
    memory.writeUInt32BE(timestamp, 8);
    memory.writeUInt32BE(peerId, 12);
    const length = body?.length ?? 0;
    if (body !== undefined && length > 0 && body !== this.#body) {
      memory.set(body, HEADER_BYTES);
      this.#body = body;
    }
    return (this.#views[length] ??= memory.subarray(0, HEADER_BYTES + length));
  }
}

/** The address without the form that IPv4 has on a socket for both families. */
export function plainAddress(address: string): string {
  return address.startsWith(MAPPED) ? address.slice(MAPPED.length) : address;
}

/** A connection and the address of its peer as the socket names it. */
interface Entry {
  connection: Connection;
  address: string;
  port: number;
}
