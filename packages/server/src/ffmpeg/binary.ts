import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { CoreError } from '../util/errors.ts';

/**
 * The absolute path of a program, searched in PATH if the name has no slash. Throws `not_found`.
 * In one go: a start waits for FFmpeg longest, so that has to run before the rest is set up.
 *
 * @param path the directories to search, as in the environment variable.
 */
export function findBinary(name: string, path = process.env['PATH'] ?? ''): string {
  const directories = path.split(delimiter).filter((directory) => directory !== '');
  const candidates = name.includes('/') ? [name] : directories.map((directory) => join(directory, name));
  for (const candidate of candidates) {
    if (name !== '' && isExecutable(candidate)) return resolve(candidate);
  }
  throw new CoreError('not_found', `the program '${name}' was not found or cannot be executed`);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

const RELEASE = /^n?(\d+)\.(\d+)(?:\.(\d+))?/;

/**
 * The version in numbers, with three parts, of the text that `ffmpeg -version` prints: `5.1.9-0+deb12u1` is
 * `5.1.9`, `n6.0-12-gabc` is `6.0.0`. `undefined` for development builds without a release number.
 */
export function parseRelease(version: string): string | undefined {
  const parts = RELEASE.exec(version);
  return parts ? `${Number(parts[1])}.${Number(parts[2])}.${Number(parts[3] ?? 0)}` : undefined;
}
