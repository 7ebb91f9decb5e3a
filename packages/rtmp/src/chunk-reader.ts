import { type ByteCursor, type Parser, grown } from './byte-cursor.ts';
import { ProtocolError } from './errors.ts';
import { MessageType, type Message } from './message.ts';

/** Chunk size until a peer sets another: RTMP 1.0 §5.4.1. */
export const DEFAULT_CHUNK_SIZE = 128;
const MAX_CHUNK_SIZE = 0xff_ffff;
const EXTENDED = 0xff_ffff;
const HEADER_BYTES = [11, 7, 3, 0] as const;
/** From here on a body is kept where it was received; a smaller one would hold too much else in memory. */
const VIEW_FROM_BYTES = 16_384;
const NOTHING = Buffer.alloc(0);

export interface ChunkReaderLimits {
  /** Bytes of one audio or video message. */
  mediaMessageBytes: number;
  /** Bytes of any other message. May change while reading. */
  dataMessageBytes: number;
  /** Bytes of all incomplete messages together. */
  partialBytes: number;
  chunkStreams: number;
}

/** What the headers of a chunk stream inherit from each other, and the message that is under way on it. */
interface ChunkStream {
  timestamp: number;
  delta: number;
  /** The extended timestamp as it was sent, if the last header had one. */
  extended: number | undefined;
  length: number;
  type: number;
  streamId: number;
  body: Buffer;
  filled: number;
}

/** Puts messages together from the chunks of a peer: RTMP 1.0 §5.3. */
export class ChunkReader {
  readonly #onMessage: (message: Message) => void;
  readonly #limits: ChunkReaderLimits;
  readonly #streams = new Map<number, ChunkStream>();
  #chunkSize = DEFAULT_CHUNK_SIZE;
  #partialBytes = 0;

  /** The limits are read anew for each message. */
  constructor(onMessage: (message: Message) => void, limits: ChunkReaderLimits) {
    this.#onMessage = onMessage;
    this.#limits = limits;
  }

  /** Reads chunks without end; throws a {@link ProtocolError}. */
  *read(input: ByteCursor): Parser {
    for (;;) {
      while (!input.has(1)) yield;
      const first = input.u8();
      let id = first & 0x3f;
      if (id < 2) {
        const size = id + 1;
        while (!input.has(size)) yield;
        id = 64 + input.u8() + (size === 2 ? 256 * input.u8() : 0);
      }
      const format = (first >> 6) as 0 | 1 | 2 | 3;
      const stream = this.#stream(id, format);

      if (format !== 3) {
        while (!input.has(HEADER_BYTES[format])) yield;
        this.#drop(stream);
        let time = input.u24();
        if (format !== 2) {
          stream.length = input.u24();
          stream.type = input.u8();
          if (format === 0) stream.streamId = input.u32LittleEndian();
        }
        stream.extended = undefined;
        if (time === EXTENDED) {
          while (!input.has(4)) yield;
          time = input.u32();
          stream.extended = time;
        }
        // A later header without a time repeats the delta, but not an absolute time, whatever the text says.
        stream.delta = format === 0 ? 0 : time;
        stream.timestamp = format === 0 ? time : (stream.timestamp + time) >>> 0;
        this.#begin(stream);
      } else {
        if (stream.extended !== undefined) yield* skipRepeated(input, stream.extended);
        if (stream.filled === 0) {
          stream.timestamp = (stream.timestamp + stream.delta) >>> 0;
          this.#begin(stream);
        }
      }

      const size = Math.min(this.#chunkSize, stream.length - stream.filled);
      if (size === stream.length && size >= VIEW_FROM_BYTES && input.has(1) && input.available >= size) {
        stream.body = input.view(size);
        stream.filled = size;
        this.#partialBytes += size;
      } else {
        for (let missing = size; missing > 0;) {
          while (!input.has(1)) yield;
          missing -= this.#append(stream, input, missing);
        }
      }
      if (stream.filled === stream.length) this.#complete(stream);
    }
  }

  #stream(id: number, format: number): ChunkStream {
    const known = this.#streams.get(id);
    if (known) return known;
    if (format !== 0) throw new ProtocolError(`chunk stream ${id} begins without a whole header`);
    if (this.#streams.size >= this.#limits.chunkStreams) throw new ProtocolError('too many chunk streams');
    const stream = {
      timestamp: 0,
      delta: 0,
      extended: undefined,
      length: 0,
      type: 0,
      streamId: 0,
      body: NOTHING,
      filled: 0,
    };
    this.#streams.set(id, stream);
    return stream;
  }

  #begin(stream: ChunkStream): void {
    const isMedia = stream.type === MessageType.audio || stream.type === MessageType.video;
    const limit =
      isMedia || stream.type === MessageType.aggregate
        ? this.#limits.mediaMessageBytes
        : this.#limits.dataMessageBytes;
    if (stream.length > limit) {
      throw new ProtocolError(
        `message of type ${stream.type} has ${stream.length} bytes, at most ${limit} are taken`,
      );
    }
  }

  /** Takes what is there of a chunk, at most `missing` bytes, into a body that grows with what was received. */
  #append(stream: ChunkStream, input: ByteCursor, missing: number): number {
    const count = Math.min(missing, input.available);
    const filled = stream.filled + count;
    stream.body = grown(stream.body, stream.filled, filled, stream.length);
    input.bytes.copy(stream.body, stream.filled, input.position, input.position + count);
    input.position += count;
    stream.filled = filled;
    this.#partialBytes += count;
    if (this.#partialBytes > this.#limits.partialBytes)
      throw new ProtocolError('too much in incomplete messages');
    return count;
  }

  #complete(stream: ChunkStream): void {
    const { type, timestamp, streamId, body } = stream;
    this.#drop(stream);
    if (type === MessageType.setChunkSize) {
      this.#setChunkSize(body);
    } else if (type === MessageType.abort) {
      const aborted = body.length >= 4 ? this.#streams.get(body.readUInt32BE()) : undefined;
      if (aborted) this.#drop(aborted);
    } else {
      this.#onMessage({ type, timestamp, streamId, body });
    }
  }

  #setChunkSize(body: Buffer): void {
    const size = body.length >= 4 ? body.readUInt32BE() : 0;
    if (size < 1 || size > 0x7fff_ffff) throw new ProtocolError(`chunk size ${size}`);
    // No message is longer than the largest length that a header can say.
    this.#chunkSize = Math.min(size, MAX_CHUNK_SIZE);
  }

  /** Forgets the message under way, which a new header or an abort message cut off. */
  #drop(stream: ChunkStream): void {
    this.#partialBytes -= stream.filled;
    stream.body = NOTHING;
    stream.filled = 0;
  }
}

/**
 * Passes over an extended timestamp that is repeated before the rest of a message.
 *
 * Most senders repeat it, old ones do not: bytes that differ are the message going on. Compared one by one, since what
 * is left of the message, and all that the peer sends for now, may be shorter than a timestamp.
 */
function* skipRepeated(input: ByteCursor, extended: number): Parser {
  for (let i = 0; i < 4; i++) {
    while (!input.has(i + 1)) yield;
    if (input.peek(i) !== ((extended >>> (24 - 8 * i)) & 0xff)) return;
  }
  input.position += 4;
}
