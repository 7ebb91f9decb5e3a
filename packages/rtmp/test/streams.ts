import type { Encoded } from '../src/batch.ts';
import { CHUNK_SIZE, serializeMessage } from '../src/chunk-writer.ts';
import { encodeRtmp } from '../src/encode.ts';
import { parseAmf0, serializeAmf0, type AmfInput } from '../src/amf0.ts';
import { type Message, MessageType, u32 } from '../src/message.ts';
import type { Sink } from '../src/subscription.ts';
import { readChunks } from './feed.ts';

const hex = (text: string) => Buffer.from(text.replace(/\s/g, ''), 'hex');
const message = (type: number, timestamp: number, body: Buffer): Message => ({
  type,
  timestamp,
  streamId: 1,
  body,
});

/** H.264, 320 × 240. */
export const AVC_HEADER = hex('17 00 000000 01 42c01e ff e1 0000 01 0000');
export const AAC_HEADER = hex('af 00 1210');

export const videoHeader = (body = AVC_HEADER) => message(MessageType.video, 0, body);
export const audioHeader = (body = AAC_HEADER) => message(MessageType.audio, 0, body);
export const keyFrame = (timestamp: number, size = 20) => video('17', timestamp, size);
export const frame = (timestamp: number, size = 10) => video('27', timestamp, size);
export const sound = (timestamp: number, size = 5) =>
  message(MessageType.audio, timestamp, Buffer.concat([hex('af 01'), Buffer.alloc(size, timestamp)]));
export const metadata = (properties: Record<string, AmfInput>, ...first: string[]) =>
  message(MessageType.data, 0, serializeAmf0([...first, 'onMetaData', properties]));

function video(first: string, timestamp: number, size: number): Message {
  return message(
    MessageType.video,
    timestamp,
    Buffer.concat([hex(`${first} 01 000000`), Buffer.alloc(size, timestamp)]),
  );
}

/** A subscriber that keeps what it gets. */
export class TestSink implements Sink {
  readonly encoder = encodeRtmp;
  backlog = 0;
  closedReason: string | undefined;
  /** How often something was sent. */
  sends = 0;
  #pieces: Buffer[] = [];

  send({ pieces, bytes }: Encoded): void {
    this.sends++;
    const size = pieces.reduce((sum, piece) => sum + piece.length, 0);
    if (size !== bytes) throw new Error(`${bytes} bytes announced, ${size} sent`);
    this.#pieces.push(...pieces);
  }

  relayClosed(reason: string): void {
    this.closedReason = reason;
  }

  /** The messages since the last time. */
  take(): Message[] {
    const chunkSize = serializeMessage(
      { type: MessageType.setChunkSize, chunkStreamId: 2, streamId: 0 },
      0,
      u32(CHUNK_SIZE),
    );
    const bytes = Buffer.concat([chunkSize, ...this.#pieces]);
    this.#pieces = [];
    return readChunks([bytes]);
  }

  /** The messages since the last time in short: `V0` is a video header, `v12 key` a key frame at 12 ms. */
  takeShort(): string[] {
    return this.take().map(short);
  }
}

/** A message in short. */
export function short({ type, timestamp, body }: Message): string {
  if (type === MessageType.data) return `${parseAmf0(body)[0] as string} ${timestamp}`;
  const kind = type === MessageType.video ? 'video' : 'audio';
  if (body[1] === 0) return `${kind} header ${timestamp}`;
  return `${type === MessageType.video && body[0] === 0x17 ? 'key' : kind} ${timestamp}`;
}
