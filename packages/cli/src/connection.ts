import { Client, type Tokens } from '@millrace/client';
import { type Environment, variable } from './environment.ts';
import { CommandError, UsageError } from './errors.ts';
import { EXIT } from './exit-codes.ts';
import type { Profile, Profiles } from './profiles.ts';

/** Where a server is that nobody has named. */
export const DEFAULT_URL = 'http://127.0.0.1:8080';

/** A client of the server that was chosen. */
export interface Connection {
  client: Client;
  /** Where the server is. */
  url: string;
  /** The profile whose session it is; undefined if the environment says all. */
  profile: string | undefined;
  /** Resolves when new tokens are kept. */
  settled: () => Promise<void>;
}

export interface ConnectionOptions {
  env: Environment;
  profiles: Profiles;
  /** In place of the profile's. */
  url?: string | undefined;
  /** How long the server may keep silent, in milliseconds. */
  timeout?: number | undefined;
}

/**
 * Finds out which server is meant and what to log in with: what is asked for, then the environment, then the profile.
 * The tokens of a profile go to no other server than its own. New ones are kept in the profile.
 *
 * @throws UsageError if the environment contradicts itself.
 */
export async function openConnection({
  env,
  profiles,
  url,
  timeout,
}: ConnectionOptions): Promise<Connection> {
  const name = await profiles.currentName();
  const profile = await profiles.read(name);
  const baseUrl = checkedUrl(url ?? variable(env, 'MILLRACE_URL') ?? profile?.url ?? DEFAULT_URL);
  const given = credentials(env);
  const isOwn = given === undefined && profile !== undefined && checkedUrl(profile.url) === baseUrl;

  let writing: Promise<void> = Promise.resolve();
  const keep = (tokens: Tokens) => {
    writing = writing.then(() => keepTokens(profiles, name, profile, tokens));
    // Whoever waits for it is told; nobody may.
    writing.catch(() => undefined);
  };
  const session = isOwn && { ...sessionOf(profile), onTokens: keep };
  const client = new Client({ baseUrl, timeout, ...given, ...session });
  return { client, url: client.baseUrl, profile: isOwn ? name : undefined, settled: () => writing };
}

/**
 * The address with a protocol and without a slash at its end.
 *
 * @throws UsageError if it is none.
 */
export function checkedUrl(text: string): string {
  const full = /^[a-z][a-z0-9+.-]*:\/\//i.test(text)
    ? text
    : `${isLoopback(text) ? 'http' : 'https'}://${text}`;
  const url = URL.parse(full);
  if (url === null || !/^https?:$/.test(url.protocol) || url.hostname === '') {
    throw new UsageError(
      `${JSON.stringify(text)} is not the address of a server`,
      'it looks like https://example.com or http://127.0.0.1:8080',
    );
  }
  if (url.username !== '' || url.password !== '') {
    throw new UsageError('the address of a server has no user and no password in it', 'use millrace login');
  }
  return (url.origin + url.pathname).replace(/\/+$/, '');
}

/** Whether what is sent there does not leave the machine, or is encrypted. */
export function isPrivate(url: string): boolean {
  const { protocol, host } = new URL(url);
  return protocol === 'https:' || isLoopback(host);
}

function isLoopback(host: string): boolean {
  return /^(localhost|127(\.\d+){3}|\[::1\])(:\d+)?(\/|$)/i.test(host);
}

function credentials(env: Environment) {
  const username = env['MILLRACE_USERNAME'] ?? '';
  const password = env['MILLRACE_PASSWORD'] ?? '';
  const accessToken = variable(env, 'MILLRACE_ACCESS_TOKEN');
  const refreshToken = variable(env, 'MILLRACE_REFRESH_TOKEN');
  const tokens = (accessToken ?? refreshToken) ? { accessToken, refreshToken } : undefined;
  if (username === '' && password === '') return tokens;
  if (username === '' || password === '') {
    throw new UsageError('MILLRACE_USERNAME and MILLRACE_PASSWORD are only of use together');
  }
  return { ...tokens, username, password };
}

function sessionOf({ access_token, refresh_token }: Profile): {
  accessToken?: string;
  refreshToken?: string;
} {
  return {
    ...(access_token !== '' && { accessToken: access_token }),
    ...(refresh_token !== '' && { refreshToken: refresh_token }),
  };
}

/** Unless somebody has logged in or out in the meantime. */
async function keepTokens(
  profiles: Profiles,
  name: string,
  before: Profile | undefined,
  { accessToken = '', refreshToken = '' }: Tokens,
): Promise<void> {
  const present = await profiles.read(name);
  if (present === undefined || present.refresh_token !== before?.refresh_token) return;
  await profiles.write(name, { ...present, access_token: accessToken, refresh_token: refreshToken });
}

/** What to do where the server does not know who is asking. */
export function notLoggedIn(url: string, cause?: unknown): CommandError {
  return new CommandError(`not logged in to ${url}`, {
    exitCode: EXIT.unauthorized,
    hint: `log in first: millrace login ${url}`,
    cause,
  });
}
