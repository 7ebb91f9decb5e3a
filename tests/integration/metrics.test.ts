import { rename } from 'node:fs/promises';
import type { ConfigAnswer, ConfigStatus, MetricsResponse } from '@millrace/api';
import { expect, onTestFinished, test, vi } from 'vitest';
import { startServer, type TestServer } from '../support/server.ts';
import { openScripted, scripted, SOON } from './process-server.ts';

async function open(env: Record<string, string> = {}): Promise<TestServer> {
  const server = await startServer({ env });
  onTestFinished(() => server.close());
  return server;
}

/** Metrics by name, or by name and patterns of labels. */
async function query(server: TestServer, metrics: (string | object)[], range?: object) {
  const named = metrics.map((metric) => (typeof metric === 'string' ? { name: metric } : metric));
  const { status, body } = await server.api('POST', '/v3/metrics', { ...range, metrics: named });
  expect(status).toBe(200);
  return (body as MetricsResponse).metrics;
}

async function scrape(server: TestServer, headers: Record<string, string> = {}) {
  const response = await fetch(`${server.base}/metrics`, { headers });
  return {
    status: response.status,
    type: response.headers.get('content-type'),
    text: await response.text(),
  };
}

async function change(server: TestServer, config: object): Promise<void> {
  expect(await server.api('PUT', '/v3/config', { version: 3, ...config })).toMatchObject({ status: 200 });
  expect(await server.api('GET', '/v3/config/reload')).toMatchObject({ status: 200 });
  await expect
    .poll(async () => ((await server.api('GET', '/v3/config/status')).body as ConfigStatus).reload?.state)
    .toBe('done');
}

test('the disk is measured beside the memory', async () => {
  const server = await open({ CORE_STORAGE_MEMORY_MAXSIZEMBYTES: '1' });
  await server.api('PUT', '/v3/fs/mem/file', 'four');
  const metrics = await query(server, [
    'filesystem_limit',
    { name: 'filesystem_files', labels: { name: 'm' } },
  ]);
  expect(metrics.map(({ name, labels, values }) => [name, labels, values[0]?.[1]])).toEqual([
    ['filesystem_limit', { name: 'diskfs' }, -1],
    ['filesystem_limit', { name: 'memfs' }, 1024 * 1024],
    ['filesystem_files', { name: 'memfs' }, 1],
  ]);
});

test('processes count by state, also when they are gone', async () => {
  const client = await openScripted();
  const { server } = client;
  await client.create(scripted('p1', ['wait'], { autostart: true, limits: { cpu_usage: 50 } }));
  const states = { name: 'restream_state', labels: { state: 'running' } };
  await vi.waitFor(async () => {
    expect((await query(server, [states]))[0]?.values[0]?.[1]).toBe(1);
  }, SOON);
  const limit = { name: 'restream_process', labels: { processid: '^p1$', name: '^cpu_limit$' } };
  expect(await query(server, [limit])).toEqual([
    {
      name: 'restream_process',
      labels: { name: 'cpu_limit', order: 'start', processid: 'p1', state: 'running' },
      values: [[expect.any(Number), 50]],
    },
  ]);

  await client.call('DELETE', '/process/p1');
  const accumulated = { name: 'ffmpeg_process', labels: { state: 'running' } };
  const rest = await query(server, [states, accumulated, limit]);
  expect(rest.map(({ name, values }) => [name, values[0]?.[1]])).toEqual([
    ['restream_state', 0],
    ['ffmpeg_process', 1],
  ]);
});

test.each<[string, object]>([
  ['more points than anybody needs', { timerange_sec: 1_000_000, interval_sec: 1, metrics: [] }],
  ['more metrics than there are', { metrics: Array.from({ length: 1000 }, () => ({ name: 'cpu_idle' })) }],
])('a query for %s is refused', async (_, body) => {
  const server = await open();
  expect(await server.api('POST', '/v3/metrics', body)).toMatchObject({ status: 400 });
});

test('the history is switched on, sampled in other steps and kept by reloads', async () => {
  const server = await open();
  const past = () => query(server, ['mem_total'], { timerange_sec: 60, interval_sec: 1 });
  expect(await past()).toEqual([]);

  await change(server, { metrics: { enable: true, range_sec: 100, interval_sec: 1 } });
  await vi.waitFor(async () => {
    expect((await past())[0]?.values.length).toBeGreaterThan(0);
  }, SOON);
  const oldest = (await past())[0]?.values[0]?.[0] ?? NaN;

  await change(server, { metrics: { enable: true, range_sec: 200, interval_sec: 2 } });
  // Without names, everything that is known. The latest point of an answer lies a step and a bit in the past.
  const everything = await vi.waitFor(async () => {
    const { body } = await server.api('POST', '/v3/metrics', { timerange_sec: 60, interval_sec: 1 });
    const { timerange_sec, interval_sec, metrics } = body as MetricsResponse;
    expect([timerange_sec, interval_sec]).toEqual([200, 2]);
    expect(metrics.map(({ name }) => name)).toEqual(expect.arrayContaining(['cpu_idle', 'uptime_uptime']));
    return metrics;
  }, SOON);
  const kept = everything.find(({ name }) => name === 'mem_total')?.values[0]?.[0] ?? NaN;
  expect(kept - oldest).toBeLessThanOrEqual(1);
});

test('Prometheus is not served unless it is switched on', async () => {
  expect(await scrape(await open())).toMatchObject({ status: 404 });
});

test('Prometheus gets its text, and OpenMetrics if it prefers that', async () => {
  const server = await open({ CORE_METRICS_ENABLE_PROMETHEUS: 'true', CORE_ID: 'mill' });
  const plain = await scrape(server);
  expect(plain.type).toBe('text/plain; version=0.0.4; charset=utf-8');
  expect(plain.text).toMatch(/^uptime_seconds\{core="mill"\} [\d.]+$/m);
  expect(plain.text).toMatch(/^promhttp_metric_handler_requests_total\{code="200"\} 0$/m);
  const accept = 'application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.5';
  const open10 = await scrape(server, { accept });
  expect(open10.type).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8');
  expect(open10.text).toMatch(/# EOF\n$/);
  expect(open10.text).toContain('promhttp_metric_handler_requests_total{code="200"} 1\n');
});

test('metrics of our own are there only if they are wanted', async () => {
  const server = await open({ CORE_METRICS_ENABLE_PROMETHEUS: 'true' });
  await server.login();
  expect((await scrape(server)).text).not.toMatch(/nodejs|auth_attempts/);

  await change(server, { metrics: { extended: true } });
  await server.api('GET', '/v3/process/unknown');
  const { text } = await scrape(server);
  expect(text).toMatch(/^auth_attempts_total\{core="[^"]+",method="local",result="success"\} 2$/m);
  expect(text).toMatch(/^nodejs_heap_size_used_bytes\{core="[^"]+"\} \d+$/m);
  const labels = 'method="GET",route="/api/v3/process/:id",status="404"';
  expect(text).toMatch(
    new RegExp(`^http_request_duration_seconds_count\\{core="[^"]+",${labels}\\} 1$`, 'm'),
  );
});

test('metrics can be kept to who has the token or the password', async () => {
  const server = await open({
    CORE_METRICS_ENABLE_PROMETHEUS: 'true',
    CORE_METRICS_AUTH_ENABLE: 'true',
    CORE_METRICS_AUTH_TOKEN: 'scraper',
    CORE_METRICS_AUTH_USERNAME: 'user',
    CORE_METRICS_AUTH_PASSWORD: 'pass',
  });
  const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;
  const statuses = await Promise.all(
    [undefined, 'Bearer scraper', basic('user:pass'), 'Bearer other', basic('user:'), 'scraper'].map(
      async (authorization) =>
        (await scrape(server, authorization === undefined ? {} : { authorization })).status,
    ),
  );
  expect(statuses).toEqual([401, 200, 200, 401, 401, 401]);
  const { body } = await server.api('GET', '/v3/config');
  expect(JSON.stringify(body)).not.toContain('scraper');
});

test('the server says that it lives and that it is ready', async () => {
  const server = await open();
  const get = async (url: string) => {
    const response = await fetch(server.base + url);
    return [response.status, (await response.json()) as unknown];
  };
  expect(await get('/health/live')).toEqual([200, { status: 'ok' }]);
  expect(await get('/health/ready')).toEqual([
    200,
    { status: 'ok', checks: { disk: 'ok', ffmpeg: 'ok', keys: 'ok', listeners: 'ok' } },
  ]);
  const head = await fetch(`${server.base}/health/ready`, { method: 'HEAD' });
  expect([head.status, await head.text()]).toEqual([200, '']);
});

test('the server is not ready without FFmpeg', async () => {
  const { server } = await openScripted();
  const { body } = await server.api('GET', '/v3/config');
  const { binary } = (body as ConfigAnswer).config.ffmpeg;
  await rename(binary, `${binary}.gone`);
  const response = await fetch(`${server.base}/health/ready`);
  expect(response.status).toBe(503);
  expect(await response.json()).toMatchObject({ status: 'failed', checks: { ffmpeg: 'failed', disk: 'ok' } });
});

test('profiles are recorded for who has logged in, one at a time', async () => {
  const server = await open({ CORE_DEBUG_PROFILING: 'true' });
  const { access } = await server.login();
  const get = (path: string) =>
    fetch(`${server.base}/profiling${path}`, { headers: { authorization: `Bearer ${access}` } });
  expect((await fetch(`${server.base}/profiling/`)).status).toBe(401);
  expect((await get('/')).headers.get('content-type')).toBe('text/html; charset=utf-8');

  const first = get('/profile?seconds=0.5');
  await vi.waitFor(async () => {
    expect((await get('/trace?seconds=0.01')).status).toBe(503);
  }, SOON);
  expect(await (await first).json()).toHaveProperty('nodes');
  expect(await (await get('/trace?seconds=0.01')).json()).toHaveProperty('traceEvents');
  expect((await (await get('/cmdline')).text()).split('\0').length).toBeGreaterThan(1);
  const refused = await Promise.all(
    ['', '/goroutine', '/profile?seconds=0', '/profile?seconds=3600'].map(get),
  );
  expect(refused.map(({ status }) => status)).toEqual([404, 404, 400, 400]);
});

test('there are no profiles unless they are switched on', async () => {
  const server = await open();
  const { access } = await server.login();
  const answer = await fetch(`${server.base}/profiling/`, { headers: { authorization: `Bearer ${access}` } });
  expect(answer.status).toBe(404);
});
