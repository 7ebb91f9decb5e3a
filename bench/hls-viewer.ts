import { once } from 'node:events';
import { type Socket, connect } from 'node:net';

/** A viewer of HLS in the memory filesystem, on one connection. Speaks HTTP by hand: a library costs more than the servers. */
export class HlsViewer {
  readonly #socket: Socket;
  readonly #query: string;

  private constructor(socket: Socket, query: string) {
    this.#socket = socket;
    this.#query = query;
  }

  /** Connects, and learns its id if it gets one. */
  static async open(port: number): Promise<HlsViewer> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    await once(socket, 'connect');
    const answer = await new HlsViewer(socket, '').#load('live.m3u8');
    return new HlsViewer(socket, /\?session=\w{22}/.exec(answer)?.[0] ?? '');
  }

  /** Loads the playlist and a segment until the deadline, and closes. Resolves with how many of both it got. */
  async watch(deadline: number): Promise<number> {
    let loads = 0;
    for (; performance.now() < deadline; loads++) {
      await this.#load(`live.m3u8${this.#query}`);
      await this.#load(`live_0000.ts${this.#query}`);
    }
    this.#socket.destroy();
    return loads;
  }

  /** The beginning of the answer, once all of it is there. */
  #load(name: string): Promise<string> {
    return new Promise((resolve, reject) => {
      let start = '';
      let missing = -1;
      const onData = (chunk: Buffer) => {
        if (missing < 0) {
          start = chunk.toString('latin1', 0, 2048);
          const end = start.indexOf('\r\n\r\n');
          const length = /\r\ncontent-length: (\d+)/i.exec(start)?.[1];
          if (!start.startsWith('HTTP/1.1 200') || end === -1 || length === undefined) {
            reject(new Error(`unexpected answer: ${start}`));
            return;
          }
          missing = end + 4 + Number(length);
        }
        missing -= chunk.length;
        if (missing > 0) return;
        this.#socket.off('data', onData);
        resolve(start);
      };
      this.#socket.on('data', onData);
      this.#socket.write(`GET /memfs/${name} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`);
    });
  }
}
