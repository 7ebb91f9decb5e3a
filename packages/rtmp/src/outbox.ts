import type { Writable } from 'node:stream';

/** How much is handed over at a time when the peer is slow, so that one can see whether it takes anything. */
const PIECE_BYTES = 128 * 1024;

/**
 * What is to be written to a stream.
 *
 * A stream takes any amount and tells only when it has written all of it; this hands it over in small portions, so that
 * progress shows, and in one system call each.
 */
export class Outbox {
  readonly #stream: Writable;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #isWriting = false;
  #isEnding = false;
  #progressed = true;
  #stalledSince = 0;
  /** Bytes that were given to the stream. */
  bytesSent = 0;

  constructor(stream: Writable) {
    this.#stream = stream;
  }

  /** Bytes that the network has not taken. */
  get backlog(): number {
    return this.#waitingBytes + this.#stream.writableLength;
  }

  /** Writes the pieces, which are of so many bytes together. */
  write(pieces: readonly Buffer[], bytes: number): void {
    if (this.#isEnding || this.#stream.destroyed) return;
    if (!this.#isWriting && bytes <= PIECE_BYTES) {
      this.#handOver(pieces, bytes);
      return;
    }
    for (const piece of pieces) this.#waiting.push(piece);
    this.#waitingBytes += bytes;
    if (!this.#isWriting) this.#handOverNext();
  }

  /** Ends the stream when all is written. */
  end(): void {
    this.#isEnding = true;
    if (this.#waitingBytes === 0) this.#stream.end();
  }

  /** For how long the peer has taken nothing of what waits for it, in milliseconds; to be asked regularly. */
  stalledFor(now: number): number {
    if (this.#progressed || !this.#isWriting) {
      this.#progressed = false;
      this.#stalledSince = now;
    }
    return now - this.#stalledSince;
  }

  #handOverNext(): void {
    let bytes = 0;
    let count = 0;
    while (count < this.#waiting.length && bytes < PIECE_BYTES) bytes += this.#waiting[count++]?.length ?? 0;
    const pieces = this.#waiting.splice(0, count);
    this.#waitingBytes -= bytes;
    this.#handOver(pieces, bytes);
    if (this.#isEnding && this.#waitingBytes === 0) this.#stream.end();
  }

  #handOver(pieces: readonly Buffer[], bytes: number): void {
    const stream = this.#stream;
    this.bytesSent += bytes;
    this.#isWriting = true;
    const last = pieces.length - 1;
    if (last > 0) stream.cork();
    for (let i = 0; i < last; i++) stream.write(pieces[i]);
    stream.write(pieces[last] ?? '', this.#onTaken);
    if (last > 0) stream.uncork();
  }

  readonly #onTaken = (error?: Error | null): void => {
    this.#isWriting = false;
    this.#progressed = true;
    if (error) {
      this.#waiting = [];
      this.#waitingBytes = 0;
    } else if (this.#waitingBytes > 0) {
      this.#handOverNext();
    }
  };
}
