import { posix } from 'node:path';
import { CoreError } from '../util/errors.ts';
import { MAX_BYTES_A_CHARACTER } from '../util/text.ts';

/** As on Linux. */
const MAX_PATH_BYTES = 4096;

/** Dot segments, repeated or trailing slashes, or what might be such. */
const UNCLEAN = /\/(?:[./]|$)/;

/** The path of a URL without dot segments and repeated slashes; a trailing one stays. Never above the root. */
export function normalizePath(path: string): string {
  // Nearly all paths are as they should be, which is told for less.
  return path.startsWith('/') && !UNCLEAN.test(path) ? path : posix.normalize(`/${path}`);
}

/**
 * The one form of a path: absolute, without dot segments, repeated or trailing slashes. Never above the root.
 *
 * @throws CoreError `invalid` if it holds NUL or is longer than 4096 bytes.
 */
export function cleanPath(path: string): string {
  if (path.includes('\0') || isTooLong(path)) throw new CoreError('invalid', 'invalid path');
  const clean = normalizePath(path);
  return clean.length > 1 && clean.endsWith('/') ? clean.slice(0, -1) : clean;
}

/** Like {@link cleanPath}, for reading: an invalid path is that of no file. */
export function cleanPathIfValid(path: string): string | undefined {
  try {
    return cleanPath(path);
  } catch {
    return undefined;
  }
}

function isTooLong(path: string): boolean {
  // Of short paths, nothing has to be counted.
  return path.length * MAX_BYTES_A_CHARACTER > MAX_PATH_BYTES && Buffer.byteLength(path) > MAX_PATH_BYTES;
}
