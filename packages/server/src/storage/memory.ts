import { randomUUID } from 'node:crypto';
import { totalmem } from 'node:os';
import { Readable } from 'node:stream';
import { CoreError } from '../util/errors.ts';
import { BlockList, mergeBlocks, sliceBlocks } from './blocks.ts';
import type { FileInfo, Filesystem, ListOptions, OpenFile, Usage, WriteOptions } from './filesystem.ts';
import { createGlob } from '../util/glob.ts';
import { cleanPath, cleanPathIfValid } from './path.ts';
import { Quota, type QuotaOptions } from './quota.ts';
import { receive } from './receive.ts';

export interface MemoryOptions {
  /** Largest sum of file sizes in bytes; 0 for as much as the machine can bear. */
  maxBytes: number;
  /** Whether the oldest files make room for new ones. */
  purge: boolean;
}

interface StoredFile {
  readonly info: FileInfo;
  readonly version: string;
  blocks: readonly Buffer[];
}

/** Even empty files take memory. */
const MAX_FILES = 1_000_000;
/** Without a limit of its own, the filesystem must still leave the machine some memory. */
const MACHINE_SHARE = 0.75;

/** Files in memory, as long as the server runs. Reads share the stored bytes. */
export class MemoryFilesystem implements Filesystem {
  readonly name = 'mem';
  readonly type = 'mem';
  /** In the order in which they were written, the oldest first. */
  readonly #files = new Map<string, StoredFile>();
  readonly #quota: Quota;
  readonly #epoch = randomUUID().slice(0, 8);
  #maxBytes: number;
  #versions = 0;

  constructor(options: MemoryOptions) {
    this.#maxBytes = options.maxBytes;
    this.#quota = new Quota(quotaOptions(options), (bytes, spared) => {
      this.#purge(bytes, spared);
    });
  }

  start(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.#files.clear();
    this.#quota.stored = 0;
    return Promise.resolve();
  }

  /** Applies new options. If the files do not fit a lower limit, the oldest go until they do. */
  configure(options: MemoryOptions): void {
    this.#maxBytes = options.maxBytes;
    this.#quota.options = quotaOptions(options);
    const excess = this.#quota.stored - this.#quota.options.limit;
    if (excess > 0) this.#purge(excess, new Set());
  }

  list({ glob = '', prefix = '' }: ListOptions = {}): Promise<FileInfo[]> {
    const matches = glob === '' ? () => true : createGlob(glob, { separator: '/' });
    const infos: FileInfo[] = [];
    for (const [name, { info }] of this.#files) {
      if (name.startsWith(prefix) && matches(name)) infos.push(info);
    }
    return Promise.resolve(infos);
  }

  open(path: string): OpenFile | undefined {
    const name = cleanPathIfValid(path);
    const file = name === undefined ? undefined : this.#files.get(name);
    return file && new MemoryFile(file);
  }

  isDirectory(): Promise<boolean> {
    return Promise.resolve(false);
  }

  async write(path: string, source: Readable, { size }: WriteOptions = {}): Promise<'created' | 'replaced'> {
    const name = cleanPath(path);
    if (name === '/') throw new CoreError('invalid', 'creating file failed: is a directory');
    const claim = this.#quota.claim(name, () => this.#files.get(name)?.info.size ?? 0);
    try {
      if (size !== undefined) claim.expect(size);
      const blocks = new BlockList();
      await receive(source, (chunk) => {
        claim.grow(chunk.length);
        blocks.append(chunk);
      });
      claim.complete();
      claim.close();
      return this.#store(name, blocks);
    } finally {
      claim.close();
    }
  }

  remove(path: string): Promise<boolean> {
    const name = cleanPathIfValid(path);
    return Promise.resolve(name !== undefined && this.#remove(name));
  }

  usage(): Promise<Usage> {
    return Promise.resolve({
      bytes: this.#quota.stored,
      limit: this.#maxBytes,
      files: this.#files.size,
    });
  }

  #store(name: string, blocks: BlockList): 'created' | 'replaced' {
    const isNew = !this.#remove(name);
    if (this.#files.size >= MAX_FILES) throw new CoreError('no_space', 'too many files');
    this.#files.set(name, {
      info: { name, size: blocks.size, modified: Date.now() },
      version: `${this.#epoch}-${(this.#versions++).toString(36)}`,
      blocks: blocks.finish(),
    });
    this.#quota.stored += blocks.size;
    return isNew ? 'created' : 'replaced';
  }

  #remove(name: string): boolean {
    const file = this.#files.get(name);
    if (file === undefined) return false;
    this.#files.delete(name);
    this.#quota.stored -= file.info.size;
    return true;
  }

  #purge(bytes: number, spared: ReadonlySet<string>): void {
    let missing = bytes;
    for (const [name, { info }] of this.#files) {
      if (missing <= 0) return;
      if (spared.has(name)) continue;
      this.#remove(name);
      missing -= info.size;
    }
  }
}

class MemoryFile implements OpenFile {
  readonly #file: StoredFile;

  constructor(file: StoredFile) {
    this.#file = file;
  }

  get info(): FileInfo {
    return this.#file.info;
  }

  get version(): string {
    return this.#file.version;
  }

  read(start: number, end: number): Buffer | Readable {
    // Only now: most of what is written is replaced or removed before anybody asks for it.
    this.#file.blocks = mergeBlocks(this.#file.blocks);
    const slices = sliceBlocks(this.#file.blocks, start, end);
    return slices.length <= 1 ? (slices[0] ?? Buffer.alloc(0)) : Readable.from(slices);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

function quotaOptions({ maxBytes, purge }: MemoryOptions): QuotaOptions {
  // A container's limit, which the first function tells, may be far above what the machine has.
  const machine = Math.min(process.constrainedMemory() || Infinity, totalmem());
  const bearable = Math.floor(machine * MACHINE_SHARE);
  if (maxBytes === 0) return { limit: bearable, purge };
  if (!purge) return { limit: maxBytes, purge };
  // Old files stay until the new one has come whole.
  return { limit: maxBytes, ceiling: Math.max(maxBytes, Math.min(2 * maxBytes, bearable)), purge };
}
