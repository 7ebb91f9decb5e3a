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
    body?.push(null);
  }

  /** The plane is gone, or will be. */
  endAll(): void {
    for (const id of this.#viewers.keys()) this.end(id);
  }
}

/** Says how much has been taken of it, for which the sender waits: it never holds more than the sender lets be under way. */
class FlvBody extends Readable {
  readonly #onTaken: (bytes: number) => void;
  /** Not said yet, because the reader has not asked for more. */
  #held = 0;

  constructor(onTaken: (bytes: number) => void) {
    super({ highWaterMark: 64 * 1024 });
    this.#onTaken = onTaken;
  }

  add(bytes: Buffer): void {
    this.#held += bytes.length;
    if (this.push(bytes)) this._read();
  }

  override _read(): void {
    if (this.#held === 0) return;
    this.#onTaken(this.#held);
    this.#held = 0;
  }
}
