import { cutBody } from './chunk-writer.ts';
import type { MediaRole } from './media.ts';

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
 * kept for the next one who asks.
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
    }
    return this.#encoded;
  }
}

/** The time of a message for a subscriber, for whom nothing is before 0. */
export function timeFrom(base: number, message: RelayMessage): number {
  return Math.max(0, message.time - base) % 2 ** 32;
}
