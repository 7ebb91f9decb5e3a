const FIRST_BLOCK_BYTES = 64 * 1024;
const MAX_BLOCK_BYTES = 1024 * 1024;
/** Up to this announced size a file is one block. More is not reserved on the strength of a mere announcement. */
const MAX_SINGLE_BLOCK_BYTES = 16 * 1024 * 1024;

/** Collects arriving bytes in few blocks: one if their number is announced, otherwise growing ones. */
export class BlockList {
  readonly #full: Buffer[] = [];
  #current: Buffer | undefined;
  #filled = 0;
  #nextBytes: number;
  #size = 0;

  /** @param announced how many bytes will come, if that is known. They may be more or fewer nevertheless. */
  constructor(announced?: number) {
    const isSingle = announced !== undefined && announced > 0 && announced <= MAX_SINGLE_BLOCK_BYTES;
    this.#nextBytes = isSingle ? announced : FIRST_BLOCK_BYTES;
  }

  /** Bytes collected so far. */
  get size(): number {
    return this.#size;
  }

  /** Copies the chunk, whose memory may be used again afterwards. */
  append(chunk: Buffer): void {
    this.#size += chunk.length;
    for (let taken = 0; taken < chunk.length;) {
      // Not from Node's shared pool: a small file must not keep the memory of others.
      this.#current ??= Buffer.allocUnsafeSlow(this.#nextBytes);
      const copied = chunk.copy(this.#current, this.#filled, taken);
      taken += copied;
      this.#filled += copied;
      if (this.#filled === this.#current.length) this.#close(this.#current);
    }
  }

  /** The blocks, the last one cut to what it holds. Nothing can be appended afterwards. */
  finish(): Buffer[] {
    if (this.#current !== undefined) {
      const last = Buffer.allocUnsafeSlow(this.#filled);
      this.#current.copy(last, 0, 0, this.#filled);
      this.#close(last);
    }
    return this.#full;
  }

  #close(block: Buffer): void {
    this.#full.push(block);
    this.#current = undefined;
    this.#filled = 0;
    this.#nextBytes = Math.min(Math.max(block.length * 2, FIRST_BLOCK_BYTES), MAX_BLOCK_BYTES);
  }
}

/** The bytes from `start` up to, not including, `end`, as views on the blocks. */
export function sliceBlocks(blocks: readonly Buffer[], start: number, end: number): Buffer[] {
  const slices: Buffer[] = [];
  let offset = 0;
  for (const block of blocks) {
    const from = Math.max(start - offset, 0);
    const to = Math.min(end - offset, block.length);
    if (from < to) slices.push(block.subarray(from, to));
    offset += block.length;
  }
  return slices;
}
