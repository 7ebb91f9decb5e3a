import { Readable } from 'node:stream';
import { isDeepStrictEqual } from 'node:util';
import { LRUCache } from 'lru-cache';
import type { Logger } from '../log/logger.ts';
import { CoreError } from '../util/errors.ts';
import type { FileInfo, Filesystem, ListOptions, OpenFile, Usage, WriteOptions } from './filesystem.ts';
import { createGlob, literalPrefix } from '../util/glob.ts';
import { cleanPath, cleanPathIfValid } from './path.ts';
import { S3Bucket, type S3Object } from './s3-bucket.ts';
import { S3Connection, type S3Location } from './s3-connection.ts';
import { Listings } from './s3-listings.ts';
import { UploadMemory, upload } from './s3-upload.ts';
import { UsageCounter } from './s3-usage.ts';

/** How old a listing may be if nobody says otherwise. */
const LIST_MAX_AGE_MS = 5_000;
/** What others write is seen after so long. Thousands who watch one playlist make one request of it. */
const RECENT_MS = 1_000;
const MAX_RECENT = 256;
/** Files of up to this size are read at once: a playlist cannot change between its length and its content. */
const HEAD_BYTES = 64 * 1024;
const UPLOAD_MEMORY = 512 * 1024 * 1024;
/** What the reference takes for a directory; nobody else makes one of that name. */
const FAKE_DIRECTORY = '/...';

interface Peeked {
  object: S3Object;
  head: Buffer;
}

/** Files in an S3 bucket: the path of a file without its leading slash is the key of an object. */
export class S3Filesystem implements Filesystem {
  readonly name: string;
  readonly type = 's3';
  readonly #log: Logger;
  readonly #memory = new UploadMemory(UPLOAD_MEMORY);
  #store: Store;

  /** Connects in the background when it is started; calls wait for the first try. */
  constructor(name: string, location: S3Location, log: Logger) {
    this.name = name;
    this.#log = log;
    this.#store = new Store(new S3Connection(name, location, log));
  }

  start(): Promise<void> {
    this.#store.connection.open();
    return Promise.resolve();
  }

  /** Ends uploads and reads. An upload that was not complete leaves nothing. */
  async close(): Promise<void> {
    await this.#store.close();
  }

  get location(): S3Location {
    return this.#store.connection.location;
  }

  /**
   * Moves to another bucket, or to the same one in another way; unless nothing changes. Ends what is under way.
   *
   * @returns resolves when the old connection is closed.
   */
  async configure(location: S3Location): Promise<void> {
    if (isDeepStrictEqual(location, this.location)) return;
    const old = this.#store;
    this.#store = new Store(new S3Connection(this.name, location, this.#log));
    this.#store.connection.open();
    await old.close();
  }

  async list({ glob = '', prefix = '', maxAge = LIST_MAX_AGE_MS }: ListOptions = {}): Promise<FileInfo[]> {
    const matches = glob === '' ? () => true : createGlob(glob, { separator: '/' });
    const literal = literalPrefix(glob);
    const start = literal.length > prefix.length ? literal : prefix;
    if (!start.startsWith('/') && start !== '') return [];
    const files = await this.#store.listings.list(start === '' ? '/' : start, maxAge);
    return files
      .filter(({ name }) => name.startsWith(prefix) && matches(name))
      .sort((a, b) => a.modified - b.modified || (a.name < b.name ? -1 : 1));
  }

  async open(path: string): Promise<OpenFile | undefined> {
    const name = cleanPathIfValid(path);
    if (name === undefined || name === '/') return undefined;
    const { bucket, recent } = this.#store;
    const peeked = await recent.peek(name);
    return peeked && new S3File(name, peeked, bucket);
  }

  isDirectory(): Promise<boolean> {
    return Promise.resolve(false);
  }

  async write(path: string, source: Readable, options: WriteOptions = {}): Promise<'created' | 'replaced'> {
    const name = cleanPath(path);
    if (name === '/') throw new CoreError('invalid', 'creating file failed: is a directory');
    const store = this.#store;
    const written = this.#write(store, name, source, options);
    store.uploads.add(written);
    try {
      return await written;
    } finally {
      store.uploads.delete(written);
    }
  }

  async remove(path: string): Promise<boolean> {
    const name = cleanPathIfValid(path);
    if (name === undefined || name === '/') return false;
    const store = this.#store;
    const old = await store.bucket.head(keyOf(name));
    if (old !== undefined) {
      await store.bucket.remove(keyOf(name));
      store.usage.add(-old.size, -1);
    }
    store.recent.forget(name);
    // As it was given, too: a key that is no clean path is listed, but cannot be reached.
    for (const gone of [name, path]) store.listings.removed(gone);
    return old !== undefined;
  }

  async usage(): Promise<Usage> {
    return { ...(await this.#store.usage.usage()), limit: 0 };
  }

  async #write(
    { bucket, connection, recent, listings, usage, closing }: Store,
    name: string,
    source: Readable,
    { size, type }: WriteOptions,
  ): Promise<'created' | 'replaced'> {
    const key = keyOf(name);
    // The source is not kept waiting meanwhile: some senders hang up when they have sent everything.
    const earlier = bucket.head(key);
    const failing = new AbortController();
    earlier.catch((error: unknown) => {
      failing.abort(error);
    });
    try {
      const target = {
        put: async (body: Buffer) => {
          await earlier;
          await bucket.put(key, body, type);
        },
        begin: async () => {
          await earlier;
          return bucket.beginParts(key, type);
        },
      };
      const signal = AbortSignal.any([closing.signal, failing.signal]);
      const written = await upload(source, target, { size, memory: this.#memory, signal });
      const old = await earlier;
      listings.stored({ name, size: written, modified: connection.now() });
      usage.add(written - (old?.size ?? 0), old === undefined ? 1 : 0);
      return old === undefined ? 'created' : 'replaced';
    } finally {
      recent.forget(name);
    }
  }
}

/** A bucket and what is known of it. */
class Store {
  readonly connection: S3Connection;
  readonly bucket: S3Bucket;
  readonly listings: Listings;
  readonly usage: UsageCounter;
  readonly recent: RecentFiles;
  readonly uploads = new Set<Promise<unknown>>();
  readonly closing = new AbortController();

  constructor(connection: S3Connection) {
    this.connection = connection;
    this.bucket = new S3Bucket(connection);
    this.listings = new Listings((prefix) => listPages(this.bucket, prefix));
    this.usage = new UsageCounter(() => listPages(this.bucket, '/'));
    this.recent = new RecentFiles(this.bucket);
  }

  async close(): Promise<void> {
    this.closing.abort(new CoreError('unavailable', 'the storage is closed'));
    // They tidy up behind themselves, for which they need the connection.
    await Promise.allSettled(this.uploads);
    await this.connection.close();
  }
}

/** The beginnings of files that were just asked for. */
class RecentFiles {
  readonly #bucket: S3Bucket;
  readonly #files = new LRUCache<string, Promise<Peeked | undefined>>({ max: MAX_RECENT, ttl: RECENT_MS });

  constructor(bucket: S3Bucket) {
    this.#bucket = bucket;
  }

  peek(name: string): Promise<Peeked | undefined> {
    const known = this.#files.get(name);
    if (known !== undefined) return known;
    const peeked = this.#bucket.peek(keyOf(name), HEAD_BYTES);
    this.#files.set(name, peeked);
    const forget = () => {
      if (this.#files.peek(name) === peeked) this.#files.delete(name);
    };
    // Only what is there is remembered: a file that was missing is looked for again.
    peeked.then((found) => {
      if (found === undefined) forget();
    }, forget);
    return peeked;
  }

  forget(name: string): void {
    this.#files.delete(name);
  }
}

class S3File implements OpenFile {
  readonly info: FileInfo;
  readonly version: string;
  readonly #peeked: Peeked;
  readonly #bucket: S3Bucket;

  constructor(name: string, peeked: Peeked, bucket: S3Bucket) {
    const { size, modified, etag } = peeked.object;
    this.info = { name, size, modified };
    this.version = etag.replace(/[^A-Za-z0-9-]/g, '') || `${size.toString(36)}-${modified.toString(36)}`;
    this.#peeked = peeked;
    this.#bucket = bucket;
  }

  read(start: number, end: number): Buffer | Readable {
    const { head, object } = this.#peeked;
    if (end <= head.length) return head.subarray(start, end);
    const closing = new AbortController();
    const known = head.subarray(start);
    const rest = this.#bucket.read(object, Math.max(start, head.length), end, closing.signal);
    const stream = Readable.from(concatenate(known, rest), { objectMode: false });
    return stream.once('close', () => {
      closing.abort();
    });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

async function* concatenate(first: Buffer, rest: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  if (first.length > 0) yield first;
  yield* rest;
}

async function* listPages(bucket: S3Bucket, prefix: string): AsyncGenerator<FileInfo[]> {
  for await (const page of bucket.pages(keyOf(prefix))) {
    yield page.flatMap(({ key, size, modified }) => {
      const name = `/${key}`;
      return name.endsWith(FAKE_DIRECTORY) ? [] : [{ name, size, modified }];
    });
  }
}

/** The key of a name. */
function keyOf(name: string): string {
  return name.slice(1);
}
