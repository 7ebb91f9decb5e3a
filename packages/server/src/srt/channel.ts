import { TS_PACKET_BYTES } from './mpeg-ts.ts';
import { StartPoint } from './start-point.ts';

/** Who takes a stream. */
export interface Subscriber {
  /** Bytes that one packet can carry to it. */
  readonly maxPayload: number;
  send(payload: Buffer): boolean;
  /** Says good-bye. */
  close(): void;
}

/** How long a subscriber waits for a key frame, in milliseconds. Encoders make one every 10 seconds, if not more often. */
const START_TIMEOUT = 15_000;

/**
 * A stream and those who take it. They get what is published payload by payload, as it is, from the next point on at which a
 * player can begin, and the tables of a transport stream before that.
 */
export class Channel<Peer extends Subscriber> {
  readonly #start = new StartPoint();
  /** With the time until which each waits for a start. */
  readonly #waiting = new Map<Peer, number>();
  readonly #playing = new Set<Peer>();
  #isClosed = false;

  get subscribers(): Peer[] {
    return [...this.#playing, ...this.#waiting.keys()];
  }

  add(subscriber: Peer): void {
    if (this.#isClosed) subscriber.close();
    else this.#waiting.set(subscriber, performance.now() + START_TIMEOUT);
  }

  remove(subscriber: Peer): void {
    this.#waiting.delete(subscriber);
    this.#playing.delete(subscriber);
  }

  /** Passes on what the publisher sent. The payload must not change any more. */
  relay(payload: Buffer): void {
    const start = this.#start.read(payload);
    for (const subscriber of this.#playing) send(subscriber, payload);
    if (this.#waiting.size > 0) this.#begin(payload, start);
  }

  /** The publisher is gone: nobody waits for what does not come. */
  close(): void {
    this.#isClosed = true;
    for (const subscriber of this.subscribers) subscriber.close();
  }

  #begin(payload: Buffer, start: Buffer | undefined): void {
    const now = performance.now();
    let opening: Buffer | undefined;
    for (const [subscriber, deadline] of this.#waiting) {
      if (start === undefined && now < deadline) continue;
      this.#waiting.delete(subscriber);
      this.#playing.add(subscriber);
      opening ??= Buffer.concat([this.#start.tables, start ?? payload]);
      for (const part of cut(opening, Math.max(payload.length, TS_PACKET_BYTES))) send(subscriber, part);
    }
  }
}

/** A subscriber whose packets carry less than the publisher's gets the payload in parts. */
function send(subscriber: Subscriber, payload: Buffer): void {
  if (payload.length <= subscriber.maxPayload) subscriber.send(payload);
  else for (const part of cut(payload, subscriber.maxPayload)) subscriber.send(part);
}

/** In parts of at most so many bytes, of whole packets of a transport stream if there is room for one. */
function cut(bytes: Buffer, maxBytes: number): Buffer[] {
  if (bytes.length <= maxBytes) return [bytes];
  const parts: Buffer[] = [];
  const step = maxBytes - (maxBytes < TS_PACKET_BYTES ? 0 : maxBytes % TS_PACKET_BYTES);
  for (let at = 0; at < bytes.length; at += step) parts.push(bytes.subarray(at, at + step));
  return parts;
}
