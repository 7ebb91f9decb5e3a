import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { deprecatedNames, mergeEnvironment, unknownNames } from './env.ts';
import { settingOf } from './schema.ts';
import { VARIABLES, type Variable, defaultConfig } from './variables.ts';

const CWD = '/nonexistent';

/** A text form and the value it stands for, different from the default, by the form of the default. */
function example({ name, initial }: Variable): [text: string, value: unknown] {
  const special: Record<string, [string, unknown]> = {
    'log.format': ['json', 'json'],
    'api.auth.auth0.tenants': [
      'auth0://c@d?aud=a&user=u',
      [{ domain: 'd', audience: 'a', clientid: 'c', users: ['u'] }],
    ],
    'api.auth.oidc.providers': [
      '[{"issuer":"https://i","audience":"a"}]',
      [{ issuer: 'https://i', audience: 'a', clientid: '', algorithms: [], users: [] }],
    ],
    'storage.s3': [
      'http://k:s@r.e/b?name=n&mount=/m',
      [
        {
          name: 'n',
          mountpoint: '/m',
          auth: { enable: false, username: '', password: '' },
          endpoint: 'e',
          access_key_id: 'k',
          secret_access_key: 's',
          bucket: 'b',
          region: 'r',
          use_ssl: false,
        },
      ],
    ],
    'router.routes': ['/a:/b', { '/a': '/b' }],
    'rtmp.keys': ['/live/a:secret-a', { '/live/a': 'secret-a' }],
  };
  const value = initial();
  if (special[name]) return special[name];
  if (typeof value === 'boolean') return [String(!value), !value];
  if (typeof value === 'number') return [String(value + 7), value + 7];
  if (Array.isArray(value)) return ['10.0.0.0/8', ['10.0.0.0/8']];
  return ['/elsewhere', '/elsewhere'];
}

const withNames = VARIABLES.flatMap((variable) => {
  const { env, spellings = [], aliases = [] } = variable;
  return [env, ...spellings, ...aliases]
    .filter((name) => name !== undefined)
    .map((name): [string, Variable] => [name, variable]);
});

describe('every variable', () => {
  test.each(withNames)('%s sets its setting and is an override', (name, variable) => {
    const [text, expected] = example(variable);
    const { config, overridden, problems } = mergeEnvironment(defaultConfig(), {
      cwd: CWD,
      env: { [name]: text },
    });
    expect(problems).toEqual([]);
    expect(settingOf(config, variable.name)).toEqual(expected);
    expect(overridden).toEqual([variable]);
  });

  test('has the name that follows from its setting, but for the known exceptions', () => {
    const exceptions = VARIABLES.filter(
      ({ name, env }) => env !== undefined && env !== `CORE_${name.toUpperCase().replaceAll('.', '_')}`,
    );
    expect(exceptions.map(({ env }) => env)).toEqual([
      'CORE_FFMPEG_MAXPROCESSES',
      'CORE_METRICS_RANGE_SECONDS',
      'CORE_METRICS_INTERVAL_SECONDS',
      'CORE_SESSIONS_MAXBITRATE_MBIT',
    ]);
  });
});

/** From the specification, not from the table. */
const OLD_NAMES: Record<string, string> = {
  CORE_LOG_MAXLINES: 'CORE_LOG_MAX_LINES',
  RS_USERNAME: 'CORE_API_AUTH_USERNAME',
  RS_PASSWORD: 'CORE_API_AUTH_PASSWORD',
  CORE_TLS_CERTFILE: 'CORE_TLS_CERT_FILE',
  CORE_TLS_KEYFILE: 'CORE_TLS_KEY_FILE',
  CORE_MIMETYPES_FILE: 'CORE_STORAGE_MIMETYPES_FILE',
  CORE_STORAGE_DISK_MAXSIZEMBYTES: 'CORE_STORAGE_DISK_MAX_SIZE_MBYTES',
  CORE_STORAGE_DISK_CACHE_MAXSIZEMBYTES: 'CORE_STORAGE_DISK_CACHE_MAX_SIZE_MBYTES',
  CORE_STORAGE_DISK_CACHE_TTLSECONDS: 'CORE_STORAGE_DISK_CACHE_TTL_SECONDS',
  CORE_STORAGE_DISK_CACHE_MAXFILESIZEMBYTES: 'CORE_STORAGE_DISK_CACHE_MAX_FILE_SIZE_MBYTES',
  CORE_STORAGE_DISK_CACHE_TYPES: 'CORE_STORAGE_DISK_CACHE_TYPES_ALLOW',
  CORE_STORAGE_MEMORY_MAXSIZEMBYTES: 'CORE_STORAGE_MEMORY_MAX_SIZE_MBYTES',
  CORE_FFMPEG_LOG_MAXLINES: 'CORE_FFMPEG_LOG_MAX_LINES',
  CORE_FFMPEG_LOG_MAXHISTORY: 'CORE_FFMPEG_LOG_MAX_HISTORY',
  CORE_PLAYOUT_MINPORT: 'CORE_PLAYOUT_MIN_PORT',
  CORE_PLAYOUT_MAXPORT: 'CORE_PLAYOUT_MAX_PORT',
  CORE_DEBUG_FORCEGC: 'CORE_DEBUG_FORCE_GC',
  CORE_SESSIONS_MAXSESSIONS: 'CORE_SESSIONS_MAX_SESSIONS',
};

test('the old names are those of the reference, each for its current one', () => {
  const inTable = VARIABLES.flatMap(({ env, aliases = [] }) => aliases.map((alias) => [alias, env] as const));
  expect(Object.fromEntries(inTable)).toEqual(OLD_NAMES);
});

test('an empty variable counts as set', () => {
  const base = { ...defaultConfig(), host: { name: ['a'], auto: true } };
  const { config, overridden } = mergeEnvironment(base, { cwd: CWD, env: { CORE_HOST_NAME: '' } });
  expect(config.host.name).toEqual([]);
  expect(overridden.map(({ name }) => name)).toEqual(['host.name']);
});

test('the current name wins over the old one', () => {
  const env = { CORE_LOG_MAXLINES: '1', CORE_LOG_MAX_LINES: '2' };
  expect(mergeEnvironment(defaultConfig(), { cwd: CWD, env }).config.log.max_lines).toBe(2);
  expect(deprecatedNames(env)).toEqual([]);
});

test('an old name is reported with the current one', () => {
  const found = deprecatedNames({ RS_USERNAME: 'a', CORE_TLS_CERTFILE: '' });
  expect(found.map(([old, { env }]) => [old, env])).toEqual([
    ['RS_USERNAME', 'CORE_API_AUTH_USERNAME'],
    ['CORE_TLS_CERTFILE', 'CORE_TLS_CERT_FILE'],
  ]);
});

test('a value that cannot be read is a problem and leaves the base as it was', () => {
  const base = defaultConfig();
  const { config, problems } = mergeEnvironment(base, { cwd: CWD, env: { CORE_API_AUTH_ENABLE: 'yes' } });
  expect(config).toEqual(base);
  expect(problems).toEqual([
    {
      level: 'error',
      name: 'api.auth.enable',
      text: 'strconv.ParseBool: parsing "yes": invalid syntax',
    },
  ]);
});

test('the base is not changed', () => {
  const base = defaultConfig();
  const before = structuredClone(base);
  mergeEnvironment(base, { cwd: CWD, env: { CORE_LOG_TOPICS: 'a,b', CORE_NAME: 'x' } });
  expect(base).toEqual(before);
});

test.each([
  ['admin', 'pw', 'false', true],
  ['', '', 'true', false],
  ['admin', '', 'false', true],
])(
  'memory user %j and password %j from the environment decide whether they are asked for',
  (user, password, enable, expected) => {
    const env = {
      CORE_STORAGE_MEMORY_AUTH_USERNAME: user,
      CORE_STORAGE_MEMORY_AUTH_PASSWORD: password,
      CORE_STORAGE_MEMORY_AUTH_ENABLE: enable,
    };
    const { config } = mergeEnvironment(defaultConfig(), { cwd: CWD, env });
    expect(config.storage.memory.auth.enable).toBe(expected);
  },
);

test('automatic TLS without a mail address takes the default one', () => {
  const env = { CORE_TLS_AUTO: 'true', CORE_TLS_EMAIL: '' };
  expect(mergeEnvironment(defaultConfig(), { cwd: CWD, env }).config.tls.email).toBe('cert@datarhei.com');
});

describe('a secret in a file', () => {
  const secrets = VARIABLES.filter(({ secret, kind }) => secret === true || kind.mask !== undefined);

  test.each(secrets.map((variable): [string, Variable] => [`${variable.env ?? ''}_FILE`, variable]))(
    '%s names it',
    (name, variable) => {
      const folder = mkdtempSync(join(tmpdir(), 'millrace-secret-'));
      try {
        const [text, expected] = example(variable);
        writeFileSync(join(folder, 'secret'), `${text}\n`);
        const { config, overridden } = mergeEnvironment(defaultConfig(), {
          cwd: folder,
          env: { [name]: 'secret' },
        });
        expect(settingOf(config, variable.name)).toEqual(expected);
        expect(overridden).toEqual([variable]);
        expect(unknownNames({ [name]: 'secret' })).toEqual([]);
      } finally {
        rmSync(folder, { recursive: true });
      }
    },
  );

  test('that does not exist is a problem', () => {
    const env = { CORE_RTMP_TOKEN_FILE: 'none' };
    const { problems } = mergeEnvironment(defaultConfig(), { cwd: CWD, env });
    expect(problems).toMatchObject([
      { name: 'rtmp.token', text: expect.stringContaining('ENOENT') as string },
    ]);
  });
});

test('a secret that cannot be read is not told', () => {
  const env = { CORE_RTMP_KEYS: '/live/a=hunter22' };
  const { problems } = mergeEnvironment(defaultConfig(), { cwd: CWD, env });
  expect(problems).toEqual([
    { level: 'error', name: 'rtmp.keys', text: 'the value is not of the form that is expected' },
  ]);
});

test('unknown variables are named with the most similar known one', () => {
  const env = { CORE_LOG_LEVL: 'x', CORE_RTMP_ENABLED: '1', CORE_QQQQ: '', CORE_CONFIGFILE: '', OTHER: '' };
  expect(unknownNames(env)).toEqual([
    ['CORE_LOG_LEVL', 'CORE_LOG_LEVEL'],
    ['CORE_QQQQ', undefined],
    ['CORE_RTMP_ENABLED', 'CORE_RTMP_ENABLE'],
  ]);
});
