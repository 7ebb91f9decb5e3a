// Publishes made-up H.264 and AAC, in time. Arguments: port, number of streams, kbit/s of each. Sends how many streams
// the server took, when it has all or the time to start them is over.
import { MessageType, openClient, serializeAmf0 } from '@millrace/rtmp';

const [port, streams, kilobits] = process.argv.slice(2).map(Number) as [number, number, number];
const FRAMES_PER_SECOND = 30;
const AUDIO_PER_SECOND = 1000 / 21.333;
const KEY_FRAME_EVERY = 60;
/** A key frame is so many times as large as another. */
const KEY_FRAME_WEIGHT = 8;
const TICK_MS = 8;
const AT_A_TIME = 50;
const START_WITHIN_MS = 30_000;

const total = (kilobits * 1000) / 8;
const audioSize = Math.round((total * 0.04) / AUDIO_PER_SECOND);
const frameSize = Math.round(
  (total * 0.96 * KEY_FRAME_EVERY) / FRAMES_PER_SECOND / (KEY_FRAME_EVERY - 1 + KEY_FRAME_WEIGHT),
);

const VIDEO_HEADER = Buffer.from(
  '17000000000142c01effe1001a6742c01ed900a02ff9610000030001000003003c8f162e4801000568cb83cb20',
  'hex',
);
const AUDIO_HEADER = Buffer.from('af001190', 'hex');
const METADATA = serializeAmf0([
  '@setDataFrame',
  'onMetaData',
  { width: 640, height: 360, videocodecid: 7, audiocodecid: 10, framerate: FRAMES_PER_SECOND },
]);
const body = (head: string, size: number) =>
  Buffer.concat([Buffer.from(head, 'hex'), Buffer.alloc(size, 0x5a)]);
const KEY_FRAME = body('1701000000', frameSize * KEY_FRAME_WEIGHT);
const FRAME = body('2701000000', frameSize);
const SOUND = body('af01', audioSize);

class Stream {
  readonly #connection;
  readonly #name;
  #frames = 0;
  #sounds = 0;
  #startedAt = 0;

  constructor(index: number) {
    const { connection, name } = openClient(`rtmp://127.0.0.1:${port}/live/stream${index}`, {
      limits: { setupMs: START_WITHIN_MS, writeStallMs: 2 * START_WITHIN_MS },
    });
    this.#connection = connection;
    this.#name = name;
    connection.once('closed', () => running.delete(this));
  }

  async start(): Promise<void> {
    await this.#connection.publish(this.#name);
    this.#connection.send({ type: MessageType.data, timestamp: 0, body: METADATA });
    this.#connection.send({ type: MessageType.video, timestamp: 0, body: VIDEO_HEADER });
    this.#connection.send({ type: MessageType.audio, timestamp: 0, body: AUDIO_HEADER });
    this.#startedAt = performance.now();
    running.add(this);
  }

  /** Sends what is due, as an encoder that is behind by no more than its clock. */
  tick(now: number): void {
    const elapsed = now - this.#startedAt;
    for (;;) {
      const video = (this.#frames * 1000) / FRAMES_PER_SECOND;
      const audio = (this.#sounds * 1000) / AUDIO_PER_SECOND;
      if (Math.min(video, audio) > elapsed) return;
      if (video <= audio) {
        const frame = this.#frames++ % KEY_FRAME_EVERY === 0 ? KEY_FRAME : FRAME;
        this.#connection.send({ type: MessageType.video, timestamp: Math.round(video), body: frame });
      } else {
        this.#sounds++;
        this.#connection.send({ type: MessageType.audio, timestamp: Math.round(audio), body: SOUND });
      }
    }
  }
}

const running = new Set<Stream>();
setInterval(() => {
  const now = performance.now();
  for (const stream of running) stream.tick(now);
}, TICK_MS);

let started = 0;
const startSome = async () => {
  while (started < streams) await new Stream(started++).start();
};
await Promise.race([
  Promise.allSettled(Array.from({ length: AT_A_TIME }, startSome)),
  new Promise((resolve) => setTimeout(resolve, START_WITHIN_MS)),
]);
process.send?.(running.size);
process.once('disconnect', () => process.exit());
