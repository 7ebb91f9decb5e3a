// Plays one stream many times and counts the bytes, at less cost than any server's. Arguments: port, number of players.
// Sends when each got its first frame, and then, whenever asked, what each has received.
import { connect } from 'node:net';
import { ByteCursor, MessageType, serializeAmf0 } from '@millrace/rtmp';
import { ChunkReader } from '../packages/rtmp/src/chunk-reader.ts';
import { serializeMessage } from '../packages/rtmp/src/chunk-writer.ts';

const [port, count] = process.argv.slice(2).map(Number) as [number, number];
const GOP_MS = 2_000;
const SAMPLES = 40;
const HANDSHAKE_BYTES = 1 + 2 * 1536;
const SHARED = Buffer.allocUnsafe(1024 * 1024);

const command = (streamId: number, ...values: Parameters<typeof serializeAmf0>[0]) =>
  serializeMessage({ chunkStreamId: 3, type: MessageType.command, streamId }, 0, serializeAmf0(values));
const hello = Buffer.alloc(1 + 1536);
hello[0] = 3;
const CONNECT = command(0, 'connect', 1, { app: 'live', tcUrl: `rtmp://127.0.0.1:${port}/live` });
const PLAY = Buffer.concat([
  command(0, 'createStream', 2, null),
  command(1, 'play', 3, null, 'stream0', -2000),
]);

class Player {
  received = 0;
  /** Milliseconds from connecting to the first frame. */
  readonly firstFrame: Promise<number>;

  constructor() {
    const started = performance.now();
    this.firstFrame = new Promise((resolve) => {
      const input = new ByteCursor();
      const reader = new ChunkReader(
        ({ type, body }) => {
          if (type === MessageType.command && !this.#isAsking) {
            this.#isAsking = true;
            socket.write(PLAY);
          }
          if (type === MessageType.video && body.length > 1000 && !this.#hasFrame) {
            this.#hasFrame = true;
            resolve(performance.now() - started);
          }
        },
        { mediaMessageBytes: 1e7, dataMessageBytes: 1e7, partialBytes: 1e7, chunkStreams: 64 },
      );
      const parser = reader.read(input);
      parser.next();
      const socket = connect({
        port,
        host: '127.0.0.1',
        onread: {
          buffer: SHARED,
          callback: (size) => {
            const before = this.received;
            this.received += size;
            if (this.#hasFrame) return true;
            if (before === 0) socket.write(Buffer.concat([Buffer.alloc(1536), CONNECT]));
            const begin = Math.min(size, Math.max(0, HANDSHAKE_BYTES - before));
            input.push(Buffer.from(SHARED.subarray(begin, size)));
            parser.next();
            return true;
          },
        },
      });
      socket.on('close', () => {
        throw new Error('a player was closed');
      });
      socket.write(hello);
    });
  }

  #hasFrame = false;
  #isAsking = false;
}

const players = Array.from({ length: count }, () => new Player());
process.send?.(await Promise.all(players.map((player) => player.firstFrame)));
process.on('message', () => {
  void meanReceived().then((means) => process.send?.(means));
});
process.once('disconnect', () => process.exit());

/** The mean over one GOP, since at any one moment some have just got a key frame and others are about to. */
async function meanReceived(): Promise<number[]> {
  const sums = players.map(() => 0);
  for (let i = 0; i < SAMPLES; i++) {
    players.forEach((player, j) => (sums[j] = (sums[j] ?? 0) + player.received));
    await new Promise((resolve) => setTimeout(resolve, GOP_MS / SAMPLES));
  }
  return sums.map((sum) => sum / SAMPLES);
}
