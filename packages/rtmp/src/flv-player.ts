import { EventEmitter } from 'node:events';
import type { Writable } from 'node:stream';
import type { Encoded } from './batch.ts';
import { encodeFlv, flvHeader } from './flv.ts';
import { DEFAULT_LIMITS } from './limits.ts';
import { Outbox } from './outbox.ts';
import type { Relay } from './relay.ts';
import type { Sink, Subscription } from './subscription.ts';
import type { Sweep, Swept } from './sweep.ts';

export interface FlvPlayerOptions {
  /** The longest time in which the other end takes nothing, in milliseconds. */
  writeStallMs?: number;
}

interface FlvPlayerEvents {
  /** The stream is over, or the other end is gone. */
  closed: [reason: string];
}

/** Plays a relay as an FLV stream without end, to an HTTP response for instance. Ends with the relay or the stream. */
export class FlvPlayer extends EventEmitter<FlvPlayerEvents> implements Sink, Swept {
  readonly encoder = encodeFlv;
  readonly subscription: Subscription;
  readonly #stream: Writable;
  readonly #outbox: Outbox;
  readonly #writeStallMs: number;
  #reason: string | undefined;

  /** @param sweep - a server's, which ends players that take nothing any more */
  constructor(relay: Relay, stream: Writable, sweep: Sweep, options: FlvPlayerOptions = {}) {
    super();
    this.#stream = stream;
    this.#outbox = new Outbox(stream);
    this.#writeStallMs = options.writeStallMs ?? DEFAULT_LIMITS.writeStallMs;
    sweep.add(this);
    stream.on('error', (error) => {
      this.#reason ??= error.message;
    });
    stream.once('close', () => {
      sweep.delete(this);
      this.subscription.close();
      this.emit('closed', this.#reason ?? 'the peer closed the connection');
    });
    const header = flvHeader(relay.tracks);
    this.#outbox.write([header], header.length);
    this.subscription = relay.subscribe(this);
  }

  get backlog(): number {
    return this.#outbox.backlog;
  }

  /** Bytes that were given to the network. */
  get bytesSent(): number {
    return this.#outbox.bytesSent;
  }

  send({ pieces, bytes }: Encoded): void {
    this.#outbox.write(pieces, bytes);
  }

  relayClosed(reason: string): void {
    this.#reason ??= reason;
    this.#outbox.end();
  }

  /** Ends it at once. */
  destroy(reason: string): void {
    this.#reason ??= reason;
    this.#stream.destroy();
  }

  check(now: number): void {
    if (this.#outbox.stalledFor(now) >= this.#writeStallMs) this.destroy('i/o timeout');
  }
}
