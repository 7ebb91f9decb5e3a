import { ProtocolError } from './errors.ts';

const MAX_DEPTH = 16;
const MAX_VALUES = 4096;
const MAX_STRING_BYTES = 65_536;

/** Objects are maps, since their keys come from the network. */
export type AmfValue =
  undefined | null | boolean | number | string | Date | readonly AmfValue[] | ReadonlyMap<string, AmfValue>;

/** A position in the bytes of AMF values, and what is left of the limits of one message. */
export class AmfReader {
  readonly #bytes: Buffer;
  #position = 0;
  #values = 0;
  #depth = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get remaining(): number {
    return this.#bytes.length - this.#position;
  }

  u8(): number {
    return this.#bytes.readUInt8(this.#advance(1));
  }

  u16(): number {
    return this.#bytes.readUInt16BE(this.#advance(2));
  }

  u32(): number {
    return this.#bytes.readUInt32BE(this.#advance(4));
  }

  double(): number {
    return this.#bytes.readDoubleBE(this.#advance(8));
  }

  /** UTF-8 of so many bytes. */
  text(length: number): string {
    if (length > MAX_STRING_BYTES) throw new ProtocolError('AMF: string too long');
    const start = this.#advance(length);
    return this.#bytes.toString('utf8', start, start + length);
  }

  skip(length: number): void {
    this.#advance(length);
  }

  /** Whether the next bytes are these; passes over them if so. */
  consume(...expected: number[]): boolean {
    if (!expected.every((byte, i) => this.#bytes[this.#position + i] === byte)) return false;
    this.#position += expected.length;
    return true;
  }

  /** Checks a count that a peer announced: each element has at least one byte. */
  count(announced: number): number {
    if (announced > this.remaining)
      throw new ProtocolError('AMF: more elements announced than there are bytes');
    return announced;
  }

  /** Reads a value within the limits of depth and number; every value, also an inner one, goes through here. */
  nested<T>(read: () => T): T {
    if (++this.#values > MAX_VALUES) throw new ProtocolError('AMF: too many values');
    if (++this.#depth > MAX_DEPTH) throw new ProtocolError('AMF: nested too deeply');
    const value = read();
    this.#depth--;
    return value;
  }

  #advance(length: number): number {
    const start = this.#position;
    if (length > this.remaining) throw new ProtocolError('AMF: ends within a value');
    this.#position += length;
    return start;
  }
}
