import { mkdirSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/**
 * Makes a directory, and those on the way to it, if it is not there. Not with Node's own `recursive`: that never ends where
 * a file system says that what is to be made does not exist, as `/proc` does.
 *
 * @throws the error of the system if it cannot be made.
 */
export function makeDirectory(path: string, mode: number): void {
  if (isDirectory(path)) return;
  const parent = dirname(path);
  if (parent !== path) makeDirectory(parent, mode);
  try {
    mkdirSync(path, { mode });
  } catch (error) {
    // Somebody else may have been faster.
    if (!isDirectory(path)) throw error;
  }
}

/** Where a file is, or would be made, once symbolic links are followed. */
export function realPath(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    // What is not there yet, or cannot be looked at, is where its directory is.
    const directory = dirname(file);
    return directory === file ? file : join(realPath(directory), basename(file));
  }
}

/** `throwIfNoEntry` still throws where a file stands in the place of a folder, or one may not look. */
function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}
