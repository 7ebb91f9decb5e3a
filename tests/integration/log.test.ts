import { connect } from 'node:net';
import type { LogEvents } from '@millrace/api';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startServer, type TestServer } from '../support/server.ts';

describe('the access log', () => {
  const MEMORY = { CORE_STORAGE_MEMORY_AUTH_USERNAME: 'mem', CORE_STORAGE_MEMORY_AUTH_PASSWORD: 'secret' };
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer({ env: { CORE_LOG_LEVEL: 'debug', ...MEMORY } });
  });
  afterAll(() => server.close());

  const authorization = `Basic ${Buffer.from('mem:secret').toString('base64')}`;
  /** The fields of the lines about a path. */
  const about = async (path: string) =>
    ((await server.api('GET', '/v3/log?format=raw&component=http')).body as Record<string, unknown>[]).filter(
      (event) => event['path'] === path,
    );
  const write = (path: string, init: RequestInit = {}) =>
    fetch(`${server.base}${path}`, { method: 'PUT', headers: { authorization }, body: 'hello', ...init });

  test('has the listener, and the bytes that came and went', async () => {
    const body = new Blob(['x'.repeat(2000)]).stream();
    await write('/memfs/log/chunked', { body, duplex: 'half' } as RequestInit);
    expect(await about('/memfs/log/chunked')).toEqual([
      expect.objectContaining({ address: new URL(server.base).host, rx_size_bytes: 2000, tx_size_bytes: 0 }),
    ]);
    await fetch(`${server.base}/memfs/log/chunked`, { method: 'HEAD' });
    await fetch(`${server.base}/memfs/log/chunked`).then((answer) => answer.text());
    expect((await about('/memfs/log/chunked')).map((event) => event['tx_size_bytes'])).toEqual([0, 0, 2000]);
  });

  test('tells how far an upload came that broke off', async () => {
    const path = '/memfs/log/broken';
    const upload = connect(Number(new URL(server.base).port), '127.0.0.1');
    upload.write(
      `PUT ${path} HTTP/1.1\r\nHost: a\r\nAuthorization: ${authorization}\r\nContent-Length: 1000\r\n\r\nabc`,
      () => upload.destroy(),
    );
    await expect.poll(() => about(path)).not.toEqual([]);
    expect((await about(path))[0]).toMatchObject({ level: 'DEBUG', client: '127.0.0.1', rx_size_bytes: 3 });
  });

  test.each([
    ['PUT', 'Lavf/60', ['DEBUG']],
    ['PUT', 'curl/8', ['DEBUG', 'WARN']],
    ['GET', 'Lavf/60', ['DEBUG', 'WARN']],
  ])('warns of a %s without credentials by %s: %s', async (method, agent, levels) => {
    const path = method === 'GET' ? `/api/v3/${agent}` : `/memfs/log/${agent}`;
    const init: RequestInit = { method, headers: { 'user-agent': agent } };
    expect((await fetch(`${server.base}${path}`, init)).status).toBe(401);
    expect((await about(path)).map(({ level }) => level)).toEqual(levels);
  });
});

describe('GET /api/v3/log', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer();
    await server.api('GET', '/v3/nothing?token=hunter2');
  });
  afterAll(() => server.close());

  const get = (query: string) => server.api('GET', `/v3/log${query}`);
  const raw = async (query: string) => (await get(`?format=raw&${query}`)).body as LogEvents;

  test.each(['', '?format=console', '?format=xml', '?format=RAW'])('%s has console lines', async (query) => {
    const { status, body } = await get(query);
    expect(status).toBe(200);
    expect(body).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^ts=\S+Z level=INFO component="HTTP" msg="Server started" address="\S+"$/),
      ]),
    );
  });

  test('format=raw has objects with the fields beside the head, and no empty message', async () => {
    const events = await raw('');
    expect(events).toContainEqual({
      ts: expect.stringMatching(/^\d{4}-.*Z$/) as string,
      level: 'INFO',
      component: 'HTTP',
      message: 'Server started',
      address: new URL(server.base).host,
    });
    expect(events[0]).not.toHaveProperty('message');
  });

  test('a request that failed is there with where and how it came in', async () => {
    expect(await raw('level=warn&component=http')).toContainEqual({
      ts: expect.any(String) as string,
      level: 'WARN',
      component: 'HTTP',
      address: new URL(server.base).host,
      client: '127.0.0.1',
      latency_ms: expect.any(Number) as number,
      method: 'GET',
      path: '/api/v3/nothing?token=***',
      proto: 'HTTP/1.1',
      rx_size_bytes: 0,
      status: 404,
      status_text: 'Not Found',
      tx_size_bytes: expect.any(Number) as number,
      user_agent: expect.any(String) as string,
    });
  });

  test('secrets in paths are masked in both formats', async () => {
    const both = JSON.stringify([(await get('')).body, await raw('')]);
    expect(both).toContain('/nothing?token=***');
    expect(both).not.toContain('hunter2');
  });

  test('level and component choose events', async () => {
    const events = await raw('level=warn&component=http');
    expect(events.length).toBeGreaterThan(0);
    expect(new Set(events.map(({ level, component }) => `${level} ${component}`))).toEqual(
      new Set(['WARN HTTP']),
    );
  });

  test('limit keeps the newest', async () => {
    const all = await raw('component=http');
    expect(await raw('component=http&limit=1')).toEqual(all.slice(-1));
  });

  test('since leaves out what is older', async () => {
    const started = (await raw('')).at(-1)?.ts ?? '';
    const later = await raw(`since=${started}`);
    expect(later[0]?.ts).toBe(started);
    expect(await raw(`since=${Date.parse(started) / 1000 + 3600}`)).toEqual([]);
  });

  test.each(['level=loud', 'since=yesterday', 'limit=0', 'limit=x'])('%s is refused', async (query) => {
    expect((await get(`?${query}`)).status).toBe(400);
  });
});

test('the log outlives a reload', async () => {
  await using server = await startServer();
  await server.app.reload();
  const { body } = await server.api('GET', '/v3/log');
  expect(JSON.stringify(body)).toMatch(/Server started.*Config reload requested.*Config reloaded/s);
});

test('a silent log is empty', async () => {
  await using server = await startServer({ env: { CORE_LOG_LEVEL: 'silent' } });
  expect((await server.api('GET', '/v3/log')).body).toEqual([]);
});
