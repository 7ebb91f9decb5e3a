import { posix } from 'node:path';
import { CoreError } from '../util/errors.ts';

/** As on Linux. */
const MAX_PATH_BYTES = 4096;

/**
 * The one form of a path: absolute, without dot segments, repeated or trailing slashes. Never above the root.
 *
 * @throws CoreError `invalid` if it holds NUL or is longer than 4096 bytes.
 */
export function cleanPath(path: string): string {
  if (path.includes('\0') || Buffer.byteLength(path) > MAX_PATH_BYTES) {
    throw new CoreError('invalid', 'invalid path');
  }
  const clean = posix.normalize(`/${path}`);
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
