import { chmod, mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { type Environment, variable } from './environment.ts';
import { CommandError, UsageError } from './errors.ts';
import { EXIT } from './exit-codes.ts';
import { PRIVATE_MODE, writePrivate } from './private-file.ts';

/** A server and the session with it. */
export interface Profile {
  /** Address of the server: `https://example.com`, or with a path below which it is. */
  url: string;
  /** Who has logged in; empty where nobody has to. */
  username: string;
  access_token: string;
  refresh_token: string;
}

/** The name of the first profile. */
export const DEFAULT_PROFILE = 'default';

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
/** The largest file that is read, in bytes. */
const MAX_SIZE = 64 * 1024;
const FOLDER_MODE = 0o700;

/**
 * The profiles of the user: a file each, so that commands that run at the same time do not undo each other's changes.
 * Only the user can read them, and each is replaced at once.
 */
export class Profiles {
  readonly #folder: string;
  readonly #selected: string | undefined;

  constructor(env: Environment, selected?: string) {
    this.#folder = profileFolder(env);
    this.#selected = selected ?? variable(env, 'MILLRACE_PROFILE');
  }

  /** The name that was asked for, else of the profile in use. */
  async currentName(): Promise<string> {
    if (this.#selected !== undefined) return checked(this.#selected);
    const text = await readPrivate(path.join(this.#folder, 'current'));
    return text !== undefined && NAME.test(text.trim()) ? text.trim() : DEFAULT_PROFILE;
  }

  /** Makes it the profile in use. */
  async use(name: string): Promise<void> {
    await this.#write('current', `${checked(name)}\n`);
  }

  /** The names of all profiles. */
  async names(): Promise<string[]> {
    const files = await readdir(path.join(this.#folder, 'profiles')).catch(unlessMissing);
    return (files ?? [])
      .filter((file) => file.endsWith('.json'))
      .map((file) => path.basename(file, '.json'))
      .filter((name) => NAME.test(name))
      .sort();
  }

  /** @throws CommandError if the file is none of ours. */
  async read(name: string): Promise<Profile | undefined> {
    const file = this.#file(name);
    const text = await readPrivate(file);
    if (text === undefined) return undefined;
    const profile = parseProfile(text);
    if (profile !== undefined) return profile;
    throw new CommandError(`the profile in ${file} is damaged`, { hint: 'remove the file and log in again' });
  }

  async write(name: string, profile: Profile): Promise<void> {
    const file = path.join('profiles', path.basename(this.#file(name)));
    await this.#write(file, `${JSON.stringify(profile, null, 2)}\n`);
  }

  /** Whether there was one. */
  async remove(name: string): Promise<boolean> {
    const file = this.#file(name);
    const exists = (await stat(file).catch(unlessMissing)) !== undefined;
    await rm(file, { force: true });
    return exists;
  }

  /** Where the profile is kept. */
  fileOf(name: string): string {
    return this.#file(name);
  }

  #file(name: string): string {
    return path.join(this.#folder, 'profiles', `${checked(name)}.json`);
  }

  async #write(name: string, text: string): Promise<void> {
    const file = path.join(this.#folder, name);
    try {
      await mkdir(path.dirname(file), { recursive: true, mode: FOLDER_MODE });
      await writePrivate(file, text);
    } catch (error) {
      throw new CommandError(`the profile cannot be kept: ${(error as Error).message}`, { cause: error });
    }
  }
}

/** Where the profiles are: `MILLRACE_CONFIG_DIR`, else below the user's folder for settings. */
export function profileFolder(env: Environment): string {
  const asked = variable(env, 'MILLRACE_CONFIG_DIR');
  if (asked !== undefined) return path.resolve(asked);
  const xdg = variable(env, 'XDG_CONFIG_HOME');
  // The XDG specification has relative paths ignored.
  if (xdg !== undefined && path.isAbsolute(xdg)) return path.join(xdg, 'millrace');
  const appData = variable(env, 'APPDATA');
  if (process.platform === 'win32' && appData !== undefined) return path.join(appData, 'millrace');
  return path.join(variable(env, 'HOME') ?? homedir(), '.config', 'millrace');
}

function checked(name: string): string {
  if (NAME.test(name)) return name;
  throw new UsageError(
    `${JSON.stringify(name)} cannot be the name of a profile`,
    'use letters, digits, dots, dashes and underscores',
  );
}

function parseProfile(text: string): Profile | undefined {
  try {
    const value = JSON.parse(text) as Partial<Profile> | null;
    const { url, username = '', access_token = '', refresh_token = '' } = value ?? {};
    const profile = { url, username, access_token, refresh_token };
    return Object.values(profile).every((member) => typeof member === 'string')
      ? (profile as Profile)
      : undefined;
  } catch {
    return undefined;
  }
}

/** The text of a file that only its owner can read, from now on. Undefined if there is none. */
async function readPrivate(file: string): Promise<string | undefined> {
  try {
    const stats = await stat(file).catch(unlessMissing);
    if (stats === undefined) return undefined;
    if (!stats.isFile() || stats.size > MAX_SIZE) throw new Error('not a file of this program');
    if (process.platform !== 'win32' && (stats.mode & 0o077) !== 0) await chmod(file, PRIVATE_MODE);
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new CommandError(`${file}: ${(error as Error).message}`, { exitCode: EXIT.failed, cause: error });
  }
}

function unlessMissing(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
}
