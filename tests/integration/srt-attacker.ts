import { type Socket, createSocket } from 'node:dgram';
import { once } from 'node:events';
import { expect, onTestFinished } from 'vitest';
import {
  type Extensions,
  type Handshake,
  parseExtensions,
  parseHandshake,
  serializeHandshake,
} from '../../packages/srt/src/handshake.ts';
import { type Packet, parsePacket, serializePacket } from '../../packages/srt/src/packet.ts';
import { HANDSHAKES } from '../../packages/srt/test/vectors/packets.ts';

/** A caller that says whatever a test wants. */
export class Attacker {
  readonly #socket: Socket;
  readonly #port: number;
  readonly received: Buffer[] = [];

  private constructor(socket: Socket, port: number) {
    this.#socket = socket;
    this.#port = port;
  }

  static async open(port: number): Promise<Attacker> {
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    onTestFinished(() => {
      socket.close();
    });
    const attacker = new Attacker(socket, port);
    socket.on('message', (datagram) => attacker.received.push(datagram));
    return attacker;
  }

  get localPort(): number {
    return this.#socket.address().port;
  }

  send(datagram: Buffer): void {
    this.#socket.send(datagram, this.#port, '127.0.0.1');
  }

  sendHandshake(body: Buffer): void {
    this.send(serializePacket({ kind: 'handshake', body, timestamp: 0, destination: 0 }));
  }

  /** The next packet that comes. */
  async answer(): Promise<Packet> {
    await expect.poll(() => this.received.length).toBeGreaterThan(0);
    return parsePacket(this.received.shift() ?? Buffer.alloc(0));
  }

  async answeredHandshake(): Promise<Handshake> {
    const packet = await this.answer();
    return parseHandshake(packet.kind === 'handshake' ? packet.body : Buffer.alloc(0));
  }

  /** A cookie that the listener gave it. */
  async cookie(): Promise<number> {
    this.sendHandshake(HANDSHAKES.induction);
    return (await this.answeredHandshake()).cookie;
  }

  /** The end of everything sent before: what follows an answer to it was not ignored. */
  async settled(): Promise<void> {
    const before = this.received.length;
    this.sendHandshake(HANDSHAKES.induction);
    await expect.poll(() => this.received.length).toBeGreaterThan(before);
    this.received.pop();
  }
}

/** The conclusion that was recorded, without encryption, changed. */
export function conclusion(cookie: number, change: Partial<Handshake> = {}, extensions?: Extensions): Buffer {
  const { hsreq, streamId } = parseExtensions(HANDSHAKES.conclusion);
  const base = parseHandshake(HANDSHAKES.conclusion);
  return serializeHandshake(
    { ...base, encryption: 0, extensionField: 5, cookie, ...change },
    extensions ?? { ...(hsreq && { hsreq }), ...(streamId !== undefined && { streamId }) },
  );
}
