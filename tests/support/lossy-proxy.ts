import { type RemoteInfo, type Socket, createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createRandom } from '../../packages/srt/test/random.ts';

/** What happens to datagrams in one direction. Shares are from 0 to 1, times ms. */
export interface Impairment {
  loss?: number;
  delay?: number;
  /** At most; spread evenly. */
  jitter?: number;
  duplicates?: number;
  /** Share of datagrams that others overtake, by `reorderDelay` (default 10 ms). */
  reordered?: number;
  reorderDelay?: number;
  /** Looks at each datagram, and may change it, before anything else happens to it; false loses it. */
  filter?: (datagram: Buffer) => boolean;
}

export interface ProxyOptions {
  /** Port on 127.0.0.1 that is behind the proxy. */
  target: number;
  seed?: number;
  /** From clients to the target. */
  up?: Impairment;
  down?: Impairment;
}

/** A UDP network of bad quality: clients talk to its port, each is passed on from a port of its own. */
export class LossyProxy {
  readonly #options: ProxyOptions;
  readonly #front = createSocket('udp4');
  readonly #backs = new Map<string, Socket>();
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #random: () => number;
  #isClosed = false;

  private constructor(options: ProxyOptions) {
    this.#options = options;
    this.#random = createRandom(options.seed ?? 1);
  }

  static async start(options: ProxyOptions): Promise<LossyProxy> {
    const proxy = new LossyProxy(options);
    proxy.#front.on('message', (datagram, from) => {
      proxy.#fromClient(datagram, from);
    });
    proxy.#front.bind(0, '127.0.0.1');
    await once(proxy.#front, 'listening');
    enlargeBuffers(proxy.#front);
    return proxy;
  }

  get port(): number {
    return this.#front.address().port;
  }

  close(): void {
    this.#isClosed = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#front.close();
    for (const back of this.#backs.values()) back.close();
  }

  #fromClient(datagram: Buffer, from: RemoteInfo): void {
    let back = this.#backs.get(`${from.port}`);
    if (back === undefined) {
      back = createSocket('udp4');
      back.on('message', (answer) => {
        this.#pass(answer, this.#options.down ?? {}, () => {
          this.#front.send(answer, from.port, from.address);
        });
      });
      back.bind(0, '127.0.0.1', () => {
        if (back !== undefined) enlargeBuffers(back);
      });
      this.#backs.set(`${from.port}`, back);
    }
    const socket = back;
    this.#pass(datagram, this.#options.up ?? {}, () => {
      socket.send(datagram, this.#options.target, '127.0.0.1');
    });
  }

  #pass(datagram: Buffer, impairment: Impairment, send: () => void): void {
    const { loss = 0, delay = 0, jitter = 0, duplicates = 0, reordered = 0, reorderDelay = 10 } = impairment;
    if (impairment.filter?.(datagram) === false || this.#random() < loss) return;
    const copies = this.#random() < duplicates ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      const held = this.#random() < reordered ? reorderDelay : 0;
      this.#after(delay + jitter * this.#random() + held, send);
    }
  }

  #after(ms: number, send: () => void): void {
    if (ms === 0) {
      send();
      return;
    }
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      if (!this.#isClosed) send();
    }, ms);
    this.#timers.add(timer);
  }
}

function enlargeBuffers(socket: Socket): void {
  socket.setRecvBufferSize(4 * 1024 * 1024);
  socket.setSendBufferSize(4 * 1024 * 1024);
}
