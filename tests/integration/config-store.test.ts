import { chmod, mkdir, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  ConfigConflict,
  ConfigError,
  ConfigStore,
  ConfigWriteError,
} from '../../packages/server/src/config/store.ts';
import { defaultConfig } from '../../packages/server/src/config/variables.ts';
import { Log } from '../../packages/server/src/log/logger.ts';

let folder = '';
let lines: string[] = [];
/** `sh` stands in for FFmpeg: it is only looked up. */
const ENV = { PATH: '/usr/bin:/bin', CORE_FFMPEG_BINARY: 'sh' };

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-config-'));
  lines = [];
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

function open(env: Record<string, string> = {}): Promise<ConfigStore> {
  const log = new Log({ write: (line) => lines.push(line) }, { level: 'debug', topics: [], maxLines: 0 });
  return ConfigStore.open({ env: { ...ENV, HOME: join(folder, 'home'), ...env }, cwd: folder, log });
}

const path = () => join(folder, 'config', 'config.json');

async function readJson(file = path()): Promise<Record<string, unknown>> {
  return JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>;
}

async function writeConfig(content: unknown, file = path()): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content), { mode: 0o600 });
}

function put(store: ConfigStore, change: object): Promise<void> {
  return store.put(Buffer.from(JSON.stringify({ version: 3, ...change })));
}

describe('a fresh start', () => {
  test('writes the defaults, for the owner alone', async () => {
    const store = await open();
    const { mode } = await stat(path());
    expect(mode & 0o777).toBe(0o600);
    expect(await readJson()).toMatchObject({ version: 3, address: ':8080', id: store.active.id });
    expect(await readFile(path(), 'utf8')).toMatch(/^\{\n {4}"version": 3,\n/);
  });

  test('shows equal times of creation and update', async () => {
    const store = await open();
    expect(store.createdAt).toEqual(store.updatedAt);
    expect(store.loadedAt.getTime()).toBeGreaterThanOrEqual(store.createdAt.getTime());
  });

  test('makes the directories that must be there', async () => {
    await open();
    expect((await readdir(folder)).sort()).toEqual(['config', 'data']);
  });

  test('treats an empty file like a missing one', async () => {
    await writeConfig('');
    const store = await open();
    expect(await readJson()).toMatchObject({ id: store.active.id });
  });

  test('goes on in memory where nothing can be written', async () => {
    const store = await open({ CORE_CONFIGFILE: '/proc/config.json' });
    expect(lines.join('')).toContain("failed to write JSON to '/proc/config.json'");
    await expect(put(store, { name: 'x' })).rejects.toThrow(ConfigWriteError);
    expect((await store.reload()).active.id).toBe(store.active.id);
  });
});

describe('a second start', () => {
  test('finds everything as it was', async () => {
    const first = await open();
    const text = await readFile(path(), 'utf8');
    const second = await open();
    expect(second.active).toEqual(first.active);
    expect(await readFile(path(), 'utf8')).toBe(text);
  });

  test('fills in what the file lacks and drops what is unknown', async () => {
    await writeConfig({ version: 3, name: 'mine', color: 'red', log: { level: 'debug' } });
    const store = await open();
    expect(store.active).toMatchObject({ name: 'mine', log: { level: 'debug', max_lines: 1000 } });
    expect(await readJson()).not.toHaveProperty('color');
    expect(await readJson(`${path()}.bak`)).toHaveProperty('color');
  });

  test('warns of a file that others can read, and closes it to them', async () => {
    await open();
    await chmod(path(), 0o644);
    await open();
    expect(lines.join('')).toContain('holds secrets and can be read by others');
    expect((await stat(path())).mode & 0o777).toBe(0o600);
  });

  test('recovers from the copy of the one before if the file was emptied', async () => {
    const first = await open();
    await put(first, { name: 'kept' });
    await put(first, { name: 'newer' });
    await writeFile(path(), '');
    const second = await open();
    expect(second.active).toMatchObject({ name: 'kept', id: first.active.id });
  });

  test('starts afresh if the file was removed', async () => {
    const first = await open();
    await put(first, { name: 'kept' });
    await rm(path());
    expect((await open()).active.id).not.toBe(first.active.id);
  });
});

describe('precedence', () => {
  test('environment before .env before file before default', async () => {
    await writeConfig({ version: 3, name: 'file', address: ':1', log: { level: 'warn' }, id: 'file' });
    await writeFile(join(folder, '.env'), 'CORE_NAME=dotenv\nCORE_ADDRESS=2\n');
    const store = await open({ CORE_NAME: 'environment' });
    expect(store.active).toMatchObject({
      name: 'environment',
      address: ':2',
      log: { level: 'warn', max_lines: 1000 },
      id: 'file',
    });
    expect(store.overrides).toEqual(['name', 'address', 'ffmpeg.binary']);
  });

  test('what comes from the environment is not written to the file', async () => {
    await open({ CORE_API_AUTH_PASSWORD: 'hunter2' });
    expect(await readFile(path(), 'utf8')).not.toContain('hunter2');
  });

  test('a malformed .env is ignored with a warning', async () => {
    await writeFile(join(folder, '.env'), 'CORE_NAME=x\nthis is nothing\n');
    expect((await open()).overrides).toEqual(['ffmpeg.binary']);
    expect(lines.join('')).toContain('.env');
  });

  test('settings with two names are overrides under both', async () => {
    const store = await open({
      CORE_METRICS_RANGE_SECONDS: '60',
      CORE_STORAGE_DISK_CACHE_TYPES_ALLOW: '.ts',
    });
    expect(store.overrides).toEqual([
      'storage.disk.cache.types.allow',
      'storage.disk.cache.type.allow',
      'ffmpeg.binary',
      'metrics.range_sec',
      'metrics.range_seconds',
    ]);
  });
});

describe('the file is', () => {
  const places = [
    'xdg/datarhei-core/config.js',
    'xdg/datarhei-core/config.json',
    'home/.config/datarhei-core/config.js',
    'home/.config/datarhei-core/config.json',
    'config/config.js',
    'config/config.json',
  ];

  test.each(places.map((place, index) => [place, index] as const))(
    '%s if it is the last there is',
    async (place, index) => {
      for (const earlier of places.slice(0, index + 1)) {
        await writeConfig({ ...defaultConfig(), name: earlier }, join(folder, earlier));
      }
      const store = await open({ XDG_CONFIG_HOME: join(folder, 'xdg') });
      expect(store.active.name).toBe(place);
    },
  );

  test('the one that CORE_CONFIGFILE names', async () => {
    await writeConfig({ ...defaultConfig(), name: 'other' });
    await writeConfig({ ...defaultConfig(), name: 'asked' }, join(folder, 'asked.json'));
    expect((await open({ CORE_CONFIGFILE: 'asked.json' })).active.name).toBe('asked');
  });

  test('not made in a directory that does not exist', async () => {
    await expect(open({ CORE_CONFIGFILE: join(folder, 'none/config.json') })).rejects.toThrow(
      `the directory of the config file '${join(folder, 'none/config.json')}' does not exist`,
    );
  });
});

describe('a file that is no configuration', () => {
  test.each([
    ['{"version":3,}', "syntax error at line 1, character 14: invalid character '}' looking for beginning"],
    [
      '{"version":3,"log":{"max_lines":"x"}}',
      "expect type 'int' for 'log.max_lines' at line 1, character 36: ",
    ],
    ['[]', "expect type 'api.ConfigVersion' for '' at line 1"],
    ['{}', 'unknown configuration layout version (found version 0, expecting version 3)'],
    ['{"version":0}', 'found version 0'],
    ['{"version":4}', 'found version 4'],
    ['{"version":99}', 'found version 99'],
    ['null', 'found version 0'],
    ['\0\0\0\0', 'invalid character'],
  ])('%s is refused and left alone', async (text, reason) => {
    await writeConfig(text);
    await expect(open()).rejects.toThrow(ConfigError);
    await expect(open()).rejects.toThrow(`failed to read JSON from '${path()}': `);
    await expect(open()).rejects.toThrow(reason);
    expect(await readFile(path(), 'utf8')).toBe(text);
    expect(await readdir(dirname(path()))).toEqual(['config.json']);
  });

  test('cut at any length is refused and left alone', async () => {
    const text = JSON.stringify(defaultConfig());
    for (let length = 1; length < text.length; length += 1) {
      const cut = text.slice(0, length);
      await writeConfig(cut);
      await expect(open()).rejects.toThrow('unexpected end of JSON input');
      expect(await readFile(path(), 'utf8')).toBe(cut);
    }
  });
});

describe('old layouts', () => {
  const old = { created_at: '2022-01-01T00:00:00Z', id: 'old-id', name: 'old-name' };

  test('1 without RTMPS', async () => {
    const before = { ...old, version: 1, rtmp: { enable: true, address: ':2000', app: 'live' } };
    await writeConfig(before);
    const { active, createdAt } = await open();
    expect(active).toMatchObject({ version: 3, id: 'old-id', name: 'old-name' });
    expect(active.rtmp).toMatchObject({ enable: true, address: ':2000', address_tls: ':1936', app: '/live' });
    expect(active.srt.address).toBe(':6000');
    expect(createdAt).toEqual(new Date('2022-01-01T00:00:00Z'));
    expect(await readJson(`${path()}.v1.bak`)).toEqual(before);
    expect(await readJson()).toMatchObject({ version: 3, id: 'old-id' });
  });

  test('1 with RTMPS', async () => {
    await writeFile(join(folder, 'pem'), '');
    await writeConfig({
      ...old,
      version: 1,
      tls: { enable: true, cert_file: 'pem', key_file: 'pem' },
      rtmp: { enable_tls: true, address: ':2000' },
    });
    const { active } = await open();
    expect(active.rtmp).toMatchObject({
      enable: true,
      enable_tls: true,
      address: ':1999',
      address_tls: ':2000',
    });
  });

  test('2', async () => {
    await writeConfig({ ...old, version: 2, storage: { disk: { cache: { types: ['.ts'] } } } });
    const { active } = await open();
    expect(active.storage.disk.cache.types).toEqual({ allow: ['.ts'], block: ['.m3u8', '.mpd'] });
    expect(await readJson(`${path()}.v2.bak`)).toMatchObject({ version: 2 });
  });
});

describe('bad values of the environment', () => {
  test('are all logged, and the start is refused', async () => {
    await expect(open({ CORE_UPDATE_CHECK: 'yes', CORE_PLAYOUT_MIN_PORT: '70000' })).rejects.toThrow(
      ConfigError,
    );
    const text = lines.join('');
    expect(text).toContain(
      'description="Check for updates and send anonymized data" env="CORE_UPDATE_CHECK" error="strconv.ParseBool: parsing \\"yes\\": invalid syntax" override=',
    );
    expect(text).toContain('error="70000 is not in the range of [0, 65535]" override=true');
    expect(text).toContain(
      'msg="Not all variables are set or are valid. Check the error messages above. Bailing out."',
    );
  });

  test('that only we refuse are warnings', async () => {
    await open({ CORE_METRICS_ENABLE: 'true', CORE_METRICS_INTERVAL_SECONDS: '0' });
    expect(lines.join('')).toContain(
      'level=WARN component="Config" description="Seconds between collections',
    );
  });

  test('deprecated and unknown names are warned of', async () => {
    await open({ RS_USERNAME: 'a', CORE_LOG_LEVL: 'debug' });
    expect(lines.join('')).toContain('deprecated name, please use CORE_API_AUTH_USERNAME');
    expect(lines.join('')).toContain(
      'Unknown environment variable CORE_LOG_LEVL, did you mean CORE_LOG_LEVEL?',
    );
  });
});

test('no secret is in the log, not even at debug level', async () => {
  const secrets = {
    CORE_API_AUTH_PASSWORD: 'SECRET-1',
    CORE_API_AUTH_JWT_SECRET: 'SECRET-2',
    CORE_API_AUTH_JWT_PREVIOUS_SECRETS: 'SECRET-3,SECRET-4',
    CORE_STORAGE_MEMORY_AUTH_PASSWORD: 'SECRET-5',
    CORE_RTMP_TOKEN: 'SECRET-6',
    CORE_RTMP_KEYS: '/cam:SECRET-12',
    CORE_SRT_PASSPHRASE: 'SECRET-7-SECRET',
    CORE_SRT_TOKEN: 'SECRET-8',
    CORE_SERVICE_TOKEN: 'SECRET-9',
    CORE_STORAGE_S3: 'https://KEYID:SECRET-10@r.e/b?name=n&mount=/m&username=u&password=SECRET-11',
  };
  (await open(secrets)).logSettings();
  await expect(open({ ...secrets, CORE_SERVICE_ENABLE: 'true', CORE_SERVICE_URL: 'x' })).rejects.toThrow(
    ConfigError,
  );
  const text = lines.join('');
  expect(text).toContain('KEYID');
  expect(text).toContain('variable="service.token"');
  expect(text).not.toMatch(/SECRET-[0-9]/);
});

describe('a change', () => {
  test('is shown and written at once, and survives a restart', async () => {
    const store = await open();
    await put(store, { name: 'golden', log: { topics: ['http'] } });
    expect(store.active.name).toBe('golden');
    expect((await open()).active).toEqual(store.active);
  });

  test('stamps the time, but not the time of loading', async () => {
    const store = await open();
    const { loadedAt } = store;
    await put(store, { created_at: '2020-01-01T00:00:00Z' });
    expect(store.loadedAt).toEqual(loadedAt);
    expect(store.updatedAt.getTime()).toBeGreaterThanOrEqual(loadedAt.getTime());
    expect(store.createdAt).toEqual(store.updatedAt);
    const candidate = await store.reload();
    store.commit(candidate);
    expect(store.loadedAt.getTime()).toBeGreaterThanOrEqual(store.updatedAt.getTime());
  });

  test('of what is shown to what is shown changes nothing', async () => {
    const store = await open({ CORE_RTMP_TOKEN: 'from-env' });
    const before = store.active;
    await put(store, store.shown());
    expect({ ...store.active, created_at: before.created_at }).toEqual(before);
    expect(await readFile(path(), 'utf8')).not.toContain('from-env');
  });

  test('with errors changes nothing and names each of them', async () => {
    const store = await open();
    const before = await readFile(path(), 'utf8');
    const refused = put(store, {
      name: 'x',
      tls: { address: 'bar' },
      playout: { enable: true, min_port: 70_000 },
    });
    await expect(refused).rejects.toThrow(ConfigConflict);
    await expect(refused).rejects.toMatchObject({
      messages: {
        'tls.address': ['address bar: missing port in address'],
        'playout.min_port': [
          '70000 is not in the range of [0, 65535]',
          'must be bigger than playout.max_port',
        ],
      },
    });
    expect(store.active.name).not.toBe('x');
    expect(await readFile(path(), 'utf8')).toBe(before);
  });

  test('keeps the file before it as a copy', async () => {
    const store = await open();
    const before = await readFile(path(), 'utf8');
    await put(store, { name: 'x' });
    expect(await readFile(`${path()}.bak`, 'utf8')).toBe(before);
    expect((await stat(`${path()}.bak`)).mode & 0o777).toBe(0o600);
  });

  test('does not overwrite a file that cannot be read', async () => {
    const store = await open();
    await writeConfig('{"version":3,');
    await expect(put(store, { name: 'x' })).rejects.toThrow(ConfigWriteError);
    expect(await readFile(path(), 'utf8')).toBe('{"version":3,');
  });

  test('comes after the change before it', async () => {
    const store = await open();
    await Promise.all(
      Array.from({ length: 20 }, (_, index) => put(store, { router: { routes: { [`/${index}`]: '/x' } } })),
    );
    expect(store.active.router.routes).toEqual({ '/19': '/x' });
    expect((await open()).active).toEqual(store.active);
  });

  test.each([
    [1, { enable_tls: true }, { enable_tls: true, address: ':1935', address_tls: ':1936' }],
    [1, { address: ':2000' }, { address: ':2000', address_tls: ':1936' }],
    [1, { app: 'live' }, { app: '/live' }],
  ])('in layout %i of %j touches only what it names', async (version, rtmp, expected) => {
    await writeFile(join(folder, 'pem'), '');
    await writeConfig({
      ...defaultConfig(),
      tls: { enable: true, cert_file: 'pem', key_file: 'pem' },
      debug: { memory_limit_mbytes: 5 },
    });
    const store = await open();
    for (let round = 0; round < 2; round += 1) {
      await store.put(Buffer.from(JSON.stringify({ version, rtmp })));
      expect(store.active.rtmp).toMatchObject(expected);
    }
    expect(store.active.debug.memory_limit_mbytes).toBe(5);
  });
});

describe('a reload', () => {
  test('brings what is in the file, once it is committed', async () => {
    const store = await open();
    await writeConfig({ ...store.active, name: 'edited' });
    const candidate = await store.reload();
    expect(candidate.active.name).toBe('edited');
    expect(store.active.name).not.toBe('edited');
    store.commit(candidate);
    expect(store.active.name).toBe('edited');
  });

  test.each(['{"version":', '{"version":9}', '{"version":3,"address":"x"}'])(
    'of %s is refused',
    async (text) => {
      const store = await open();
      const before = store.active;
      await writeConfig(text);
      await expect(store.reload()).rejects.toThrow(ConfigError);
      expect(store.active).toBe(before);
    },
  );

  test('without the file keeps and writes what there was', async () => {
    const store = await open();
    const before = await readFile(path(), 'utf8');
    await rm(path());
    expect((await store.reload()).active).toEqual(store.active);
    expect(await readFile(path(), 'utf8')).toBe(before);
  });

  test('reads the environment again', async () => {
    const env: Record<string, string> = { ...ENV, HOME: folder };
    const log = new Log({ write: () => true }, { level: 'silent', topics: [], maxLines: 0 });
    const store = await ConfigStore.open({ env, cwd: folder, log });
    env['CORE_NAME'] = 'later';
    expect((await store.reload()).active.name).toBe('later');
  });

  test('does not hide a change that came meanwhile', async () => {
    const store = await open();
    const candidate = await store.reload();
    await put(store, { name: 'meanwhile' });
    store.commit(candidate);
    expect(store.active.name).toBe('meanwhile');
    expect(store.loadedAt.getTime()).toBeLessThanOrEqual(store.updatedAt.getTime());
  });
});
