import { type Encoded, type Relay, type Sink, type Subscription, encodeFlv, flvHeader } from '@millrace/rtmp';

/** How the bytes of a viewer get to the thread that has its connection. */
export interface FlvOutput {
  send(bytes: Uint8Array): void;
  end(): void;
}

/** A viewer of a stream as FLV, whose connection belongs to another thread. */
export class FlvPlayer implements Sink {
  readonly encoder = encodeFlv;
  readonly #output: FlvOutput;
  readonly #onClose: (reason: string) => void;
  readonly #subscription: Subscription;
  #progressAt = performance.now();
  #taken = 0;
  #isClosed = false;
  readonly bytesReceived = 0;
  bytesSent = 0;

  /** @param onClose told once why it has ended; empty if the viewer has gone or the stream is over. */
  constructor(relay: Relay, output: FlvOutput, onClose: (reason: string) => void) {
    this.#output = output;
    this.#onClose = onClose;
    // Its own memory, as in send().
    this.#write(new Uint8Array(flvHeader(relay.tracks)));
    this.#subscription = relay.subscribe(this);
  }

  get backlog(): number {
    return this.bytesSent - this.#taken;
  }

  send({ pieces, bytes }: Encoded): void {
    // Its own memory: what goes to another thread is copied with all of the buffer it is a part of.
    const whole = new Uint8Array(bytes);
    let offset = 0;
    for (const piece of pieces) {
      whole.set(piece, offset);
      offset += piece.length;
    }
    this.#write(whole);
  }

  relayClosed(): void {
    this.close('');
  }

  /** The viewer has taken so many more bytes. */
  taken(bytes: number): void {
    this.#taken += bytes;
    this.#progressAt = performance.now();
  }

  /** Ends it if the viewer has taken nothing for too long, in milliseconds. */
  check(now: number, stallMs: number): void {
    if (this.backlog === 0) this.#progressAt = now;
    else if (now - this.#progressAt >= stallMs) this.close('i/o timeout');
  }

  close(reason: string): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#subscription.close();
    this.#output.end();
    this.#onClose(reason);
  }

  #write(bytes: Uint8Array): void {
    if (this.#isClosed) return;
    this.bytesSent += bytes.length;
    this.#output.send(bytes);
  }
}
