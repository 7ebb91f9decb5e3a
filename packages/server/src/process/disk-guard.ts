/** How full the disk filesystem is, in bytes; a limit of 0 is none. */
export interface DiskUsage {
  usage(): Promise<{ bytes: number; limit: number }>;
}

const INTERVAL = 10_000;

/** Looks after the disk filesystem and tells as long as it is full. */
export class DiskGuard {
  readonly #whenFull: () => Promise<void>;
  #timer: NodeJS.Timeout | undefined;

  constructor(whenFull: () => Promise<void>) {
    this.#whenFull = whenFull;
  }

  /** Begins to look after a disk, or goes on with another one. */
  start(disk: DiskUsage): void {
    clearTimeout(this.#timer);
    const timer = setTimeout(() => {
      void this.#check(disk).finally(() => {
        if (this.#timer === timer) this.start(disk);
      });
    }, INTERVAL).unref();
    this.#timer = timer;
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  async #check(disk: DiskUsage): Promise<void> {
    try {
      const { bytes, limit } = await disk.usage();
      if (limit > 0 && bytes >= limit) await this.#whenFull();
    } catch {
      // A disk that cannot be read now is looked at again next time; who writes to it notices.
    }
  }
}
