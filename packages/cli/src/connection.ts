import { Client, type StoredToken, type Tokens } from '@millrace/client';
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
  const session = isOwn ? new ProfileSession(profiles, name, profile) : undefined;
  const client = new Client({ baseUrl, timeout, ...given, ...session?.options });
  return {
    client,
    url: client.baseUrl,
    profile: isOwn ? name : undefined,
    settled: () => session?.settled ?? Promise.resolve(),
  };
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

/** The session of a profile, which other commands may end or begin anew while this one runs. */
class ProfileSession {
  readonly #profiles: Profiles;
  readonly #name: string;
  /** As this command knows it. */
  #profile: Profile;
  /** Resolves when new tokens are kept. */
  settled: Promise<void> = Promise.resolve();

  constructor(profiles: Profiles, name: string, profile: Profile) {
    this.#profiles = profiles;
    this.#name = name;
    this.#profile = profile;
  }

  get options(): {
    accessToken?: string;
    refreshToken?: StoredToken;
    onTokens: (tokens: Tokens) => void;
  } {
    const { access_token, refresh_token } = this.#profile;
    return {
      ...(access_token !== '' && { accessToken: access_token }),
      ...(refresh_token !== '' && { refreshToken: () => this.#refreshToken() }),
      onTokens: (tokens) => {
        this.settled = this.settled.then(() => this.#keep(tokens));
        // Whoever waits for it is told; nobody may.
        this.settled.catch(() => undefined);
      },
    };
  }

  async #refreshToken(): Promise<string | undefined> {
    const present = await this.#profiles.read(this.#name);
    // The profile may be of another server by now, which this one's command must not tell it.
    if (present?.url !== this.#profile.url) return undefined;
    this.#profile = present;
    return present.refresh_token;
  }

  /** Unless somebody has logged in or out in the meantime. */
  async #keep({ accessToken = '', refreshToken = '' }: Tokens): Promise<void> {
    const present = await this.#profiles.read(this.#name);
    const { url, refresh_token } = this.#profile;
    if (present?.url !== url || present.refresh_token !== refresh_token) return;
    await this.#profiles.write(this.#name, {
      ...present,
      access_token: accessToken,
      refresh_token: refreshToken,
    });
  }
}

/** What to do where the server does not know who is asking. */
export function notLoggedIn(url: string, cause?: unknown): CommandError {
  return new CommandError(`not logged in to ${url}`, {
    exitCode: EXIT.unauthorized,
    hint: `log in first: millrace login ${url}`,
    cause,
  });
}
