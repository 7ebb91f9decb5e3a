import { ProtocolError } from './protocol-error.ts';

/** A cursor over received bytes: reading past the end throws a {@link ProtocolError}. All integers are big-endian. */
export class ByteReader {
  readonly #buffer: Buffer;
  #position = 0;

  constructor(buffer: Buffer) {
    this.#buffer = buffer;
  }

  /** Bytes not yet read. */
  get remaining(): number {
    return this.#buffer.length - this.#position;
  }

  uint16(): number {
    return this.#buffer.readUInt16BE(this.#advance(2));
  }

  uint32(): number {
    return this.#buffer.readUInt32BE(this.#advance(4));
  }

  uint8(): number {
    return this.#buffer.readUInt8(this.#advance(1));
  }

  /** A view of the next bytes, not a copy. */
  bytes(length: number): Buffer {
    const start = this.#advance(length);
    return this.#buffer.subarray(start, start + length);
  }

  /** Moves on by so many bytes; returns where they start. */
  #advance(length: number): number {
    const start = this.#position;
    if (length > this.remaining) {
      throw new ProtocolError(`${length} bytes expected, ${this.remaining} left`);
    }
    this.#position += length;
    return start;
  }
}
