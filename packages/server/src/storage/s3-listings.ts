import { LRUCache } from 'lru-cache';
import { CoreError } from '../util/errors.ts';
import type { FileInfo } from './filesystem.ts';

/** Asks for all files whose names start with a text, page by page. */
export type Pages = (prefix: string) => AsyncIterable<readonly FileInfo[]>;

interface Listing {
  files: Map<string, FileInfo>;
  /** When it was asked for, by the monotonic clock. */
  at: number;
  refresh: Promise<void> | undefined;
  /** What has changed since the refresh began; undefined for a file that is gone. */
  changes: Map<string, FileInfo | undefined>;
}

const MAX_LISTINGS = 16;
const MAX_FILES = 1_000_000;

/**
 * What a storage holds where it is looked at again and again. It is asked only from time to time; our own changes are
 * known at once.
 */
export class Listings {
  readonly #pages: Pages;
  readonly #listings = new LRUCache<string, Listing>({
    max: MAX_LISTINGS,
    maxSize: MAX_FILES + MAX_LISTINGS,
    sizeCalculation: ({ files }) => files.size + 1,
  });

  constructor(pages: Pages) {
    this.#pages = pages;
  }

  /**
   * The files whose names start with a text, in no particular order.
   *
   * @param maxAge in milliseconds.
   * @throws CoreError `unavailable`, also for more than a million files.
   */
  async list(prefix: string, maxAge: number): Promise<FileInfo[]> {
    const oldest = performance.now() - maxAge;
    for (const [covered, { at, files }] of this.#listings.entries()) {
      if (at >= oldest && prefix.startsWith(covered)) {
        this.#listings.get(covered);
        return [...files.values()].filter(({ name }) => name.startsWith(prefix));
      }
    }
    const listing = this.#listings.get(prefix) ?? {
      files: new Map<string, FileInfo>(),
      at: -Infinity,
      refresh: undefined,
      changes: new Map<string, FileInfo | undefined>(),
    };
    this.#listings.set(prefix, listing);
    listing.refresh ??= this.#refresh(prefix, listing).finally(() => {
      listing.refresh = undefined;
    });
    await listing.refresh;
    return [...listing.files.values()];
  }

  /** Tells that a file was written. */
  stored(info: FileInfo): void {
    this.#change(info.name, info);
  }

  /** Tells that a file is gone. */
  removed(name: string): void {
    this.#change(name, undefined);
  }

  #change(name: string, info: FileInfo | undefined): void {
    for (const [prefix, { files, refresh, changes }] of this.#listings.entries()) {
      if (!name.startsWith(prefix)) continue;
      apply(files, name, info);
      if (refresh !== undefined) changes.set(name, info);
    }
  }

  async #refresh(prefix: string, listing: Listing): Promise<void> {
    const at = performance.now();
    listing.changes.clear();
    const files = new Map<string, FileInfo>();
    for await (const page of this.#pages(prefix)) {
      for (const info of page) files.set(info.name, info);
      if (files.size > MAX_FILES) throw new CoreError('unavailable', 'too many files to list');
    }
    for (const [name, info] of listing.changes) apply(files, name, info);
    listing.files = files;
    listing.at = at;
    // Its size has changed.
    this.#listings.delete(prefix);
    this.#listings.set(prefix, listing);
  }
}

function apply(files: Map<string, FileInfo>, name: string, info: FileInfo | undefined): void {
  if (info === undefined) files.delete(name);
  else files.set(name, info);
}
