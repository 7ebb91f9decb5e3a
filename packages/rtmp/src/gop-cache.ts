import type { RelayMessage } from './batch.ts';

/** What a message takes besides its body: frames may be tiny, and what holds them is not. */
const MESSAGE_BYTES = 256;

export interface GopLimits {
  /** Bytes of the messages kept, and of what holds them. */
  gopBytes: number;
  /** From the first message kept to the last, in milliseconds. */
  gopMs: number;
  /** How much sound is kept of a stream without picture, in milliseconds. */
  audioMs: number;
}

/** What a new subscriber begins with: everything since the last key frame, or the last moment of sound. */
export class GopCache {
  readonly #limits: GopLimits;
  #messages: RelayMessage[] = [];
  #headers: readonly RelayMessage[] = [];
  #bytes = 0;
  #hasKeyFrame = false;

  constructor(limits: GopLimits) {
    this.#limits = limits;
  }

  /** Whether a picture can be shown at once. */
  get hasKeyFrame(): boolean {
    return this.#hasKeyFrame;
  }

  get messages(): readonly RelayMessage[] {
    return this.#messages;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The headers that were valid when the first message came; later ones are among the messages. */
  get headers(): readonly RelayMessage[] {
    return this.#headers;
  }

  /** Takes a message in, with the headers that are valid before it. */
  add(message: RelayMessage, headers: readonly RelayMessage[]): void {
    if (message.role === 'key') {
      this.clear();
      this.#hasKeyFrame = true;
    } else if (!this.#hasKeyFrame) {
      this.#addSound(message, headers);
      return;
    }
    if (this.#messages.length === 0) this.#headers = headers;
    this.#push(message);
    const first = this.#messages[0] ?? message;
    if (this.#isFull || message.time - first.time > this.#limits.gopMs) this.clear();
  }

  clear(): void {
    this.#messages = [];
    this.#headers = [];
    this.#bytes = 0;
    this.#hasKeyFrame = false;
  }

  #addSound(message: RelayMessage, headers: readonly RelayMessage[]): void {
    if (message.role === 'header') {
      // What was encoded otherwise is of no use any more.
      if (message.kind === 'audio') this.clear();
      return;
    }
    if (message.kind !== 'audio') return;
    this.#headers = headers;
    this.#push(message);
    let first = this.#messages[0];
    while (first && (message.time - first.time > this.#limits.audioMs || this.#isFull)) {
      this.#messages.shift();
      this.#bytes -= first.body.length;
      first = this.#messages[0];
    }
  }

  get #isFull(): boolean {
    return this.#bytes + this.#messages.length * MESSAGE_BYTES > this.#limits.gopBytes;
  }

  #push(message: RelayMessage): void {
    this.#messages.push(message);
    this.#bytes += message.body.length;
  }
}
