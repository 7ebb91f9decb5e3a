import type { Writable } from 'node:stream';

/** How much is handed over at a time when the peer is slow, so that one can see whether it takes anything. */
const PORTION_BYTES = 128 * 1024;

/**
 * What is to be written to a stream.
 *
 * A stream takes any amount and tells only when it has written all of it; this hands it over in portions, so that
 * progress shows, and in one system call each.
 */
export class Outbox {
  readonly #stream: Writable;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #isBlocked = false;
  #isEnding = false;
  #taken = 0;
  #takenAt = 0;
  /** Bytes that were given to the stream. */
  bytesSent = 0;

  constructor(stream: Writable) {
    this.#stream = stream;
    stream.on('drain', () => {
      this.#isBlocked = false;
      this.#handOverNext();
    });
  }

  /** Bytes that the network has not taken. */
  get backlog(): number {
    return this.#waitingBytes + this.#stream.writableLength;
  }

  /** Bytes that the network has taken. */
  get taken(): number {
    return this.bytesSent - this.#stream.writableLength;
  }

  /** Writes the pieces, which are of so many bytes together. */
  write(pieces: readonly Buffer[], bytes: number): void {
    if (this.#isEnding || this.#stream.destroyed) return;
    if (!this.#isBlocked && this.#waitingBytes === 0 && bytes <= PORTION_BYTES) {
      this.#handOver(pieces, bytes);
      return;
    }
    for (const piece of pieces) this.#waiting.push(piece);
    this.#waitingBytes += bytes;
    this.#handOverNext();
  }

  /** Ends the stream when all is written. */
  end(): void {
    this.#isEnding = true;
    if (this.#waitingBytes === 0) this.#stream.end();
  }

  /** For how long the peer has taken nothing of what waits for it, in milliseconds; to be asked regularly. */
  stalledFor(now: number): number {
    const { taken } = this;
    if (taken > this.#taken || this.backlog === 0) {
      this.#taken = taken;
      this.#takenAt = now;
    }
    return now - this.#takenAt;
  }

  #handOverNext(): void {
    while (!this.#isBlocked && this.#waitingBytes > 0 && !this.#stream.destroyed) {
      let bytes = 0;
      let count = 0;
      while (count < this.#waiting.length && bytes < PORTION_BYTES)
        bytes += this.#waiting[count++]?.length ?? 0;
      const pieces = this.#waiting.splice(0, count);
      this.#waitingBytes -= bytes;
      this.#handOver(pieces, bytes);
      if (this.#isEnding && this.#waitingBytes === 0) this.#stream.end();
    }
  }

  #handOver(pieces: readonly Buffer[], bytes: number): void {
    const stream = this.#stream;
    this.bytesSent += bytes;
    let hasRoom = true;
    if (pieces.length > 1) stream.cork();
    for (const piece of pieces) hasRoom = stream.write(piece);
    if (pieces.length > 1) stream.uncork();
    // What the network took at once does not wait, however much it was.
    this.#isBlocked = !hasRoom && stream.writableLength > 0;
  }
}
