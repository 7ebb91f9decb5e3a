import { once } from 'node:events';
import { type TLSSocket, connect } from 'node:tls';

const [DATA, HEADERS, RST_STREAM, SETTINGS, PING] = [0, 1, 3, 4, 6];
const HEAD_LENGTH = 9;
const END_HEADERS = 0x4;
const CANCEL = 8;

/** A client of HTTP/2 that speaks frames (RFC 9113 §4.1), so that it can break off in the midst of things. */
export class FrameClient {
  readonly socket: TLSSocket;
  #received = Buffer.alloc(0);
  readonly #types: number[] = [];

  private constructor(socket: TLSSocket) {
    this.socket = socket;
    socket
      .on('error', () => undefined)
      .on('data', (chunk: Buffer) => {
        this.#take(chunk);
      });
  }

  static async connect(port: number): Promise<FrameClient> {
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols: ['h2'] });
    await once(socket, 'secureConnect');
    socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
    return new FrameClient(socket).#send(SETTINGS, 0, 0, Buffer.alloc(0));
  }

  /** Begins a request whose body is still to come. */
  headers(stream: number, headers: Record<string, string>): this {
    // RFC 7541 §6.2.2: literal fields without indexing
    const fields = Object.entries(headers).flatMap(([name, value]) => [
      Buffer.from([0]),
      text(name),
      text(value),
    ]);
    return this.#send(HEADERS, END_HEADERS, stream, Buffer.concat(fields));
  }

  data(stream: number, content: string): this {
    return this.#send(DATA, 0, stream, Buffer.from(content));
  }

  reset(stream: number): this {
    return this.#send(RST_STREAM, 0, stream, Buffer.from([0, 0, 0, CANCEL]));
  }

  /** Resolves when the other side has answered: with whatever headers came first. */
  async answered(): Promise<void> {
    await this.#until(HEADERS);
  }

  /** Resolves when the other side has taken all that was sent. */
  async taken(): Promise<void> {
    this.#send(PING, 0, 0, Buffer.alloc(8));
    await this.#until(PING);
  }

  async #until(type: number): Promise<void> {
    while (!this.#types.includes(type)) await once(this.socket, 'data');
  }

  #take(chunk: Buffer): void {
    this.#received = Buffer.concat([this.#received, chunk]);
    while (this.#received.length >= HEAD_LENGTH) {
      const length = HEAD_LENGTH + this.#received.readUIntBE(0, 3);
      if (this.#received.length < length) return;
      this.#types.push(this.#received[3] ?? 0);
      this.#received = this.#received.subarray(length);
    }
  }

  #send(type: number, flags: number, stream: number, payload: Buffer): this {
    const head = Buffer.alloc(HEAD_LENGTH);
    head.writeUIntBE(payload.length, 0, 3);
    head[3] = type;
    head[4] = flags;
    head.writeUInt32BE(stream, 5);
    this.socket.write(Buffer.concat([head, payload]));
    return this;
  }
}

/** Up to 126 bytes. */
function text(value: string): Buffer {
  return Buffer.concat([Buffer.from([value.length]), Buffer.from(value)]);
}
