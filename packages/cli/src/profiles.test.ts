import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { profileFolder, Profiles, type Profile } from './profiles.ts';

const PROFILE: Profile = {
  url: 'http://127.0.0.1:8080',
  username: 'admin',
  access_token: 'a',
  refresh_token: 'r',
};

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'millrace-profiles-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

function profiles(selected?: string, env: Record<string, string> = {}): Profiles {
  return new Profiles({ MILLRACE_CONFIG_DIR: folder, ...env }, selected);
}

describe('profiles', () => {
  test('are read back as they were written, by names', async () => {
    await profiles().write('studio', PROFILE);
    await profiles().write('default', { ...PROFILE, url: 'https://example.com' });
    expect(await profiles().names()).toEqual(['default', 'studio']);
    expect(await profiles().read('studio')).toEqual(PROFILE);
    expect(await profiles().read('none')).toBeUndefined();
  });

  test('can be read by their owner only, whatever the umask, and leave nothing beside them', async () => {
    const before = process.umask(0);
    try {
      await profiles().write('default', PROFILE);
      await profiles().write('default', PROFILE);
    } finally {
      process.umask(before);
    }
    expect(statSync(path.join(folder, 'profiles')).mode & 0o777).toBe(0o700);
    expect(statSync(path.join(folder, 'profiles/default.json')).mode & 0o777).toBe(0o600);
    expect(readdirSync(path.join(folder, 'profiles'))).toEqual(['default.json']);
  });

  test('that others could read are closed to them', async () => {
    await profiles().write('default', PROFILE);
    const file = path.join(folder, 'profiles/default.json');
    chmodSync(file, 0o644);
    expect(await profiles().read('default')).toEqual(PROFILE);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  test('the one in use is what was asked for, else the environment says, else what was chosen', async () => {
    expect(await profiles().currentName()).toBe('default');
    await profiles().use('studio');
    expect(await profiles().currentName()).toBe('studio');
    expect(await profiles(undefined, { MILLRACE_PROFILE: 'env' }).currentName()).toBe('env');
    expect(await profiles('asked', { MILLRACE_PROFILE: 'env' }).currentName()).toBe('asked');
  });

  test('have names that are no paths', async () => {
    await expect(profiles('../x').currentName()).rejects.toThrow('cannot be the name of a profile');
    await expect(profiles().write('a/b', PROFILE)).rejects.toThrow('cannot be the name of a profile');
  });

  test.each(['', '{', 'null', '[]', '{"url":5}', '{"username":"x"}'])('damage is told: %j', async (text) => {
    mkdirSync(path.join(folder, 'profiles'));
    writeFileSync(path.join(folder, 'profiles/default.json'), text);
    await expect(profiles().read('default')).rejects.toThrow('is damaged');
  });

  test('say whether there was one to remove', async () => {
    await profiles().write('studio', PROFILE);
    expect(await profiles().remove('studio')).toBe(true);
    expect(await profiles().remove('studio')).toBe(false);
  });
});

test.each([
  [{ MILLRACE_CONFIG_DIR: '/a', XDG_CONFIG_HOME: '/b', HOME: '/c' }, '/a'],
  [{ XDG_CONFIG_HOME: '/b', HOME: '/c' }, '/b/millrace'],
  [{ XDG_CONFIG_HOME: 'relative', HOME: '/c' }, '/c/.config/millrace'],
  [{ HOME: '/c' }, '/c/.config/millrace'],
])('with %j they are in %s', (env, expected) => {
  expect(profileFolder(env)).toBe(expected);
});
