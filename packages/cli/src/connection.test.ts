import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { checkedUrl, isPrivate, openConnection } from './connection.ts';
import { Profiles } from './profiles.ts';

const SERVER = 'https://example.com';
const PROFILE = { url: SERVER, username: 'admin', access_token: 'access', refresh_token: 'refresh' };

let folder = '';
let profiles: Profiles;
/** The tokens that were sent, each with where to. */
let sent: string[];
beforeEach(async () => {
  sent = [];
  vi.stubGlobal('fetch', (url: string, { headers }: RequestInit) => {
    const [, token] = new Headers(headers).get('authorization')?.split(' ') ?? [];
    if (token !== undefined) sent.push(`${token} to ${url}`);
    return Promise.resolve(Response.json({ message: 'Unauthorized', details: [] }, { status: 401 }));
  });
  folder = mkdtempSync(path.join(tmpdir(), 'millrace-connection-'));
  profiles = new Profiles({ MILLRACE_CONFIG_DIR: folder });
  await profiles.write('default', PROFILE);
});
afterEach(() => {
  vi.unstubAllGlobals();
  rmSync(folder, { recursive: true });
});

async function open(env: Record<string, string> = {}, url?: string) {
  const { client, profile } = await openConnection({ env, profiles, url });
  return { client, url: client.baseUrl, profile };
}

/** What a call that is refused tries. */
async function tokensSent(env: Record<string, string> = {}, url?: string) {
  const { client } = await open(env, url);
  await client.skills.get().catch(() => undefined);
  return sent;
}

const REFRESH = `${SERVER}/api/login/refresh`;
const SKILLS = `${SERVER}/api/v3/skills`;

describe('a connection', () => {
  test('has the address and the session of the profile', async () => {
    expect(await open()).toMatchObject({ url: SERVER, profile: 'default' });
    expect(await open({}, `${SERVER}/`)).toMatchObject({ url: SERVER, profile: 'default' });
    expect(await tokensSent()).toEqual([`access to ${SKILLS}`, `refresh to ${REFRESH}`]);
  });

  test('takes over the session that was begun in the meantime, but not that with another server', async () => {
    const { client } = await open();
    await profiles.write('default', { ...PROFILE, refresh_token: 'newer' });
    await client.refresh().catch(() => undefined);
    await profiles.write('default', { ...PROFILE, url: 'https://other.example.com', refresh_token: 'other' });
    await client.refresh().catch(() => undefined);
    expect(sent).toEqual([`newer to ${REFRESH}`]);
  });

  test.each([
    [{ MILLRACE_URL: 'https://other.example.com' }, undefined, 'https://other.example.com'],
    [{ MILLRACE_URL: 'https://other.example.com' }, 'https://asked.example.com', 'https://asked.example.com'],
    [{}, 'http://example.com', 'http://example.com'],
    [{}, 'https://example.com:444', 'https://example.com:444'],
    [{}, 'https://example.com/below', 'https://example.com/below'],
  ])('sends the session to no other server: %j, %s', async (env, url, expected) => {
    expect(await open(env, url)).toMatchObject({ url: expected, profile: undefined });
    expect(await tokensSent(env, url)).toEqual([]);
  });

  test('has what the environment says in place of the session', async () => {
    expect(await open({ MILLRACE_ACCESS_TOKEN: 'mine' })).toMatchObject({ url: SERVER, profile: undefined });
    expect(await tokensSent({ MILLRACE_ACCESS_TOKEN: 'mine' })).toEqual([`mine to ${SKILLS}`]);
    expect(await open({ MILLRACE_USERNAME: 'a', MILLRACE_PASSWORD: 'b' })).toMatchObject({
      profile: undefined,
    });
  });

  test('wants a user name and a password, or neither', async () => {
    await expect(open({ MILLRACE_PASSWORD: 'b' })).rejects.toThrow('only of use together');
  });
});

test.each([
  ['example.com', 'https://example.com'],
  ['127.0.0.1:8080', 'http://127.0.0.1:8080'],
  ['localhost:8080/', 'http://localhost:8080'],
  ['[::1]:8080', 'http://[::1]:8080'],
  ['localhost.example.com', 'https://localhost.example.com'],
  ['https://example.com/media/', 'https://example.com/media'],
  ['HTTP://Example.com:80', 'http://example.com'],
])('the address %s is %s', (text, url) => {
  expect(checkedUrl(text)).toBe(url);
});

test.each(['ftp://example.com', 'http://', 'https://user:pass@example.com', 'a b'])(
  '%s is no address',
  (text) => {
    expect(() => checkedUrl(text)).toThrow(/address of a server/);
  },
);

test.each([
  ['http://127.0.0.1:8080', true],
  ['http://localhost', true],
  ['http://[::1]:1', true],
  ['https://example.com', true],
  ['http://example.com', false],
  ['http://127.0.0.1.example.com', false],
])('%s is private: %j', (url, expected) => {
  expect(isPrivate(url)).toBe(expected);
});
