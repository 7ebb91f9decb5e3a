import { CoreError } from '../util/errors.ts';

/** Removes files, oldest first, until so many bytes are free, but none of `spared`. There are enough. */
export type Purge = (bytes: number, spared: ReadonlySet<string>) => void;

export interface QuotaOptions {
  /** Largest sum of stored files, in bytes; Infinity for no limit. */
  limit: number;
  /** Largest sum of stored files and uploads under way, in bytes; at least the limit, which it is if left out. */
  ceiling?: number;
  /** Whether old files make room for new ones. */
  purge: boolean;
}

/** The space an upload has taken so far. */
export interface Claim {
  /**
   * Checks that a file of that size can be stored at all.
   *
   * @throws CoreError `no_space`
   */
  expect(bytes: number): void;
  /**
   * Takes more space, which purges other files if uploads under way leave no other choice.
   *
   * @throws CoreError `no_space`
   */
  grow(bytes: number): void;
  /**
   * Makes room for the file, which has come whole: only now is it known that nothing is purged in vain.
   *
   * @throws CoreError `no_space`
   */
  complete(): void;
  /** Gives the space back: the upload has failed, or is about to be counted among the stored files. Idempotent. */
  close(): void;
}

interface Upload {
  bytes: number;
  /** Size of the stored file that the upload replaces, at this moment. */
  replaced: () => number;
}

/**
 * Keeps stored files below a limit, and them and uploads under way together below another, while the bytes arrive. The
 * file that an upload replaces does not count against it, as long as no other upload replaces the same one.
 */
export class Quota {
  readonly #purge: Purge;
  readonly #uploads = new Set<Upload>();
  /** The upload that each path's stored file is set off against. */
  readonly #replacing = new Map<string, Upload>();
  #arriving = 0;
  /** A change takes effect with the next byte. */
  options: QuotaOptions;
  /** Sum of the stored files in bytes, kept by the owner. */
  stored = 0;

  constructor(options: QuotaOptions, purge: Purge) {
    this.options = options;
    this.#purge = purge;
  }

  /**
   * Begins an upload. To be closed in any case.
   *
   * @param replaced the size in bytes of what is stored at that path at the time of the call; 0 if nothing is.
   */
  claim(path: string, replaced: () => number): Claim {
    const upload: Upload = { bytes: 0, replaced };
    this.#uploads.add(upload);
    if (!this.#replacing.has(path)) this.#replacing.set(path, upload);
    return {
      expect: (bytes) => {
        this.#room(upload, bytes);
      },
      grow: (bytes) => {
        const missing = this.#room(upload, bytes);
        if (missing > 0) this.#purge(missing, new Set(this.#replacing.keys()));
        upload.bytes += bytes;
        this.#arriving += bytes;
      },
      complete: () => {
        const { limit, purge } = this.options;
        const missing = this.stored - replaced() + upload.bytes - limit;
        if (missing <= 0) return;
        if (upload.bytes > limit) throw new CoreError('no_space', 'File is too big');
        if (!purge) throw new CoreError('no_space', 'not enough space on device');
        // What others are about to replace is somebody's playlist: it goes only if nothing else is left.
        const spared = missing > this.#staying() ? [path] : this.#replacing.keys();
        this.#purge(missing, new Set(spared));
      },
      close: () => {
        if (!this.#uploads.delete(upload)) return;
        this.#arriving -= upload.bytes;
        if (this.#replacing.get(path) === upload) this.#replacing.delete(path);
      },
    };
  }

  /** How many bytes have to be purged for the upload to take more. Throws if that is not possible. */
  #room(upload: Upload, bytes: number): number {
    const { limit, purge, ceiling = limit } = this.options;
    if (this.stored + this.#arriving + bytes <= limit) return 0;
    if (upload.bytes + bytes > limit) throw new CoreError('no_space', 'File is too big');
    const staying = this.#staying();
    const missing = staying + this.#arriving + bytes - ceiling;
    if (missing > (purge ? staying : 0)) throw new CoreError('no_space', 'not enough space on device');
    return Math.max(0, missing);
  }

  /** What is stored and about to be replaced by none of the uploads. */
  #staying(): number {
    let staying = this.stored;
    for (const { replaced } of this.#replacing.values()) staying -= replaced();
    return staying;
  }
}
