import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { checkedUrl, isPrivate, openConnection } from './connection.ts';
import { Profiles } from './profiles.ts';

const SERVER = 'https://example.com';
const PROFILE = { url: SERVER, username: 'admin', access_token: 'access', refresh_token: 'refresh' };

let folder = '';
let profiles: Profiles;
beforeEach(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'millrace-connection-'));
  profiles = new Profiles({ MILLRACE_CONFIG_DIR: folder });
  await profiles.write('default', PROFILE);
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

async function open(env: Record<string, string> = {}, url?: string) {
  const { client, profile } = await openConnection({ env, profiles, url });
  return { url: client.baseUrl, profile, ...client.tokens() };
}

describe('a connection', () => {
  test('has the address and the session of the profile', async () => {
    const session = { profile: 'default', accessToken: 'access', refreshToken: 'refresh' };
    expect(await open()).toEqual({ url: SERVER, ...session });
    expect(await open({}, `${SERVER}/`)).toEqual({ url: SERVER, ...session });
  });

  test.each([
    [{ MILLRACE_URL: 'https://other.example.com' }, undefined, 'https://other.example.com'],
    [{ MILLRACE_URL: 'https://other.example.com' }, 'https://asked.example.com', 'https://asked.example.com'],
    [{}, 'http://example.com', 'http://example.com'],
    [{}, 'https://example.com:444', 'https://example.com:444'],
    [{}, 'https://example.com/below', 'https://example.com/below'],
  ])('sends the session to no other server: %j, %s', async (env, url, expected) => {
    expect(await open(env, url)).toEqual({
      url: expected,
      profile: undefined,
      accessToken: undefined,
      refreshToken: undefined,
    });
  });

  test('has what the environment says in place of the session', async () => {
    expect(await open({ MILLRACE_ACCESS_TOKEN: 'mine' })).toEqual({
      url: SERVER,
      profile: undefined,
      accessToken: 'mine',
      refreshToken: undefined,
    });
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
