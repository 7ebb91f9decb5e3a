import type { Dirent } from 'node:fs';
import { lstat, readdir, realpath, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { FileInfo } from './filesystem.ts';

/** How the names of uploads under way begin. They are not listed. */
export const UPLOAD_PREFIX = '.millrace-upload-';

/** An upload that has not grown for so long is what a crash left over. */
const LEFTOVER_AGE_MS = 60 * 60 * 1000;
/** How many files are looked at side by side. */
const BATCH = 64;

/**
 * All files and symbolic links below a directory, in no order. Links to directories are not descended; what cannot
 * be read or vanishes meanwhile is left out.
 *
 * @param root the real path of the filesystem's root.
 * @param base the clean path below the root to begin at.
 */
export async function* walk(root: string, base: string): AsyncGenerator<FileInfo> {
  const start = base === '/' ? root : root + base;
  // Nothing is found below a link from the root either.
  if ((await realpath(start).catch(() => undefined)) !== start) return;
  const pending = [base === '/' ? '' : base];
  for (let directory = pending.pop(); directory !== undefined; directory = pending.pop()) {
    const entries = await readdir(root + directory + '/', { withFileTypes: true }).catch(() => []);
    for (const entry of entries) {
      if (entry.isDirectory()) pending.push(`${directory}/${entry.name}`);
    }
    const files = entries.filter((entry) => entry.isFile() || entry.isSymbolicLink());
    for (let i = 0; i < files.length; i += BATCH) {
      const infos = await Promise.all(files.slice(i, i + BATCH).map((entry) => look(root, directory, entry)));
      for (const info of infos) if (info !== undefined) yield info;
    }
  }
}

async function look(root: string, directory: string, entry: Dirent): Promise<FileInfo | undefined> {
  const name = `${directory}/${entry.name}`;
  const path = join(root, name);
  const stats = await lstat(path).catch(() => undefined);
  if (stats === undefined) return undefined;
  if (entry.name.startsWith(UPLOAD_PREFIX)) {
    if (Date.now() - stats.mtimeMs > LEFTOVER_AGE_MS) await unlink(path).catch(() => undefined);
    return undefined;
  }
  return { name, size: stats.size, modified: stats.mtimeMs };
}
