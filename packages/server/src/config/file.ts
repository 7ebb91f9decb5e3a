import { copyFile, mkdir, readFile, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { constants, statSync } from 'node:fs';
import { ConfigVersion } from '@millrace/api';
import writeFileAtomic from 'write-file-atomic';
import { decodeJson } from '../util/decode.ts';
import { errorText } from '../util/errors.ts';
import { JsonError, parseJsonText } from '../util/json.ts';
import type { Surroundings } from './kinds.ts';
import { CURRENT_VERSION, completeOldFile, upgradeConfig } from './migrate.ts';
import { type Config, decodeConfig } from './schema.ts';
import { defaultConfig, withoutUnusedAdditions } from './variables.ts';

/** The largest file that is read, in bytes. */
const MAX_SIZE = 16 * 1024 * 1024;
const FILE_MODE = 0o600;

/** The file cannot be used as a configuration; the text says why. */
export class ConfigFileError extends Error {
  override readonly name = 'ConfigFileError';
}

/** What a configuration file held. */
export interface FileContent {
  config: Config;
  /** Layout of the file. */
  version: number;
  text: string;
  /** Whether others than the owner may read it. */
  isExposed: boolean;
}

/**
 * The path of the configuration file: the one that is asked for, or the last of the well-known ones that exists. The
 * directory of a well-known one is made.
 *
 * @throws ConfigFileError if the directory of the file that is asked for does not exist.
 */
export async function findConfigFile({ env, cwd }: Surroundings): Promise<string> {
  const asked = env['CORE_CONFIGFILE'] ?? '';
  if (asked !== '') {
    const path = resolve(cwd, asked);
    const folder = statSync(dirname(path), { throwIfNoEntry: false });
    if (folder?.isDirectory() === true) return path;
    throw new ConfigFileError(`the directory of the config file '${path}' does not exist`);
  }
  const home = env['HOME'] ?? '';
  const userFolder = (env['XDG_CONFIG_HOME'] ?? '') || (home && join(home, '.config'));
  const folders = [userFolder, home && join(home, '.config')]
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, 'datarhei-core'));
  const candidates = [...folders, join(cwd, 'config')].flatMap((folder) => [
    join(folder, 'config.js'),
    join(folder, 'config.json'),
  ]);
  const path = candidates.findLast(isFile) ?? join(cwd, 'config', 'config.json');
  await mkdir(dirname(path), { recursive: true, mode: 0o740 }).catch((error: unknown) => {
    throw new ConfigFileError(`failed to create '${dirname(path)}': ${errorText(error)}`, { cause: error });
  });
  return path;
}

/**
 * Reads a configuration file of any layout.
 *
 * @returns `undefined` if there is no file, or nothing in it.
 * @throws ConfigFileError if it cannot be read or holds no configuration.
 */
export async function readConfigFile(path: string): Promise<FileContent | undefined> {
  try {
    const stats = await stat(path).catch(unlessMissing);
    if (stats === undefined || (stats.isFile() && stats.size === 0)) return undefined;
    if (!stats.isFile()) throw new ConfigFileError('not a regular file');
    if (stats.size > MAX_SIZE) throw new ConfigFileError('too large');
    const text = await readFile(path, 'utf8');
    return { ...parseConfig(text), text, isExposed: (stats.mode & 0o077) !== 0 };
  } catch (error) {
    throw new ConfigFileError(`failed to read JSON from '${path}': ${errorText(error)}`, { cause: error });
  }
}

/**
 * Replaces the file at once by a complete and durable new one that only its owner can read. The one before stays beside
 * it as `….bak`; one of an old layout also as `….v<N>.bak`.
 */
export async function writeConfigFile(path: string, config: Config, before?: FileContent): Promise<void> {
  if (before !== undefined) {
    if (before.version !== CURRENT_VERSION) await keepOld(path, `${path}.v${before.version}.bak`);
    // Who resets a password as root leaves both files with the user of the server.
    const { uid, gid } = await stat(path);
    await writeFileAtomic(`${path}.bak`, before.text, { mode: FILE_MODE, chown: { uid, gid } });
  }
  await writeFileAtomic(path, configText(config), { mode: FILE_MODE });
}

/** The text of the file. */
export function configText(config: Config): string {
  return JSON.stringify(withoutUnusedAdditions(config), null, 4);
}

/** The layout of parsed JSON, 0 if it names none. Throws JsonError if it names something else than a number. */
export function versionOf(value: unknown): number {
  return decodeJson(ConfigVersion, value, { version: 0 }).version;
}

export function isKnownVersion(version: number): boolean {
  return version >= 1 && version <= CURRENT_VERSION;
}

function parseConfig(text: string): { config: Config; version: number } {
  const json = parseJsonText(text);
  const version = versionOf(json);
  if (!isKnownVersion(version)) {
    throw new JsonError(
      `unknown configuration layout version (found version ${version}, expecting version ${CURRENT_VERSION})`,
    );
  }
  // With a version in it, it is an object.
  const object = json as Record<string, unknown>;
  const upgraded = upgradeConfig(version === CURRENT_VERSION ? object : completeOldFile(object), version);
  return { config: decodeConfig(upgraded, defaultConfig()), version };
}

/** An earlier copy is the older one and stays. */
async function keepOld(path: string, copy: string): Promise<void> {
  await copyFile(path, copy, constants.COPYFILE_EXCL).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  });
}

function unlessMissing(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
}

function isFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
