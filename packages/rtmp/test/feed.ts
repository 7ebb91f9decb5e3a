import { ByteCursor } from '../src/byte-cursor.ts';
import { ChunkReader, type ChunkReaderLimits } from '../src/chunk-reader.ts';
import { DEFAULT_LIMITS } from '../src/limits.ts';
import type { Message } from '../src/message.ts';

export const READER_LIMITS: ChunkReaderLimits = {
  mediaMessageBytes: DEFAULT_LIMITS.mediaMessageBytes,
  dataMessageBytes: DEFAULT_LIMITS.dataMessageBytes,
  partialBytes: DEFAULT_LIMITS.partialBytes,
  chunkStreams: DEFAULT_LIMITS.chunkStreams,
};

/** The ways in which bytes may arrive, by the size of the pieces. */
export const PIECE_SIZES = [1, 2, 3, 7, 127, 4096, Infinity];

/** Cuts bytes into pieces of one size, each in memory of its own. */
export function cut(bytes: Buffer, size: number): Buffer[] {
  const pieces: Buffer[] = [];
  for (let start = 0; start < bytes.length; start += size) {
    pieces.push(Buffer.from(bytes.subarray(start, start + size)));
  }
  return pieces;
}

/** What a reader makes of pieces of bytes. Each piece is overwritten when the reader is done with it. */
export function readChunks(pieces: Buffer[], limits: Partial<ChunkReaderLimits> = {}): Message[] {
  const messages: Message[] = [];
  const input = new ByteCursor();
  const parser = new ChunkReader(
    (message) => {
      messages.push({ ...message, body: Buffer.from(message.body) });
    },
    { ...READER_LIMITS, ...limits },
  ).read(input);
  parser.next();
  for (const piece of pieces) {
    input.push(piece);
    parser.next();
    piece.fill(0xee);
  }
  return messages;
}

/** How a sender puts messages into chunks. */
export interface Sender {
  chunkSize: number;
  /** Whether it repeats an extended timestamp before the rest of a message. Old librtmp does not. */
  repeatsExtended: boolean;
}

export interface SentMessage extends Message {
  chunkStreamId: number;
}

/** Chunks of messages one after the other, each with a whole header. */
export function writeChunks(messages: SentMessage[], { chunkSize, repeatsExtended }: Sender): Buffer {
  return Buffer.concat(messages.flatMap((message) => writeMessage(message, chunkSize, repeatsExtended)));
}

function writeMessage(message: SentMessage, chunkSize: number, repeatsExtended: boolean): Buffer[] {
  const { chunkStreamId, timestamp, type, streamId, body } = message;
  const isExtended = timestamp >= 0xff_ffff;
  const extended = Buffer.alloc(isExtended ? 4 : 0);
  if (isExtended) extended.writeUInt32BE(timestamp);
  const header = Buffer.alloc(11);
  header.writeUIntBE(isExtended ? 0xff_ffff : timestamp, 0, 3);
  header.writeUIntBE(body.length, 3, 3);
  header.writeUInt8(type, 6);
  header.writeUInt32LE(streamId, 7);
  const pieces = [basicHeader(0, chunkStreamId), header, extended, body.subarray(0, chunkSize)];
  for (let start = chunkSize; start < body.length; start += chunkSize) {
    pieces.push(basicHeader(3, chunkStreamId));
    if (repeatsExtended) pieces.push(extended);
    pieces.push(body.subarray(start, start + chunkSize));
  }
  return pieces;
}

/** RTMP 1.0 §5.3.1.1 */
export function basicHeader(format: number, id: number): Buffer {
  if (id < 64) return Buffer.of((format << 6) | id);
  if (id < 320) return Buffer.of(format << 6, id - 64);
  return Buffer.of((format << 6) | 1, (id - 64) & 0xff, (id - 64) >> 8);
}

/** A generator of numbers from 0 up to 1, the same ones for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Bytes with some of them changed, left out, or put twice. */
export function mutate(bytes: Buffer, random: () => number): Buffer {
  let mutated = Buffer.from(bytes);
  const changes = 1 + Math.floor(random() * 8);
  for (let i = 0; i < changes && mutated.length > 0; i++) {
    const at = Math.floor(random() * mutated.length);
    const length = 1 + Math.floor(random() * 16);
    switch (Math.floor(random() * 5)) {
      case 0:
        mutated[at] = Math.floor(random() * 256);
        break;
      case 1:
        mutated[at] = (mutated[at] ?? 0) ^ (1 << Math.floor(random() * 8));
        break;
      case 2:
        mutated = Buffer.concat([mutated.subarray(0, at), mutated.subarray(at + length)]);
        break;
      case 3:
        mutated = Buffer.concat([mutated.subarray(0, at + length), mutated.subarray(at)]);
        break;
      default:
        mutated.fill(random() < 0.5 ? 0xff : 0, at, Math.min(at + 4, mutated.length));
    }
  }
  return mutated;
}
