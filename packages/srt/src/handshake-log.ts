import type { Connection } from './connection.ts';
import { HANDSHAKE_TYPE, type Handshake } from './handshake.ts';
import type { Log, LogTopic } from './log.ts';
import { rejectionName } from './rejection.ts';
import type { Remote } from './wire.ts';

const TYPES = new Map<number, string>(Object.entries(HANDSHAKE_TYPE).map(([name, type]) => [type, name]));

/** Tells the log about handshakes. Stream ids, which may hold secrets, are not told: whoever knows their grammar can. */
export class HandshakeLog {
  readonly #log: Log;

  constructor(log: Log) {
    this.#log = log;
  }

  listening({ address, port }: Remote): void {
    this.#write('listen', () => `listening on ${address} port ${port}`);
  }

  received(handshake: Handshake, remote: Remote): void {
    this.#handshake('recv', handshake, remote);
  }

  sent(handshake: Handshake, remote: Remote): void {
    this.#handshake('send', handshake, remote);
  }

  refused(reason: string, { address, port }: Remote): void {
    this.#write('handshake:recv:error', () => `${reason} ${address} port ${port}`);
  }

  connected(connection: Connection): void {
    const { address, port } = connection.remote;
    this.#write('connection:new', () => `${hex(connection.id)} ${address} port ${port}`, connection.id);
  }

  #handshake(direction: 'recv' | 'send', handshake: Handshake, { address, port }: Remote): void {
    const type = () => TYPES.get(handshake.type) ?? rejectionName(handshake.type) ?? String(handshake.type);
    this.#write(`handshake:${direction}:dump`, () => `${type()} ${address} port ${port}`);
    this.#write(`handshake:${direction}:cif`, () => describe(handshake, type()));
  }

  #write(topic: LogTopic, text: () => string, socketId = 0): void {
    if (this.#log.wants(topic)) this.#log.write(topic, socketId, text());
  }
}

function describe(handshake: Handshake, type: string): string {
  return [
    '--- handshake ---',
    `   version: ${hex(handshake.version)}`,
    `   encryption: ${handshake.encryption}`,
    `   extension field: ${hex(handshake.extensionField)}`,
    `   initial sequence number: ${hex(handshake.initialSequence)}`,
    `   maximum transmission unit: ${handshake.mss}`,
    `   flow window: ${handshake.flowWindow}`,
    `   type: ${type}`,
    `   socket id: ${hex(handshake.socketId)}`,
    `   cookie: ${hex(handshake.cookie)}`,
  ].join('\n');
}

function hex(value: number): string {
  return `0x${value.toString(16).padStart(8, '0')}`;
}
