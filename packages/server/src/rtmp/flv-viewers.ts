import { Readable } from 'node:stream';

/** How the plane is told about its viewers. */
export interface FlvSource {
  /** The viewer has taken so many more bytes. */
  taken(id: number, bytes: number): void;
  /** The viewer has gone. */
  stop(id: number): void;
}

/** The viewers of FLV on this side of the thread: what the plane sends becomes the body of their answer. */
export class FlvViewers {
  readonly #source: FlvSource;
  readonly #viewers = new Map<number, FlvBody>();
  #nextId = 1;

  constructor(source: FlvSource) {
    this.#source = source;
  }

  /** Makes the body of a viewer that the plane is about to admit. */
  open(): { id: number; body: Readable } {
    const id = this.#nextId++;
    const body = new FlvBody((bytes) => {
      this.#source.taken(id, bytes);
    });
    this.#viewers.set(id, body);
    body.once('close', () => {
      if (this.#viewers.delete(id)) this.#source.stop(id);
    });
    return { id, body };
  }

  /** Bytes of the plane. */
  push(id: number, bytes: Uint8Array): void {
    this.#viewers.get(id)?.add(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  }

  /** The plane has no more. */
  end(id: number): void {
    const body = this.#viewers.get(id);
    this.#viewers.delete(id);
    body?.complete();
  }

  /** The plane is gone, or will be. */
  endAll(): void {
    for (const id of this.#viewers.keys()) this.end(id);
  }
}

/** Of these, one after the other is handed on, so that one sees how a slow viewer gets ahead. */
const PIECE_BYTES = 64 * 1024;

/** Says how much has been taken of it, for which the sender waits: it never holds more than the sender lets be under way. */
class FlvBody extends Readable {
  readonly #onTaken: (bytes: number) => void;
  /** What nobody has asked for yet. */
  readonly #waiting: Buffer[] = [];
  #isWanted = false;
  #isComplete = false;

  constructor(onTaken: (bytes: number) => void) {
    super({ highWaterMark: PIECE_BYTES });
    this.#onTaken = onTaken;
  }

  add(bytes: Buffer): void {
    for (let start = 0; start < bytes.length; start += PIECE_BYTES) {
      this.#waiting.push(bytes.subarray(start, start + PIECE_BYTES));
    }
    this.#handOver();
  }

  /** Nothing is added any more. */
  complete(): void {
    this.#isComplete = true;
    this.#handOver();
  }

  override _read(): void {
    this.#isWanted = true;
    this.#handOver();
  }

  #handOver(): void {
    while (this.#isWanted) {
      const piece = this.#waiting.shift();
      if (piece === undefined) break;
      this.#onTaken(piece.length);
      this.#isWanted = this.push(piece);
    }
    if (this.#isComplete && this.#waiting.length === 0) this.push(null);
  }
}
