import { closeSync, copyFileSync, existsSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Replaces a file by one that `write` fills, in such a way that after a power cut the old or the new one is
 * there whole. The file is readable by its owner only.
 *
 * @param write is given the path of an empty file.
 */
export function replaceDurably(path: string, write: (temporary: string) => void): void {
  const temporary = `${path}.tmp`;
  rmSync(temporary, { force: true });
  closeSync(openSync(temporary, 'wx', 0o600));
  try {
    write(temporary);
    sync(temporary);
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
  sync(dirname(path));
}

/** Copies a file; the copy is there whole or not at all. */
export function copyDurably(from: string, to: string): void {
  replaceDurably(to, (temporary) => {
    copyFileSync(from, temporary);
  });
}

/**
 * Moves a database out of the way, with the journals that belong to it: they must not be applied to another.
 *
 * @param stamp makes the new name, `<path>.damaged-<stamp>`, one of its own.
 * @returns the new path.
 */
export function moveAside(path: string, stamp: number): string {
  const target = `${path}.damaged-${stamp}`;
  for (const suffix of ['-wal', '-shm', '']) {
    if (existsSync(path + suffix)) renameSync(path + suffix, target + suffix);
  }
  sync(dirname(path));
  return target;
}

function sync(path: string): void {
  const file = openSync(path, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
