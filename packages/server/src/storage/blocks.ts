const BLOCK_BYTES = 64 * 1024;
/** From this size on a chunk is kept as it came. */
const MIN_KEPT_BYTES = 16 * 1024;
/** Larger contents are read block by block. */
const MAX_MERGED_BYTES = 16 * 1024 * 1024;

/** Collects arriving bytes: large chunks as they are, small ones together in blocks of 64 KiB. */
export class BlockList {
  readonly #closed: Buffer[] = [];
  #current: Buffer | undefined;
  #filled = 0;
  #size = 0;

  /** Bytes collected so far. */
  get size(): number {
    return this.#size;
  }

  /** Takes over the chunk, which must not be changed afterwards. */
  append(chunk: Buffer): void {
    this.#size += chunk.length;
    if (chunk.length >= MIN_KEPT_BYTES && chunk.length === chunk.buffer.byteLength) {
      this.#close();
      this.#closed.push(chunk);
      return;
    }
    for (let taken = 0; taken < chunk.length;) {
      // Not from Node's shared pool: a small file must not keep the memory of others.
      this.#current ??= Buffer.allocUnsafeSlow(BLOCK_BYTES);
      const copied = chunk.copy(this.#current, this.#filled, taken);
      taken += copied;
      this.#filled += copied;
      if (this.#filled === BLOCK_BYTES) this.#close();
    }
  }

  /** The blocks, which take no more memory than what they hold. Nothing can be appended afterwards. */
  finish(): readonly Buffer[] {
    this.#close();
    return this.#closed;
  }

  #close(): void {
    if (this.#current === undefined) return;
    this.#closed.push(this.#filled < BLOCK_BYTES ? exactly(this.#current, this.#filled) : this.#current);
    this.#current = undefined;
    this.#filled = 0;
  }
}

/** The same bytes in one block, which is sent faster than many, unless they are too many for that. */
export function mergeBlocks(blocks: readonly Buffer[]): readonly Buffer[] {
  if (blocks.length <= 1) return blocks;
  const size = blocks.reduce((sum, block) => sum + block.length, 0);
  if (size > MAX_MERGED_BYTES) return blocks;
  const merged = Buffer.allocUnsafeSlow(size);
  let offset = 0;
  for (const block of blocks) offset += block.copy(merged, offset);
  return [merged];
}

/** The bytes from `start` up to, not including, `end`, as the blocks themselves and views on them. */
export function sliceBlocks(blocks: readonly Buffer[], start: number, end: number): Buffer[] {
  const slices: Buffer[] = [];
  let offset = 0;
  for (const block of blocks) {
    const from = Math.max(start - offset, 0);
    const to = Math.min(end - offset, block.length);
    if (from < to) slices.push(to - from === block.length ? block : block.subarray(from, to));
    offset += block.length;
  }
  return slices;
}

function exactly(block: Buffer, size: number): Buffer {
  const exact = Buffer.allocUnsafeSlow(size);
  block.copy(exact, 0, 0, size);
  return exact;
}
