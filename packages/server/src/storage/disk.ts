import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { lstat, mkdir, open, realpath, rename, rm, rmdir, stat, unlink } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { makeDirectory, realPath } from '../util/directory.ts';
import { CoreError } from '../util/errors.ts';
import { DiskFile } from './disk-file.ts';
import { UPLOAD_PREFIX, walk } from './disk-walk.ts';
import type { FileInfo, Filesystem, ListOptions, OpenFile, Usage, WriteOptions } from './filesystem.ts';
import { createGlob } from '../util/glob.ts';
import { cleanPath, cleanPathIfValid } from './path.ts';
import { type Claim, Quota } from './quota.ts';

export interface DiskOptions {
  dir: string;
  /** Whether the root is made if it does not exist. Without it there is no file. */
  isMade?: boolean;
  /** Largest sum of file sizes in bytes for writes through the server; 0 for none. */
  maxBytes: number;
}

/** How long a count of all files may be relied on; others write to the disk, too. */
const USAGE_MAX_AGE_MS = 5_000;
/** Errors that mean that there is no such file for us. */
const ABSENT = new Set(['ENOENT', 'ENOTDIR', 'EACCES', 'EPERM', 'ELOOP', 'ENAMETOOLONG', 'ENXIO', 'EISDIR']);
const REASONS: Readonly<Record<string, string>> = {
  EISDIR: 'is a directory',
  ENOTDIR: 'not a directory',
  EEXIST: 'not a directory',
  ENAMETOOLONG: 'file name too long',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'read-only file system',
  ELOOP: 'too many symbolic links',
  ENOSPC: 'no space left on device',
  EDQUOT: 'disk quota exceeded',
};

/** Files in a directory. Symbolic links are followed as long as they stay below it. */
export class DiskFilesystem implements Filesystem {
  readonly name = 'disk';
  readonly type = 'disk';
  readonly #dir: string;
  readonly #isMade: boolean;
  readonly #quota: Quota;
  #root = '';
  #counted: { at: number; usage: Promise<{ bytes: number; files: number }> } | undefined;

  constructor({ dir, isMade = true, maxBytes }: DiskOptions) {
    this.#dir = resolve(dir);
    this.#isMade = isMade;
    this.#quota = new Quota(quotaOptions(maxBytes), () => undefined);
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- a directory that cannot be made rejects
  async start(): Promise<void> {
    if (this.#isMade) makeDirectory(this.#dir, 0o755);
    this.#root = realPath(this.#dir);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** The root as it was given, absolute. */
  get directory(): string {
    return this.#dir;
  }

  /** Applies a new limit. Files that are there stay. */
  configure({ maxBytes }: Pick<DiskOptions, 'maxBytes'>): void {
    this.#quota.options = quotaOptions(maxBytes);
  }

  async list({ glob = '', prefix = '' }: ListOptions = {}): Promise<FileInfo[]> {
    const matches = glob === '' ? () => true : createGlob(glob, { separator: '/' });
    const base = cleanPathIfValid(prefix.slice(0, prefix.lastIndexOf('/') + 1));
    if (base === undefined) return [];
    const infos: FileInfo[] = [];
    for await (const info of walk(this.#root, base)) {
      if (info.name.startsWith(prefix) && matches(info.name)) infos.push(info);
    }
    return infos.sort((a, b) => a.modified - b.modified);
  }

  async open(path: string): Promise<OpenFile | undefined> {
    const name = cleanPathIfValid(path);
    const real = name === undefined || isUpload(name) ? undefined : await this.#resolve(name);
    if (name === undefined || real === undefined) return undefined;
    // Without O_NONBLOCK a named pipe would block until somebody writes to it.
    const handle = await unlessAbsent(open(real, constants.O_RDONLY | constants.O_NONBLOCK));
    return handle === undefined ? undefined : DiskFile.of(name, handle);
  }

  async isDirectory(path: string): Promise<boolean> {
    const name = cleanPathIfValid(path);
    const real = name === undefined ? undefined : await this.#resolve(name);
    const stats = real === undefined ? undefined : await unlessAbsent(stat(real));
    return stats?.isDirectory() ?? false;
  }

  async write(path: string, source: Readable, { size }: WriteOptions = {}): Promise<'created' | 'replaced'> {
    const name = cleanPath(path);
    if (name === '/' || isUpload(name))
      throw new CoreError('invalid', 'creating file failed: is a directory');
    if (this.#isLimited) await this.#count();
    const target = await this.#target(name);
    const old = await unlessAbsent(lstat(target));
    if (old?.isDirectory()) throw new CoreError('invalid', 'creating file failed: is a directory');

    const claim = this.#quota.claim(name, () => old?.size ?? 0);
    const upload = join(dirname(target), UPLOAD_PREFIX + randomUUID());
    try {
      if (size !== undefined) claim.expect(size);
      const written = await this.#receive(upload, source, claim);
      await this.#publish(upload, target);
      claim.close();
      this.#quota.stored += written - (old?.size ?? 0);
      return old === undefined ? 'created' : 'replaced';
    } finally {
      claim.close();
    }
  }

  async remove(path: string): Promise<boolean> {
    const name = cleanPathIfValid(path);
    if (name === undefined || name === '/' || isUpload(name)) return false;
    // The link itself goes, not what it points to.
    const directory = await this.#resolve(dirname(name));
    if (directory === undefined) return false;
    const target = join(directory, basename(name));
    const stats = await unlessAbsent(lstat(target));
    if (stats === undefined) return false;
    try {
      await (stats.isDirectory() ? rmdir(target) : unlink(target));
    } catch (error) {
      if (ABSENT.has(codeOf(error)) || codeOf(error) === 'ENOTEMPTY') return false;
      throw error;
    }
    if (stats.isFile()) this.#quota.stored -= stats.size;
    return true;
  }

  async usage(): Promise<Usage> {
    const { bytes, files } = await this.#count();
    return { bytes, files, limit: this.#isLimited ? this.#quota.options.limit : 0 };
  }

  /** Writes a file of its own for the upload, which is gone again if that fails. */
  async #receive(upload: string, source: Readable, claim: Claim): Promise<number> {
    const handle = await describe('creating file failed', open(upload, 'wx', 0o644));
    let written = 0;
    try {
      for await (const chunk of source.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
        claim.grow(chunk.length);
        await describe('reading data failed', handle.appendFile(chunk));
        written += chunk.length;
      }
      claim.complete();
    } catch (error) {
      await rm(upload, { force: true });
      throw error;
    } finally {
      await handle.close();
    }
    return written;
  }

  async #publish(upload: string, target: string): Promise<void> {
    try {
      await describe('creating file failed', rename(upload, target));
    } catch (error) {
      await rm(upload, { force: true });
      throw error;
    }
  }

  get #isLimited(): boolean {
    return this.#quota.options.limit !== Infinity;
  }

  /** Counts all files, unless that was done a moment ago. */
  async #count(): Promise<{ bytes: number; files: number }> {
    if (this.#counted === undefined || performance.now() - this.#counted.at > USAGE_MAX_AGE_MS) {
      const usage = this.#countAll();
      this.#counted = { at: performance.now(), usage };
      usage.catch(() => (this.#counted = undefined));
    }
    return this.#counted.usage;
  }

  async #countAll(): Promise<{ bytes: number; files: number }> {
    let bytes = 0;
    let files = 0;
    for await (const { size } of walk(this.#root, '/')) {
      bytes += size;
      files++;
    }
    this.#quota.stored = bytes;
    return { bytes, files };
  }

  /** The real path of what is there; undefined if nothing is, or if it lies outside the root. */
  async #resolve(name: string): Promise<string | undefined> {
    const real = await unlessAbsent(realpath(this.#root + name));
    return real !== undefined && this.#contains(real) ? real : undefined;
  }

  /** The real path for a file to be written, whose directories are made. */
  async #target(name: string): Promise<string> {
    const parent = dirname(name);
    const directory = (await this.#resolve(parent)) ?? (await this.#makeDirectory(parent));
    return join(directory, basename(name));
  }

  async #makeDirectory(name: string): Promise<string> {
    let directory = this.#root;
    for (const part of name.split('/').filter((text) => text !== '')) {
      const path = join(directory, part);
      const isPlain = await describe('creating file failed', makeUnlessThere(path));
      // Only for links: it looks at every directory above, which is not to be repeated for each of many.
      directory = isPlain ? path : await describe('creating file failed', realpath(path));
      if (!this.#contains(directory)) {
        throw new CoreError('invalid', 'creating file failed: outside of the filesystem');
      }
    }
    return directory;
  }

  #contains(real: string): boolean {
    return real === this.#root || real.startsWith(this.#root === '/' ? '/' : `${this.#root}/`);
  }
}

function quotaOptions(maxBytes: number): { limit: number; purge: false } {
  return { limit: maxBytes > 0 ? maxBytes : Infinity, purge: false };
}

/** Uploads under way have names of their own until they are complete. */
function isUpload(name: string): boolean {
  return basename(name).startsWith(UPLOAD_PREFIX);
}

/** Makes a directory unless something is there; whether it is a directory now, and no link to one. */
async function makeUnlessThere(path: string): Promise<boolean> {
  try {
    await mkdir(path, 0o755);
    return true;
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
    return (await lstat(path)).isDirectory();
  }
}

async function unlessAbsent<T>(promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise;
  } catch (error) {
    if (ABSENT.has(codeOf(error))) return undefined;
    throw error;
  }
}

/** Says what failed in words that tell nothing of the server's directories. */
async function describe<T>(what: string, promise: Promise<T>): Promise<T> {
  try {
    return await promise;
  } catch (error) {
    const code = codeOf(error);
    throw new CoreError('invalid', `${what}: ${REASONS[code] ?? code}`, { cause: error });
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
}
