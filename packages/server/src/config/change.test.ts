import { describe, expect, test } from 'vitest';
import { JsonError } from '../util/json.ts';
import { changeConfig } from './change.ts';
import { mergeEnvironment } from './env.ts';
import { PLACEHOLDER, redactConfig } from './redact.ts';
import type { Config } from './schema.ts';
import { defaultConfig } from './variables.ts';

function layers(prepare: (base: Config) => void = () => undefined, env: Record<string, string> = {}) {
  const base = defaultConfig();
  prepare(base);
  const { config, overridden } = mergeEnvironment(base, { cwd: '/', env });
  return { base, active: config, overridden };
}

const storage = (name: string, secret: string) => ({
  name,
  mountpoint: `/${name}`,
  auth: { enable: false, username: '', password: '' },
  endpoint: 'e',
  access_key_id: 'k',
  secret_access_key: secret,
  bucket: 'b',
  region: 'r',
  use_ssl: true,
});

describe('a change', () => {
  test('of nothing changes nothing', () => {
    const current = layers();
    expect(changeConfig(current, { version: 3 })).toEqual(current.base);
  });

  test('of one setting keeps the rest of its group', () => {
    const current = layers();
    const changed = changeConfig(current, { log: { max_lines: 500 } });
    expect(changed).toEqual({ ...current.base, log: { ...current.base.log, max_lines: 500 } });
  });

  test('null leaves scalars and groups and empties lists and maps', () => {
    const current = layers((base) => {
      base.router.routes = { '/a': '/b' };
    });
    const changed = changeConfig(current, {
      name: null,
      log: null,
      storage: { cors: { origins: null } },
      router: { routes: null },
    });
    expect(changed.name).toBe(current.base.name);
    expect(changed.log).toEqual(current.base.log);
    expect(changed.storage.cors.origins).toEqual([]);
    expect(changed.router.routes).toEqual({});
  });

  test('replaces lists and maps as a whole', () => {
    const current = layers((base) => {
      base.router.routes = { '/a': '/b' };
      base.api.auth.auth0.tenants = [{ domain: 'd', audience: 'a', clientid: 'c', users: ['u'] }];
    });
    const changed = changeConfig(current, {
      Router: { ROUTES: { '/c': '/d' } },
      api: { auth: { auth0: { tenants: [{ domain: 'd2' }] } } },
    });
    expect(changed.router.routes).toEqual({ '/c': '/d' });
    expect(changed.api.auth.auth0.tenants).toEqual([{ domain: 'd2', audience: '', clientid: '', users: [] }]);
  });

  test('ignores what is unknown', () => {
    const current = layers();
    expect(changeConfig(current, { color: 'red', log: { color: 'red' }, __proto__: { a: 1 } })).toEqual(
      current.base,
    );
  });

  test('of the wrong type is refused', () => {
    expect(() => changeConfig(layers(), { name: 5 })).toThrow(JsonError);
    expect(() => changeConfig(layers(), { log: { topics: 'http' } })).toThrow(
      "expect type '[]string' for 'log.topics'",
    );
  });
});

describe('settings of the environment', () => {
  const env = { CORE_API_AUTH_PASSWORD: 'from-env', CORE_LOG_TOPICS: 'a,b' };

  test('are not written down when they are only repeated', () => {
    const current = layers(undefined, env);
    expect(changeConfig(current, structuredClone(current.active))).toEqual(current.base);
  });

  test('can be changed for later', () => {
    const changed = changeConfig(layers(undefined, env), {
      api: { auth: { password: 'other' } },
      log: { topics: ['c'] },
    });
    expect(changed.api.auth.password).toBe('other');
    expect(changed.log.topics).toEqual(['c']);
  });
});

describe('hidden secrets', () => {
  const prepare = (base: Config) => {
    base.service.token = 'token';
    base.api.auth.jwt.previous_secrets = ['one', 'two'];
    base.rtmp.keys = { '/live/a': 'first-key', '/live/b': 'second-key' };
    base.storage.s3 = [storage('a', 'A'), storage('b', 'B')];
  };

  test('are not shown, and empty ones are seen to be empty', () => {
    const shown = redactConfig(layers(prepare).active);
    expect(shown.api.auth.jwt).toMatchObject({
      secret: PLACEHOLDER,
      previous_secrets: [PLACEHOLDER, PLACEHOLDER],
    });
    expect(shown.service.token).toBe(PLACEHOLDER);
    expect(shown.rtmp.keys).toEqual({ '/live/a': PLACEHOLDER, '/live/b': PLACEHOLDER });
    expect(shown.storage.s3.map((one) => one.secret_access_key)).toEqual([PLACEHOLDER, PLACEHOLDER]);
    expect(redactConfig(defaultConfig()).service.token).toBe('');
  });

  test('stay what they are when their placeholders come back', () => {
    const current = layers(prepare);
    expect(changeConfig(current, redactConfig(current.active))).toEqual(current.base);
  });

  test('stay what they are when they come from the environment', () => {
    const current = layers(undefined, {
      CORE_API_AUTH_JWT_SECRET: 'env-secret',
      CORE_STORAGE_S3: 'https://k:s@r.e/b?name=n&mount=/m',
    });
    expect(changeConfig(current, redactConfig(current.active))).toEqual(current.base);
  });

  test('of S3 storages follow the name', () => {
    const added = { ...storage('new', PLACEHOLDER), access_key_id: 'other' };
    const changed = changeConfig(layers(prepare), {
      storage: { s3: [storage('b', PLACEHOLDER), added, storage('a', 'changed')] },
    });
    expect(changed.storage.s3.map((one) => one.secret_access_key)).toEqual(['B', '', 'changed']);
  });

  test('of S3 storages follow the key if the name changes', () => {
    const current = layers((base) => {
      base.storage.s3 = [{ ...storage('a', 'A'), access_key_id: 'key' }];
    });
    const renamed = { ...storage('b', PLACEHOLDER), access_key_id: 'key' };
    const changed = changeConfig(current, { storage: { s3: [renamed] } });
    expect(changed.storage.s3).toMatchObject([{ name: 'b', secret_access_key: 'A' }]);
  });

  test('of RTMP paths follow the path', () => {
    const changed = changeConfig(layers(prepare), {
      rtmp: { keys: { '/live/b': PLACEHOLDER, '/live/c': 'third-key', '/live/d': PLACEHOLDER } },
    });
    expect(changed.rtmp.keys).toMatchObject({
      '/live/b': 'second-key',
      '/live/c': 'third-key',
      '/live/d': PLACEHOLDER,
    });
  });

  test('can be replaced and emptied', () => {
    const changed = changeConfig(layers(prepare), {
      service: { token: '' },
      api: { auth: { jwt: { secret: 'new' } } },
    });
    expect(changed.service.token).toBe('');
    expect(changed.api.auth.jwt.secret).toBe('new');
  });

  test.each([
    [
      ['zero', PLACEHOLDER, PLACEHOLDER],
      ['zero', 'one', 'two'],
    ],
    [[PLACEHOLDER], ['one']],
    [
      ['x', PLACEHOLDER],
      ['x', 'two'],
    ],
    [[], []],
  ])('of a list given as %j are %j', (given, expected) => {
    const changed = changeConfig(layers(prepare), { api: { auth: { jwt: { previous_secrets: given } } } });
    expect(changed.api.auth.jwt.previous_secrets).toEqual(expected);
  });
});
