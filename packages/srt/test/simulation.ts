// Two connections over a network that exists only as numbers, with a clock that is turned by hand: a minute of
// stream takes less than a second, and the same seed gives the same minute.
import { setImmediate } from 'node:timers/promises';
import { Connection, type ConnectionOptions, type ConnectionSettings } from '../src/connection.ts';
import { KeyDerivation } from '../src/crypto.ts';
import { LIVE_FLAGS } from '../src/handshake.ts';
import { type SessionKeys, DEFAULT_KEY_REFRESH } from '../src/keys.ts';
import { DEFAULT_CONNECTION_LIMITS } from '../src/limits.ts';
import { words, parsePacket, type Packet } from '../src/packet.ts';
import type { Wire } from '../src/wire.ts';
import { createRandom } from './random.ts';

/** What a direction of the network does to packets. Shares are from 0 to 1, times ms. */
export interface Path {
  loss: number;
  delay: number;
  jitter: number;
  duplicates: number;
  /** Share of packets that are held back, and for how long. */
  reordered: number;
  reorderDelay: number;
  /** Looks at each packet; false loses it. */
  filter: (packet: Packet, now: number) => boolean;
}

const PERFECT: Path = {
  loss: 0,
  delay: 0,
  jitter: 0,
  duplicates: 0,
  reordered: 0,
  reorderDelay: 0,
  filter: () => true,
};

export interface SimulationOptions {
  seed?: number;
  /** From the sender to the receiver. */
  forward?: Partial<Path>;
  back?: Partial<Path>;
  keys?: SessionKeys;
  sender?: Partial<ConnectionOptions>;
  receiver?: Partial<ConnectionOptions>;
  settings?: Partial<ConnectionSettings>;
}

/** What is done again and again. */
export interface Repeated {
  /** ms */
  interval: number;
  action: () => void;
}

const TICK = 10;

export class Simulation {
  /** Called the sender, although both can send. */
  readonly sender: Connection;
  readonly receiver: Connection;
  /** What the receiver handed over, and when. */
  readonly delivered: { payload: Buffer; at: number }[] = [];
  #now = 1000;
  #nextTick = 1000 + TICK;
  /** What is under way, the soonest first. */
  readonly #queue: Scheduled[] = [];
  readonly #random: () => number;

  constructor(options: SimulationOptions = {}) {
    this.#random = createRandom(options.seed ?? 1);
    const now = () => this.#now;
    const settings: ConnectionSettings = {
      limits: DEFAULT_CONNECTION_LIMITS,
      derivation: new KeyDerivation(4, 64),
      keyRefresh: DEFAULT_KEY_REFRESH,
      headerBytes: 44,
      peerIdleTimeout: 5000,
      sendDropDelay: 0,
      retransmitShare: 0.25,
      maxReorderTolerance: 16,
      isImmediate: false,
      log: undefined,
      ...options.settings,
    };
    const common = {
      handshakeVersion: 5,
      remote: { address: '127.0.0.1', port: 9 },
      streamId: '',
      initialSequence: 1000,
      mss: 1500,
      flowWindow: 8192,
      peerFlags: LIVE_FLAGS,
      peerVersion: 0x010501,
      peerTimestamp: 0,
      receiveLatency: 120,
      sendLatency: 120,
      startedAt: 1000,
      keys: options.keys,
      passphrase: undefined,
    };
    const forward = { ...PERFECT, ...options.forward };
    const back = { ...PERFECT, ...options.back };
    this.sender = new Connection(
      { ...common, socketId: 1, peerId: 2, arrivedAt: 1000 + back.delay, ...options.sender },
      settings,
      this.#wire(forward, 2, () => this.receiver),
      now,
    );
    this.receiver = new Connection(
      { ...common, socketId: 2, peerId: 1, arrivedAt: 1000 + forward.delay, ...options.receiver },
      settings,
      this.#wire(back, 1, () => this.sender),
      now,
    );
    this.receiver.on('payload', (payload) => {
      this.delivered.push({ payload: Buffer.from(payload), at: this.#now });
    });
  }

  get now(): number {
    return this.#now;
  }

  /** Lets so much time pass; `every` is called at its interval (ms). */
  run(duration: number, every?: Repeated): void {
    const steps = this.#steps(duration, every);
    while (steps.next().done !== true);
  }

  /** The same where keys change: time stands still while a side opens what it was sent. */
  async runWithKeys(duration: number, every?: Repeated): Promise<void> {
    for (const delivered of this.#steps(duration, every)) {
      if (delivered.kind === 'kmreq') await setImmediate();
    }
  }

  /** Lets time pass up to the end; yields each packet after it was delivered. */
  *#steps(duration: number, every: Repeated | undefined): Generator<Packet, undefined> {
    const end = this.#now + duration;
    let nextAction = every === undefined ? Infinity : this.#now;
    for (;;) {
      const [next] = this.#queue;
      const at = Math.min(next?.at ?? Infinity, this.#nextTick, nextAction);
      if (at > end) break;
      this.#now = Math.max(this.#now, at);
      if (next?.at === at) {
        this.#queue.shift();
        const packet = parsePacket(next.datagram);
        next.peer().handle(packet, this.#now);
        yield packet;
      } else if (at === nextAction && every !== undefined) {
        nextAction += every.interval;
        every.action();
      } else {
        this.#nextTick += TICK;
        this.sender.tick(this.#now);
        this.receiver.tick(this.#now);
      }
    }
    this.#now = end;
  }

  #wire(path: Path, destination: number, peer: () => Connection): Wire {
    return {
      send: (word0, word1, timestamp, body) => {
        const datagram = Buffer.concat([
          words(word0, word1, timestamp, destination),
          body ?? Buffer.alloc(0),
        ]);
        if (!path.filter(parsePacket(datagram), this.#now) || this.#random() < path.loss) return;
        const copies = this.#random() < path.duplicates ? 2 : 1;
        for (let copy = 0; copy < copies; copy++) {
          const held = this.#random() < path.reordered ? path.reorderDelay : 0;
          const delay = path.delay + path.jitter * this.#random() + held;
          this.#schedule({ at: this.#now + delay, peer, datagram });
        }
      },
    };
  }

  #schedule(entry: Scheduled): void {
    let index = this.#queue.length;
    while (index > 0 && (this.#queue[index - 1]?.at ?? 0) > entry.at) index--;
    this.#queue.splice(index, 0, entry);
  }
}

/** A datagram under way. */
interface Scheduled {
  at: number;
  peer: () => Connection;
  datagram: Buffer;
}

/** A payload that tells which one it is, and fills the rest with what depends on it. */
export function numberedPayload(number: number, length = 1316): Buffer {
  const payload = Buffer.alloc(length, number & 0xff);
  payload.writeUInt32BE(number, 0);
  return payload;
}
