import { posix } from 'node:path';
import { Readable } from 'node:stream';
import { LRUCache } from 'lru-cache';
import type { Component } from '../components.ts';
import type { CachedFile, FileCache } from '../http/files.ts';
import type { FileInfo, OpenFile } from '../storage/filesystem.ts';
import type { MaybePromise } from '../util/maybe-promise.ts';
import { Content } from './content.ts';

export interface CacheOptions {
  /** Most that the contents may take together, in bytes. */
  maxBytes: number;
  /** Larger files are not kept, in bytes. */
  maxFileBytes: number;
  ttlSeconds: number;
  /** Extensions with their dot; all if empty. */
  allow: readonly string[];
  /** Extensions of files that are not kept, even if they are allowed. */
  block: readonly string[];
}

export interface CachedMount {
  /** Where the files are mounted, such as `/`. */
  prefix: string;
  /**
   * For how long a file is taken to be the one that was found last, without opening it, in milliseconds. For
   * filesystems where that takes a request over the network. What is written through this server shows at once.
   */
  trustMs: number;
}

/** One version of a file at one URL path. */
interface Entry {
  info: FileInfo;
  version: string;
  content: Content;
  /** Whose file it is. */
  mount: CachedMount;
  /** When it was last found to be the present version, by the monotonic clock. */
  checkedAt: number;
}

const EXPIRY_INTERVAL_MS = 30_000;
/** What an entry takes beside its content. */
const ENTRY_BYTES = 1024;

/**
 * Keeps the contents of files in memory by the path of their URL. An entry is used for the version of the file that it
 * was made of and for no other, so whoever changes a file, the next reader gets the new one.
 */
export class ContentCache implements Component {
  #options: CacheOptions | undefined;
  #entries: LRUCache<string, Entry> | undefined;
  /** Bytes of contents that are being read. */
  #arriving = 0;
  readonly #sources = new Set<Readable>();
  #purgedAt = -Infinity;
  #timer: NodeJS.Timeout | undefined;

  /** @param options undefined to keep nothing. */
  constructor(options: CacheOptions | undefined) {
    this.#options = options;
    this.#entries = createEntries(options);
  }

  start(): Promise<void> {
    this.#timer = setInterval(() => this.#entries?.purgeStale(), EXPIRY_INTERVAL_MS).unref();
    return Promise.resolve();
  }

  close(): Promise<void> {
    clearInterval(this.#timer);
    this.#entries?.clear();
    for (const source of this.#sources) source.destroy();
    return Promise.resolve();
  }

  /** Begins anew with other limits. */
  configure(options: CacheOptions | undefined): void {
    this.#options = options;
    this.#entries = createEntries(options);
  }

  /** The sum of the contents in bytes, with what is being read, and what each takes beside. */
  get bytes(): number {
    return this.#entries?.calculatedSize ?? 0;
  }

  /** What the files of one mount are read through. */
  mount(mount: CachedMount): FileCache {
    const keyOf = (path: string) => posix.join('/', mount.prefix, path);
    return {
      open: (path, open) => this.#open(mount, keyOf(path), open),
      skipReason: (method, path) => this.#skipReason(method, keyOf(path)),
      purge: (name) => {
        for (const path of pathsOf(name)) this.#entries?.delete(keyOf(path));
        this.#purgedAt = performance.now();
      },
    };
  }

  async #open(mount: CachedMount, key: string, open: () => MaybePromise<OpenFile>): Promise<CachedFile> {
    const entries = this.#entries;
    const options = this.#options;
    if (entries === undefined || options === undefined || !isKept(key, options)) {
      return { file: await open(), headers: {} };
    }
    const openedAt = performance.now();
    const known = entries.get(key);
    if (known !== undefined && this.#isTrusted(known, mount, openedAt)) return hit(entries, key, known);

    const file = await open();
    const entry = entries.get(key);
    if (entry?.version === file.version) {
      await file.close();
      Object.assign(entry, { mount, checkedAt: openedAt });
      return hit(entries, key, entry);
    }
    if (entry !== undefined) entries.delete(key);
    if (file.info.size > Math.min(options.maxFileBytes, options.maxBytes - ENTRY_BYTES)) {
      return { file, headers: { 'x-cache': 'SKIP TOOBIG' } };
    }
    const headers = { 'x-cache': 'MISS', 'cache-control': maxAge(options.ttlSeconds) };
    const content = this.#read(entries, key, file);
    if (content === undefined) return { file, headers };
    const { info, version } = file;
    const added: Entry = { info, version, content, mount, checkedAt: openedAt };
    entries.set(key, added);
    return { file: toFile(added), headers };
  }

  /** Begins to read the file into memory; undefined if too much is being read already. */
  #read(entries: LRUCache<string, Entry>, key: string, file: OpenFile): Content | undefined {
    const { size } = file.info;
    if (this.#arriving + size > entries.maxSize) return undefined;
    const bytes = file.read(0, size);
    const source = Buffer.isBuffer(bytes) ? Readable.from([bytes]) : bytes;
    const content = new Content(size);
    this.#arriving += size;
    this.#sources.add(source);
    content
      .fill(source)
      .catch(() => {
        // The readers have been told; the next one begins anew.
        if (entries.peek(key)?.content === content) entries.delete(key);
      })
      .finally(() => {
        this.#arriving -= size;
        this.#sources.delete(source);
      });
    return content;
  }

  /** Whether the entry need not be compared with the file. */
  #isTrusted(entry: Entry, mount: CachedMount, now: number): boolean {
    return entry.mount === mount && entry.checkedAt > this.#purgedAt && now - entry.checkedAt < mount.trustMs;
  }

  #skipReason(method: string, key: string): string | undefined {
    if (this.#options === undefined) return undefined;
    if (method !== 'GET') return 'SKIP ONLYGET';
    return isKept(key, this.#options) ? 'SKIP NOTOK' : 'SKIP EXT';
  }
}

function createEntries(options: CacheOptions | undefined): LRUCache<string, Entry> | undefined {
  if (options === undefined) return undefined;
  return new LRUCache({
    maxSize: options.maxBytes,
    sizeCalculation: ({ content }, key) => content.size + key.length + ENTRY_BYTES,
    // For the library, 0 is for ever.
    ttl: Math.max(options.ttlSeconds * 1000, 1),
    ttlResolution: 0,
    perf: { now: () => performance.now() },
  });
}

function hit(entries: LRUCache<string, Entry>, key: string, entry: Entry): CachedFile {
  const seconds = Math.max(entries.getRemainingTTL(key), 0) / 1000;
  return {
    file: toFile(entry),
    headers: { 'x-cache': `HIT ${seconds.toFixed(3)}`, 'cache-control': maxAge(seconds) },
  };
}

function toFile({ info, version, content }: Entry): OpenFile {
  return {
    info,
    version,
    read: (start, end) => content.read(start, end),
    close: () => Promise.resolve(),
  };
}

function maxAge(seconds: number): string {
  return `max-age=${Math.round(seconds)}`;
}

function isKept(path: string, { allow, block }: CacheOptions): boolean {
  const name = path.slice(path.lastIndexOf('/') + 1);
  const dot = name.lastIndexOf('.');
  const extension = dot === -1 ? '' : name.slice(dot);
  return !block.includes(extension) && (allow.length === 0 || allow.includes(extension));
}

/** The paths below a mount that a file is found at: its own, and its directory's if it is an index. */
function pathsOf(name: string): string[] {
  const [directory] = /^.*\/(?=index\.html$)/s.exec(name) ?? [];
  return [name, `${name}/`, ...(directory === undefined ? [] : [directory, directory.replace(/\/$/, '')])];
}
