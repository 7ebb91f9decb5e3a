const LF = 0x0a;
const CR = 0x0d;

/** How much of one line is kept, in bytes. */
export const MAX_LINE_BYTES = 65_536;

/**
 * Splits bytes into lines at any run of CR and LF; empty lines vanish, broken UTF-8 becomes U+FFFD.
 *
 * A line longer than the limit is cut there, at a whole character, and the rest of it is read and dropped.
 */
export class LineSplitter {
  readonly #onLine: (line: string) => void;
  readonly #maxBytes: number;
  #pending: Buffer[] = [];
  #pendingBytes = 0;

  constructor(onLine: (line: string) => void, maxBytes = MAX_LINE_BYTES) {
    this.#onLine = onLine;
    this.#maxBytes = maxBytes;
  }

  push(chunk: Buffer): void {
    let start = 0;
    while (start < chunk.length) {
      const end = endOfLine(chunk, start);
      if (end === -1) {
        this.#keep(chunk.subarray(start));
        return;
      }
      if (this.#pendingBytes > 0) {
        this.#keep(chunk.subarray(start, end));
        this.end();
      } else if (end > start) {
        this.#emit(chunk.subarray(start, end));
      }
      start = end + 1;
    }
  }

  /** Gives out a last line that had no line break. */
  end(): void {
    if (this.#pendingBytes === 0) return;
    const line = Buffer.concat(this.#pending);
    this.#pending = [];
    this.#pendingBytes = 0;
    this.#emit(line);
  }

  /** Keeps the begin of an unfinished line: one byte beyond the limit, to tell a cut line from a full one. */
  #keep(part: Buffer): void {
    const room = this.#maxBytes + 1 - this.#pendingBytes;
    if (room <= 0 || part.length === 0) return;
    // A copy, since a view would hold the whole chunk in memory for as long as the line lasts.
    const kept = Buffer.from(part.subarray(0, room));
    this.#pending.push(kept);
    this.#pendingBytes += kept.length;
  }

  #emit(line: Buffer): void {
    if (line.length <= this.#maxBytes) {
      this.#onLine(line.toString('utf8'));
      return;
    }
    let end = this.#maxBytes;
    while (end > 0 && isContinuation(line[end])) end--;
    this.#onLine(line.toString('utf8', 0, end));
  }
}

function endOfLine(chunk: Buffer, start: number): number {
  const lf = chunk.indexOf(LF, start);
  const cr = chunk.subarray(0, lf === -1 ? chunk.length : lf).indexOf(CR, start);
  return cr === -1 ? lf : cr;
}

/** Whether the byte is inside of a UTF-8 character: 10xxxxxx. */
function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}
