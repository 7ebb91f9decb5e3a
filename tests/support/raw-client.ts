import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** A client that speaks bytes, so that it can speak badly. Everything received is kept as Latin-1 text. */
export class RawClient {
  readonly socket: Socket;
  readonly #closed: Promise<void>;
  #received = '';

  /** @param base `http://host:port` */
  constructor(base: string) {
    const { hostname, port } = new URL(base);
    this.socket = connect(Number(port), hostname);
    this.socket.setEncoding('latin1').on('data', (text: string) => (this.#received += text));
    // What matters is what came before.
    this.socket.on('error', () => undefined);
    this.#closed = new Promise((resolve) =>
      this.socket.once('close', () => {
        resolve();
      }),
    );
  }

  send(text: string): this {
    this.socket.write(text, 'latin1');
    return this;
  }

  /** Goes on sending the text until the connection is closed. */
  sendForever(text: string): this {
    const pump = () => {
      while (this.socket.writable && this.socket.write(text, 'latin1'));
    };
    this.socket.on('drain', pump);
    pump();
    return this;
  }

  /** Everything received, once it matches. Rejects if the connection closes before. */
  async until(pattern: RegExp): Promise<string> {
    while (!pattern.test(this.#received)) {
      if (this.socket.closed) throw new Error(`closed after ${JSON.stringify(this.#received)}`);
      await Promise.race([once(this.socket, 'data'), this.#closed]);
    }
    return this.#received;
  }

  /** Everything received until the connection was closed. */
  async untilClosed(): Promise<string> {
    await this.#closed;
    return this.#received;
  }

  /** Is gone, without a word. */
  vanish(): void {
    this.socket.resetAndDestroy();
  }
}

/** The status of the last answer in what was received; 0 if there is none. */
export function statusOf(received: string): number {
  const all = Array.from(received.matchAll(/HTTP\/1\.1 (\d+) /g), ([, status]) => Number(status));
  return all.at(-1) ?? 0;
}
