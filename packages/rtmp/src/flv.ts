import type { ByteCursor, Parser } from './byte-cursor.ts';
import { type Encoded, PieceWriter, type RelayMessage, timeFrom } from './batch.ts';
import { ProtocolError } from './errors.ts';
import { type Message, MessageType } from './message.ts';
import type { Track } from './metadata.ts';

/** E.4.1 of the FLV specification: type, size, time and stream id. */
const TAG_HEADER_BYTES = 11;
/** The size of the tag before, behind each tag. */
const BACK_POINTER_BYTES = 4;
const TAG_TYPES = { audio: 8, video: 9, data: 18 } as const satisfies Record<RelayMessage['kind'], number>;

/** What an FLV stream begins with: the header that announces audio and video, and the size of no tag before. */
export const FLV_HEADER = Buffer.from('464c5601050000000900000000', 'hex');
const FLAGS_OFFSET = 4;
const AUDIO_FLAG = 4;
const VIDEO_FLAG = 1;

/**
 * The header of a stream with these tracks: E.2 of the FLV specification. Players wait for all that it announces, and play
 * nothing if that is neither; so both are, while nothing is known.
 */
export function flvHeader(tracks: readonly Pick<Track, 'kind'>[]): Buffer {
  const header = Buffer.from(FLV_HEADER);
  const has = (kind: Track['kind']) => tracks.some((track) => track.kind === kind);
  if (tracks.length > 0)
    header[FLAGS_OFFSET] = (has('audio') ? AUDIO_FLAG : 0) | (has('video') ? VIDEO_FLAG : 0);
  return header;
}

interface TagHeader {
  type: number;
  size: number;
  /** Milliseconds modulo 2^32. */
  timestamp: number;
}

/** Reads the header of a tag; there must be 11 bytes. */
function readTagHeader(bytes: Buffer, offset: number): TagHeader {
  return {
    type: bytes.readUInt8(offset) & 0x1f,
    size: bytes.readUIntBE(offset + 1, 3),
    timestamp: (bytes.readUIntBE(offset + 4, 3) | (bytes.readUInt8(offset + 7) << 24)) >>> 0,
  };
}

/** The messages in an aggregate, on its timeline: RTMP 1.0 §7.1.6. What is cut off is left out. */
export function splitAggregate({ body, timestamp, streamId }: Message): Message[] {
  const messages: Message[] = [];
  let first: number | undefined;
  for (let position = 0; position + TAG_HEADER_BYTES <= body.length;) {
    const tag = readTagHeader(body, position);
    const start = position + TAG_HEADER_BYTES;
    const end = start + tag.size;
    if (end > body.length) break;
    first ??= tag.timestamp;
    if (tag.type !== MessageType.aggregate) {
      messages.push({
        type: tag.type,
        timestamp: (timestamp + tag.timestamp - first) >>> 0,
        streamId,
        body: body.subarray(start, end),
      });
    }
    position = end + BACK_POINTER_BYTES;
  }
  return messages;
}

/** Messages as FLV tags. */
export function encodeFlv(messages: readonly RelayMessage[], base: number): Encoded {
  const pieces = new PieceWriter(messages, () => TAG_HEADER_BYTES + BACK_POINTER_BYTES);
  for (const message of messages) {
    const { kind, body } = message;
    pieces.position = writeTagHeader(pieces.target, pieces.position, {
      type: TAG_TYPES[kind],
      size: body.length,
      timestamp: timeFrom(base, message),
    });
    pieces.body(body);
    pieces.position = pieces.target.writeUInt32BE(TAG_HEADER_BYTES + body.length, pieces.position);
  }
  return pieces.end();
}

function writeTagHeader(target: Buffer, offset: number, { type, size, timestamp }: TagHeader): number {
  target.writeUInt8(type, offset);
  target.writeUIntBE(size, offset + 1, 3);
  target.writeUIntBE(timestamp % 0x100_0000, offset + 4, 3);
  target.writeUInt8(timestamp >>> 24, offset + 7);
  return target.writeUIntBE(0, offset + 8, 3);
}

/** One tag with all around it, for files. */
export function serializeFlvTag({ type, timestamp, body }: Omit<Message, 'streamId'>): Buffer {
  const tag = Buffer.allocUnsafe(TAG_HEADER_BYTES + body.length + BACK_POINTER_BYTES);
  const start = writeTagHeader(tag, 0, { type, size: body.length, timestamp });
  body.copy(tag, start);
  tag.writeUInt32BE(TAG_HEADER_BYTES + body.length, start + body.length);
  return tag;
}

/**
 * Reads an FLV stream without end; throws a {@link ProtocolError} if it is none.
 *
 * @param maxTagBytes - a larger tag is an error
 */
export function* readFlv(
  input: ByteCursor,
  onMessage: (message: Message) => void,
  maxTagBytes: number,
): Parser {
  while (!input.has(9)) yield;
  const head = input.view(9);
  if (head.toString('latin1', 0, 3) !== 'FLV') throw new ProtocolError('not FLV');
  const skipped = head.readUInt32BE(5) - 9 + BACK_POINTER_BYTES;
  if (skipped < BACK_POINTER_BYTES || skipped > 1024) throw new ProtocolError('FLV: wrong header size');
  yield* input.skip(skipped);
  for (;;) {
    while (!input.has(TAG_HEADER_BYTES)) yield;
    const tag = readTagHeader(input.view(TAG_HEADER_BYTES), 0);
    if (tag.size > maxTagBytes) throw new ProtocolError(`FLV: tag of ${tag.size} bytes`);
    const body = yield* input.collect(tag.size);
    yield* input.skip(BACK_POINTER_BYTES);
    onMessage({ type: tag.type, timestamp: tag.timestamp, streamId: 0, body });
  }
}
