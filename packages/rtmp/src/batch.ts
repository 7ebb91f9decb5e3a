import { cutBody } from './chunk-writer.ts';
import type { MediaRole } from './media.ts';

/** Copying so much costs less than to write one piece more. */
const COPY_BYTES = 2_048;
/** Above, what several subscribers get is not copied into one piece for them. */
const JOIN_BYTES = 1024 * 1024;

/** A message on its way from a publisher to its subscribers, who share its bytes. */
export interface RelayMessage {
  readonly kind: 'audio' | 'video' | 'data';
  readonly role: MediaRole;
  /** Milliseconds on the publisher's timeline. */
  readonly time: number;
  readonly body: Buffer;
  /** The body cut at the chunk size. */
  readonly parts: readonly Buffer[];
}

export function relayMessage(
  kind: RelayMessage['kind'],
  role: MediaRole,
  time: number,
  body: Buffer,
): RelayMessage {
  return { kind, role, time, body, parts: cutBody(body) };
}

/** Bytes ready to be written, in pieces. */
export interface Encoded {
  readonly pieces: readonly Buffer[];
  readonly bytes: number;
}

/** Puts messages into the form of a protocol, with times that begin at `base`. Must share the bodies, not copy them. */
export type Encoder = (messages: readonly RelayMessage[], base: number) => Encoded;

/**
 * Messages that go to many subscribers at once.
 *
 * Subscribers who came with the same key frame have the same times and get the very same bytes, so the last encoding is
 * kept for the next one who asks, and becomes one piece then.
 */
export class Batch {
  readonly messages: readonly RelayMessage[];
  readonly hasVideo: boolean;
  #encoder: Encoder | undefined;
  #base = 0;
  #encoded: Encoded = { pieces: [], bytes: 0 };

  constructor(messages: readonly RelayMessage[]) {
    this.messages = messages;
    this.hasVideo = messages.some(({ kind }) => kind === 'video');
  }

  encode(encoder: Encoder, base: number): Encoded {
    if (this.#encoder !== encoder || this.#base !== base) {
      this.#encoded = encoder(this.messages, base);
      this.#encoder = encoder;
      this.#base = base;
    } else if (this.#encoded.pieces.length > 1 && this.#encoded.bytes <= JOIN_BYTES) {
      this.#encoded = {
        pieces: [Buffer.concat(this.#encoded.pieces, this.#encoded.bytes)],
        bytes: this.#encoded.bytes,
      };
    }
    return this.#encoded;
  }
}

/**
 * Lays headers, and bodies so small that a copy costs less than a piece, out in one allocation; larger bodies are pieces
 * of their own, shared between all who get them.
 */
export class PieceWriter {
  /** Where headers are to be written, at `position`. */
  readonly target: Buffer;
  position = 0;
  readonly #pieces: Buffer[] = [];
  #start = 0;
  #bytes = 0;

  /** @param overhead - the bytes of a message besides its body */
  constructor(messages: readonly RelayMessage[], overhead: (message: RelayMessage) => number) {
    let size = 0;
    for (const message of messages) {
      size += overhead(message) + (message.body.length <= COPY_BYTES ? message.body.length : 0);
    }
    this.target = Buffer.allocUnsafe(size);
  }

  /** Adds a part of a body. A body is cut only if it is large. */
  body(part: Buffer, whole = part): void {
    if (whole.length <= COPY_BYTES) {
      this.position += part.copy(this.target, this.position);
      return;
    }
    this.#cut();
    this.#pieces.push(part);
    this.#bytes += part.length;
  }

  end(): Encoded {
    this.#cut();
    return { pieces: this.#pieces, bytes: this.#bytes + this.position };
  }

  #cut(): void {
    if (this.position === this.#start) return;
    this.#pieces.push(this.target.subarray(this.#start, this.position));
    this.#start = this.position;
  }
}

/** The time of a message for a subscriber, for whom nothing is before 0. */
export function timeFrom(base: number, message: RelayMessage): number {
  return Math.max(0, message.time - base) % 2 ** 32;
}
