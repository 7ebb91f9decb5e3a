const NOTHING: Buffer = Buffer.alloc(0);

/**
 * A parser over a {@link ByteCursor}: it yields when the bytes at hand do not suffice, and is resumed with more.
 *
 * It asks with `while (!input.has(n)) yield;` and then reads up to n bytes.
 */
export type Parser = Generator<undefined, void, undefined>;

/**
 * A position in bytes that arrive piece by piece.
 *
 * Pieces are read where they lie. Only what straddles two of them is copied together, and only what a parser left
 * unread is kept from one piece to the next.
 */
export class ByteCursor {
  /** The bytes at hand, of which those from `position` up to `end` are unread. */
  bytes: Buffer = NOTHING;
  position = 0;
  end = 0;
  #next: Buffer = NOTHING;
  #carry: Buffer = NOTHING;

  /** Gives the parser another piece. It must have asked for more than the bytes before. */
  push(piece: Buffer): void {
    this.#next = piece;
  }

  /** Whether n bytes can be read now. */
  has(n: number): boolean {
    return this.end - this.position >= n || this.#refill(n);
  }

  /** How many unread bytes lie in one piece. */
  get available(): number {
    return this.end - this.position;
  }

  peek(offset: number): number {
    const byte = this.position + offset < this.end ? this.bytes[this.position + offset] : undefined;
    if (byte === undefined) throw new RangeError('read beyond the bytes that were asked for');
    return byte;
  }

  u8(): number {
    const byte = this.peek(0);
    this.position++;
    return byte;
  }

  u24(): number {
    return this.bytes.readUIntBE(this.#advance(3), 3);
  }

  u32(): number {
    return this.bytes.readUInt32BE(this.#advance(4));
  }

  u32LittleEndian(): number {
    return this.bytes.readUInt32LE(this.#advance(4));
  }

  /** The next n bytes as a view, which is good until the next one is asked for. */
  view(n: number): Buffer {
    const start = this.#advance(n);
    return this.bytes.subarray(start, start + n);
  }

  /** Passes over n bytes, of which any number may still be to come. */
  *skip(n: number): Parser {
    for (let missing = n; missing > 0;) {
      while (!this.has(1)) yield;
      missing -= this.#pass(missing);
    }
  }

  /** Reads as many bytes as the target has room for, of which any number may still be to come. */
  *fill(target: Buffer): Parser {
    for (let filled = 0; filled < target.length;) {
      while (!this.has(1)) yield;
      const start = this.position;
      const count = this.#pass(target.length - filled);
      this.bytes.copy(target, filled, start, start + count);
      filled += count;
    }
  }

  /** Reads n bytes into memory of their own, which grows with what has come. */
  *collect(n: number): Generator<undefined, Buffer, undefined> {
    let body = NOTHING;
    for (let filled = 0; filled < n;) {
      while (!this.has(1)) yield;
      const count = Math.min(n - filled, this.available);
      body = grown(body, filled, filled + count, n);
      this.bytes.copy(body, filled, this.position, this.position + count);
      this.position += count;
      filled += count;
    }
    return body;
  }

  #pass(atMost: number): number {
    const count = Math.min(atMost, this.available);
    this.position += count;
    return count;
  }

  #advance(n: number): number {
    const start = this.position;
    if (this.end - start < n) throw new RangeError('read beyond the bytes that were asked for');
    this.position += n;
    return start;
  }

  #refill(n: number): boolean {
    const rest = this.end - this.position;
    if (rest === 0 && this.#next.length >= n) {
      this.#use(this.#next, this.#next.length);
      this.#next = NOTHING;
      return true;
    }
    const taken = Math.min(n - rest, this.#next.length);
    const carry = this.#carry.length >= n ? this.#carry : Buffer.allocUnsafe(Math.max(n, 32));
    this.bytes.copy(carry, 0, this.position, this.end);
    this.#next.copy(carry, rest, 0, taken);
    this.#next = taken < this.#next.length ? this.#next.subarray(taken) : NOTHING;
    this.#carry = carry;
    this.#use(carry, rest + taken);
    return rest + taken >= n;
  }

  #use(bytes: Buffer, end: number): void {
    this.bytes = bytes;
    this.position = 0;
    this.end = end;
  }
}

/** A buffer with room for `needed` bytes: the same one, or one of at most twice that size with its first bytes. */
export function grown(buffer: Buffer, filled: number, needed: number, atMost: number): Buffer {
  if (buffer.length >= needed) return buffer;
  const larger = Buffer.allocUnsafe(Math.min(atMost, needed * 2));
  buffer.copy(larger, 0, 0, filled);
  return larger;
}
