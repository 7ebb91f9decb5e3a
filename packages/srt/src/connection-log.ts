import type { ControlName, Log, LogTopic } from './log.ts';
import { type ControlKind, type ControlPacket, type Packet, CONTROL_START, controlKind } from './packet.ts';
import type { RttEstimator } from './rtt.ts';

/** Kinds of control packets without a name have no topic. */
const NAMES: Partial<Record<ControlPacket['kind'], ControlName>> = {
  ack: 'ACK',
  nak: 'NAK',
  ackack: 'ACKACK',
  keepalive: 'keepalive',
  shutdown: 'shutdown',
  hsreq: 'HSReq',
  hsrsp: 'HSRes',
  kmreq: 'KMReq',
  kmrsp: 'KMRes',
};

/** Tells the log what passes through one connection. Which topics are wanted is asked once, at its start. */
export class ConnectionLog {
  readonly #log: Log;
  readonly #socketId: number;
  readonly #wanted = new Map<LogTopic, boolean>();
  readonly #hasReceived: boolean;
  readonly #hasSent: boolean;

  constructor(log: Log, socketId: number) {
    this.#log = log;
    this.#socketId = socketId;
    const kinds = Object.values(NAMES);
    const wantsAny = (direction: 'recv' | 'send') =>
      this.#wants(`data:${direction}:dump`) ||
      this.#wants(`packet:${direction}:dump`) ||
      kinds.some((kind) =>
        (['dump', 'cif'] as const).some((part) => this.#wants(topic(direction, kind, part))),
      );
    this.#hasReceived = wantsAny('recv');
    this.#hasSent = wantsAny('send');
  }

  received(packet: Packet): void {
    if (!this.#hasReceived) return;
    this.#write('packet:recv:dump', () => describe(packet));
    if (packet.kind === 'data') {
      this.#write('data:recv:dump', () => describe(packet));
      return;
    }
    const name = NAMES[packet.kind];
    if (name === undefined) return;
    this.#write(topic('recv', name, 'dump'), () => describe(packet));
    this.#write(topic('recv', name, 'cif'), () => describeFields(packet));
  }

  sent(word0: number, word1: number, timestamp: number, body: Buffer | undefined): void {
    if (!this.#hasSent) return;
    const text = () => {
      const words = `${hex(word0)} ${hex(word1)} timestamp=${timestamp}`;
      return `${words} ${body?.length ?? 0} bytes`;
    };
    this.#write('packet:send:dump', text);
    if (word0 < CONTROL_START) {
      this.#write('data:send:dump', text);
      return;
    }
    const kind: ControlKind | undefined = controlKind(word0);
    const name = kind && NAMES[kind];
    if (name === undefined) return;
    this.#write(topic('send', name, 'dump'), text);
    this.#write(
      topic('send', name, 'cif'),
      () => `--- ${name} ---\n   ${(body ?? Buffer.alloc(0)).toString('hex')}`,
    );
  }

  roundTrip(rtt: RttEstimator): void {
    this.#write('connection:rtt', () => {
      const [mean, variance] = [rtt.rtt, rtt.variance].map((ms) => Math.round(ms * 1000));
      return `RTT=${mean ?? 0}us RTTVar=${variance ?? 0}us NAKInterval=${Math.round(rtt.nakInterval)}ms`;
    });
  }

  write(name: LogTopic, text: string): void {
    this.#write(name, () => text);
  }

  #write(name: LogTopic, text: () => string): void {
    if (this.#wants(name)) this.#log.write(name, this.#socketId, text());
  }

  #wants(name: LogTopic): boolean {
    let isWanted = this.#wanted.get(name);
    if (isWanted === undefined) this.#wanted.set(name, (isWanted = this.#log.wants(name)));
    return isWanted;
  }
}

function topic(direction: 'recv' | 'send', name: ControlName, part: 'dump' | 'cif'): LogTopic {
  return `control:${direction}:${name}:${part}`;
}

function describe(packet: Packet): string {
  const head = `${packet.kind} timestamp=${packet.timestamp} destination=${hex(packet.destination)}`;
  if (packet.kind !== 'data') return head;
  const { sequence, message, key, isRetransmitted, payload } = packet;
  return `${head} sequence=${sequence} message=${message} key=${key} retransmitted=${isRetransmitted} ${payload.length} bytes`;
}

function describeFields(packet: ControlPacket): string {
  const fields = Object.entries(packet)
    .filter(([name]) => !['kind', 'timestamp', 'destination'].includes(name))
    .map(
      ([name, value]) =>
        `   ${name}: ${Buffer.isBuffer(value) ? value.toString('hex') : JSON.stringify(value)}`,
    );
  return [`--- ${packet.kind} ---`, ...fields].join('\n');
}

function hex(value: number): string {
  return `0x${value.toString(16).padStart(8, '0')}`;
}
