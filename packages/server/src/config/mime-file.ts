import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Kind, file } from './kinds.ts';

/** The default of `storage.mimetypes_file`. */
export const DEFAULT_MIME_FILE = './mime.types';

/** What comes with the server. */
export const SHIPPED_MIME_FILE = fileURLToPath(new URL('../../mime.types', import.meta.url));

/**
 * The absolute path of the file of MIME types to read: the one that comes with the server if none is
 * named, or the default is not there.
 */
export function mimeFileOf(setting: string, cwd: string): string {
  const path = resolve(cwd, setting);
  const isShipped = setting === '' || (setting === DEFAULT_MIME_FILE && !existsSync(path));
  return isShipped ? SHIPPED_MIME_FILE : path;
}

/** A file of MIME types. One that was asked for must exist; the default may be missing. */
export const mimeFile: Kind<string> = {
  ...file,
  check: (value, where) => (value === DEFAULT_MIME_FILE ? [] : file.check(value, where)),
};
