import type { DiskReadings, FilesystemReading } from './collect.ts';
import { partitionOf } from './host.ts';
import type { FilesystemSource } from './sources.ts';

/** How long what was counted on a disk is relied on, in milliseconds: counting means to look at every file. */
const MAX_AGE = 10_000;
/** How long a reader waits for a count; after that it gets the one before. */
const PATIENCE = 1_000;

/** Finds out how full disks and filesystems are, seldom enough that nobody notices. */
export class DiskGauges {
  readonly #directory: string;
  readonly #partition: Cached<{ totalBytes: number; usedBytes: number }>;
  readonly #filesystems: readonly { source: FilesystemSource; read: () => Promise<Count | undefined> }[];

  /** @param directory of which the partition is reported, absolute. */
  constructor(directory: string, filesystems: readonly FilesystemSource[]) {
    this.#directory = directory;
    this.#partition = new Cached(() => partitionOf(directory));
    this.#filesystems = filesystems.map((source) => {
      // What is in memory is counted all the time.
      if (source.type === 'mem') return { source, read: () => source.usage() };
      const cached = new Cached(() => source.usage());
      return { source, read: () => cached.read() };
    });
  }

  /** Leaves out what cannot be found out. */
  async read(): Promise<DiskReadings> {
    const [partition, ...filesystems] = await Promise.all([
      this.#partition.read(),
      ...this.#filesystems.map(async ({ source, read }): Promise<FilesystemReading | undefined> => {
        const count = await read();
        return count && { source, ...count };
      }),
    ]);
    return {
      partition: partition && { path: this.#directory, ...partition },
      filesystems: filesystems.filter((reading) => reading !== undefined),
    };
  }
}

type Count = Awaited<ReturnType<FilesystemSource['usage']>>;

/** Keeps the last value of something that is slow to find out; undefined until it is known, or if it cannot be. */
class Cached<T> {
  readonly #find: () => Promise<T>;
  #value: T | undefined;
  #foundAt = -Infinity;
  #finding: Promise<void> | undefined;

  constructor(find: () => Promise<T>) {
    this.#find = find;
  }

  async read(): Promise<T | undefined> {
    if (performance.now() - this.#foundAt < MAX_AGE) return this.#value;
    this.#finding ??= this.#refresh();
    await within(PATIENCE, this.#finding);
    return this.#value;
  }

  async #refresh(): Promise<void> {
    try {
      this.#value = await this.#find();
    } catch {
      // Gone, or not to be reached: then there is no value to show.
      this.#value = undefined;
    }
    this.#foundAt = performance.now();
    this.#finding = undefined;
  }
}

async function within(ms: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const end = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([work, end]);
  clearTimeout(timer);
}
