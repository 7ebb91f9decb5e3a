import type { Socket } from 'node:net';
import type { Component } from '../components.ts';
import type { Collector, CollectorSettings } from './collector.ts';

const TICK = 1_000;
/** compat: all requests together are one session. */
const SESSION = 'HTTP';

interface Counted {
  rx: number;
  tx: number;
}

type Counters = Pick<Socket, 'bytesRead' | 'bytesWritten'>;

/** Counts what goes over the connections of HTTP clients, while requests are under way as well. */
export class SocketTraffic implements Component {
  readonly #collectors: { collector(name: 'http'): Collector | undefined };
  /** Open connections, and what has been counted of each. */
  readonly #sockets = new Map<Socket, Counted>();
  /** Connections that are not counted, as long as the settings are these. */
  readonly #ignored = new WeakMap<Socket, Readonly<CollectorSettings>>();
  #ticker: NodeJS.Timeout | undefined;

  constructor(collectors: { collector(name: 'http'): Collector | undefined }) {
    this.#collectors = collectors;
  }

  start(): Promise<void> {
    this.#ticker = setInterval(() => {
      for (const [socket, counted] of this.#sockets) this.#count(socket, counted);
    }, TICK).unref();
    return Promise.resolve();
  }

  close(): Promise<void> {
    clearInterval(this.#ticker);
    return Promise.resolve();
  }

  /** Counts a connection from now on, unless it comes from an ignored address. To be called with each request. */
  watch(socket: Socket): void {
    const collector = this.#collectors.collector('http');
    if (collector === undefined) return;
    if (!this.#sockets.has(socket)) {
      if (this.#isIgnored(socket, collector)) return;
      this.#add(socket);
    }
    if (collector.has(SESSION)) return;
    collector.register(SESSION, { reference: '', location: 'any', peer: 'any' });
    collector.activate(SESSION);
  }

  #isIgnored(socket: Socket, collector: Collector): boolean {
    if (this.#ignored.get(socket) === collector.settings) return true;
    if (collector.isCountable(socket.remoteAddress ?? '')) return false;
    this.#ignored.set(socket, collector.settings);
    return true;
  }

  #add(socket: Socket): void {
    const counted = { rx: 0, tx: 0 };
    this.#sockets.set(socket, counted);
    const leave = (closed: Counters) => {
      this.#sockets.delete(socket);
      this.#count(closed, counted);
    };
    // Of HTTP/2, `socket` is only a proxy, which says nothing any more by then; the listener gets the real one.
    socket.once('close', function (this: Socket) {
      leave(this);
    });
  }

  #count(socket: Counters, counted: Counted): void {
    const { bytesRead, bytesWritten } = socket;
    const collector = this.#collectors.collector('http');
    collector?.ingress(SESSION, bytesRead - counted.rx);
    collector?.egress(SESSION, bytesWritten - counted.tx);
    counted.rx = bytesRead;
    counted.tx = bytesWritten;
  }
}
