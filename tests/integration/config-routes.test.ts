import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ConfigAnswer, ConfigStatus } from '@millrace/api';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ConfigStore } from '../../packages/server/src/config/store.ts';
import type { Guard } from '../../packages/server/src/http/guard.ts';
import { Listener } from '../../packages/server/src/http/listener.ts';
import { configRoutes } from '../../packages/server/src/http/routes/config.ts';
import { HttpApp } from '../../packages/server/src/http/server.ts';
import { Log } from '../../packages/server/src/log/logger.ts';
import { Reloader } from '../../packages/server/src/reloader.ts';

/** Lets everybody in. */
const GUARD: Guard = {
  address: (_request, _reply, done) => {
    done();
  },
  token: (_request, _reply, done) => {
    done();
  },
  isAuthorized: () => true,
  client: () => '127.0.0.1',
  prefix: () => '',
};

let folder = '';
let store: ConfigStore;
let closers: (() => Promise<void>)[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-config-'));
  const log = new Log({ write: () => true }, { level: 'silent', topics: [], maxLines: 0 });
  const env = { PATH: '/usr/bin:/bin', HOME: folder, CORE_FFMPEG_BINARY: 'sh', CORE_SERVICE_TOKEN: 'token' };
  store = await ConfigStore.open({ env, cwd: folder, log });
});
afterEach(async () => {
  for (const close of closers.reverse()) await close();
  closers = [];
  await rm(folder, { recursive: true });
});

interface Answer {
  status: number;
  headers: Headers;
  json: unknown;
}
type Ask = (
  method: string,
  path: string,
  body?: string | object,
  headers?: Record<string, string>,
) => Promise<Answer>;

/** A server with nothing but the configuration. */
async function serve(reload: () => Promise<void> = () => Promise.resolve(), readOnly = false): Promise<Ask> {
  const log = new Log({ write: () => true }, { level: 'silent', topics: [], maxLines: 0 }).component('HTTP');
  const v3 = [configRoutes({ store, reloader: new Reloader(reload), readOnly })];
  const app = new HttpApp({ cors: [] }, { log, guard: GUARD, open: [], v3, mounts: [] });
  await app.start();
  const listener = new Listener('127.0.0.1:0', app, log);
  await listener.start();
  closers.push(
    () => app.close(),
    () => listener.close(),
  );
  return async (method, path, body, headers = {}) => {
    const response = await fetch(`http://127.0.0.1:${listener.port}/api/v3${path}`, {
      method,
      headers: { connection: 'close', ...headers },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      json: text === '' ? undefined : JSON.parse(text),
    };
  };
}

describe('reading', () => {
  test('shows the configuration, its times and what the environment has set', async () => {
    const ask = await serve();
    const { status, json } = await ask('GET', '/config');
    const answer = json as ConfigAnswer;
    expect(status).toBe(200);
    expect(answer.overrides).toEqual(['ffmpeg.binary', 'service.token']);
    expect(answer.config).toMatchObject({
      version: 3,
      id: store.active.id,
      router: { routes: {} },
      log: { topics: [] },
    });
    for (const time of [answer.created_at, answer.loaded_at, answer.updated_at, answer.config.created_at]) {
      expect(time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z$/);
    }
  });

  test('shows passwords that clients need, and hides the other secrets', async () => {
    const ask = await serve();
    const { config } = (await ask('GET', '/config')).json as ConfigAnswer;
    expect(config.storage.memory.auth.password).toBe(store.active.storage.memory.auth.password);
    expect(config.api.auth.jwt).toEqual({ secret: '***' });
    expect(config.service.token).toBe('***');
  });
});

describe('changing', () => {
  test('what was read to what was read changes nothing but the time', async () => {
    const ask = await serve();
    const before = (await ask('GET', '/config')).json as ConfigAnswer;
    const secret = store.active.api.auth.jwt.secret;
    expect(await ask('PUT', '/config', before.config)).toMatchObject({ status: 200, json: 'OK' });
    const after = (await ask('GET', '/config')).json as ConfigAnswer;
    expect({ ...after.config, created_at: '' }).toEqual({ ...before.config, created_at: '' });
    expect(after.loaded_at).toBe(before.loaded_at);
    expect(store.active.api.auth.jwt.secret).toBe(secret);
  });

  test.each([
    ['', 'Invalid JSON', 'syntax error at line 1, character 0: unexpected end of JSON input'],
    ['{"version":3,', 'Invalid JSON', 'syntax error at line 1, character 13: unexpected end of JSON input'],
    ['{"name":"x"}', 'Invalid config version', 'version 0'],
    ['null', 'Invalid config version', 'version 0'],
    ['{"version":4}', 'Invalid config version', 'version 4'],
    [
      '{"version":"3"}',
      'Invalid JSON',
      "expect type 'int64' for 'version' at line 1, character 15: json: cannot unmarshal string into Go struct field ConfigVersion.version of type int64",
    ],
    [
      '[]',
      'Invalid JSON',
      "expect type 'api.ConfigVersion' for '' at line 1, character 1: json: cannot unmarshal array into Go value of type api.ConfigVersion",
    ],
    [
      '{"version":3,"name":5}',
      'Invalid JSON',
      "expect type 'string' for 'name' at line 1, character 22: json: cannot unmarshal number into Go struct field SetConfig.name of type string",
    ],
    [
      '{"version":3,"log":{"max_lines":1e2}}',
      'Invalid JSON',
      "expect type 'int' for 'log.max_lines' at line 1, character 36: json: cannot unmarshal number 1e2 into Go struct field .log.max_lines of type int",
    ],
    [
      '{"version":3,"sessions":{"max_sessions":-1}}',
      'Invalid JSON',
      "expect type 'uint64' for 'sessions.max_sessions' at line 1, character 43: json: cannot unmarshal number -1 into Go struct field .sessions.max_sessions of type uint64",
    ],
  ])('by %s is refused', async (body, message, detail) => {
    const ask = await serve();
    expect(await ask('PUT', '/config', body)).toMatchObject({
      status: 400,
      json: { code: 400, message, details: [detail] },
    });
  });

  test('to something with errors is answered by a map of them', async () => {
    const ask = await serve();
    const { status, json } = await ask('PUT', '/config', { version: 3, tls: { address: 'x', email: 'y' } });
    expect(status).toBe(409);
    expect(json).toEqual({
      'tls.address': ['address x: missing port in address'],
      'tls.email': ["mail: missing '@' or angle-addr"],
    });
  });

  test('by more than a megabyte is refused', async () => {
    const ask = await serve();
    const { status } = await ask('PUT', '/config', { version: 3, name: 'x'.repeat(1024 * 1024) });
    expect(status).toBe(413);
  });

  test('can be tried out', async () => {
    const ask = await serve();
    const { updatedAt } = store;
    expect(await ask('PUT', '/config?dry_run=1', { version: 3, name: 'x' })).toMatchObject({
      status: 200,
      json: 'OK',
    });
    expect((await ask('PUT', '/config?dry_run=1', { version: 3, id: '' })).status).toBe(409);
    for (const query of ['dry_run', 'dry_run=True', 'dry_run=1&dry_run=1']) {
      expect((await ask('PUT', `/config?${query}`, { version: 3, name: 'x' })).status).toBe(200);
    }
    expect(store.active.name).not.toBe('x');
    expect(store.active.name).not.toBe('x');
    expect(store.updatedAt).toEqual(updatedAt);
  });

  test('can be tied to the state that was read', async () => {
    const ask = await serve();
    const { headers, json } = await ask('GET', '/config/status');
    const tag = headers.get('etag') ?? '';
    expect(tag).toBe(`"${(json as ConfigStatus).tag}"`);
    const first = await ask('PUT', '/config', { version: 3, name: 'first' }, { 'if-match': tag });
    const second = await ask('PUT', '/config', { version: 3, name: 'second' }, { 'if-match': tag });
    expect([first.status, second.status]).toEqual([200, 412]);
    expect(store.active.name).toBe('first');
  });
});

describe('a reload', () => {
  test('is answered at once, and its end can be asked for', async () => {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const ask = await serve(() => promise);
    expect((await ask('GET', '/config/status')).json).toMatchObject({ reload: null });
    expect(await ask('GET', '/config/reload')).toMatchObject({ status: 200, json: 'OK' });
    expect((await ask('GET', '/config/status')).json).toMatchObject({
      reload: { state: 'running', error: '' },
    });
    resolve(undefined);
    await expect
      .poll(async () => ((await ask('GET', '/config/status')).json as ConfigStatus).reload?.state)
      .toBe('done');
  });

  test('that fails says why', async () => {
    const ask = await serve(() => Promise.reject(new Error('the address is in use')));
    await ask('GET', '/config/reload');
    await expect
      .poll(async () => (await ask('GET', '/config/status')).json)
      .toMatchObject({ reload: { state: 'failed', error: 'the address is in use' } });
  });

  test('asked for often runs once more, not as often', async () => {
    const ends: (() => void)[] = [];
    const ask = await serve(() => new Promise<void>((resolve) => ends.push(resolve)));
    const answers = await Promise.all(Array.from({ length: 10 }, () => ask('GET', '/config/reload')));
    expect(answers.map(({ json }) => json)).toEqual(Array.from({ length: 10 }, () => 'OK'));
    expect(ends).toHaveLength(1);
    ends[0]?.();
    await expect.poll(() => ends.length).toBe(2);
    ends[1]?.();
    await expect
      .poll(async () => ((await ask('GET', '/config/status')).json as ConfigStatus).reload?.state)
      .toBe('done');
    expect(ends).toHaveLength(2);
  });

  test('is not a POST', async () => {
    const ask = await serve();
    expect((await ask('POST', '/config/reload')).status).toBe(404);
  });
});

test('reading only means neither changes nor reloads', async () => {
  const ask = await serve(undefined, true);
  expect((await ask('GET', '/config')).status).toBe(200);
  expect((await ask('PUT', '/config', { version: 3 })).status).toBe(404);
  expect((await ask('GET', '/config/reload')).status).toBe(404);
});
