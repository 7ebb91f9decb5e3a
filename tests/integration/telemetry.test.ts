import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test, vi } from 'vitest';
import { Log } from '../../packages/server/src/log/logger.ts';
import { Service } from '../../packages/server/src/telemetry/service.ts';
import { UpdateCheck } from '../../packages/server/src/telemetry/update-check.ts';
import { startServer } from '../support/server.ts';
import { SOON } from './process-server.ts';

interface Received {
  url: string;
  authorization: string | undefined;
  body: unknown;
}

type Reply = [status: number, body: unknown];

/** Plays the other side: answers as it is told, and remembers what it was asked. */
async function startStub(answer: (received: Received, count: number) => Reply) {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    let text = '';
    request.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    request.on('end', () => {
      const entry = {
        url: `${request.method ?? ''} ${request.url ?? ''}`,
        authorization: request.headers.authorization,
        body: text === '' ? undefined : (JSON.parse(text) as unknown),
      };
      received.push(entry);
      const [status, body] = answer(entry, received.length);
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, received };
}

/** All metrics have the same value. */
const METRICS = metricsOf(3.14159);

function metricsOf(value: number) {
  return { collect: () => Promise.resolve({ sum: () => value }) };
}

function recordLog() {
  const lines: string[] = [];
  const log = new Log(
    { write: (text) => lines.push(text) },
    { level: 'debug', topics: [], maxLines: 10, format: 'console' },
  );
  return { log: log.component('Test'), text: () => lines.join('') };
}

async function startService(url: string, metrics = METRICS) {
  const { log, text } = recordLog();
  const options = { url, token: 'SECRET', id: 'mill', version: 'v', env: {} };
  const service = new Service(options, metrics, log);
  onTestFinished(() => service.close());
  await service.start();
  return { service, text };
}

const LOGIN = 'PUT /api/v1/token/login';
const REPORT = 'PUT /api/v1/core/monitor/mill';
const WHOLE_REPORT = {
  version: 'v',
  uptime_sec: 3,
  sys_cpu: [3.142, 96.858],
  sys_mem: [3.142, 0],
  sys_disk: [3.142, 3.142],
  fs_mem: [3.142, 3.142],
  fs_disk: [3.142, 3.142],
  net_tx: [0.003, 0.003],
  viewer: [3.142, 3.142],
  proc_states: [3.142, 3.142, 3.142, 3.142, 3.142, 3.142],
};

test('the service gets a report after a login, and the next when it says', async () => {
  const { url, received } = await startStub(({ url }) =>
    url === LOGIN ? [200, { access_token: 'a', token_type: 'Core' }] : [200, { next_update: 0.01 }],
  );
  await startService(url);
  await vi.waitFor(() => {
    expect(received.length).toBeGreaterThanOrEqual(3);
  }, SOON);
  expect(received.slice(0, 3)).toEqual([
    { url: LOGIN, authorization: 'Bearer SECRET', body: undefined },
    { url: REPORT, authorization: 'Core a', body: WHOLE_REPORT },
    { url: REPORT, authorization: 'Core a', body: WHOLE_REPORT },
  ]);
});

test('a file system without a limit has none for the service, either', async () => {
  const { url, received } = await startStub(() => [200, { access_token: 'a', token_type: 'Core' }]);
  await startService(url, metricsOf(-1));
  await vi.waitFor(() => {
    expect(received[1]?.body).toMatchObject({ fs_mem: [0, -1], fs_disk: [0, -1] });
  }, SOON);
});

test('a token that has run out is replaced once', async () => {
  let reports = 0;
  const { url, received } = await startStub(({ url }) => {
    if (url === LOGIN) return [200, { access_token: 'a', token_type: 'Bearer' }];
    return ++reports === 2 ? [401, {}] : [200, { next_update: reports === 1 ? 0.01 : 0 }];
  });
  await startService(url);
  await vi.waitFor(() => {
    expect(received.map((entry) => entry.url)).toEqual([LOGIN, REPORT, REPORT, LOGIN, REPORT]);
  }, SOON);
});

test('failures are tried again ever later, and reported from the fourth on', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => {
    vi.useRealTimers();
  });
  const { url, received } = await startStub(() => [500, {}]);
  const { text } = await startService(url);
  const delays = [0, 10_000, 20_000, 30_000, 15 * 60_000, 15 * 60_000];
  for (const [index, delay] of delays.entries()) {
    vi.advanceTimersByTime(Math.max(0, delay - 1));
    expect(received.length).toBe(index);
    vi.advanceTimersByTime(1);
    await expect.poll(() => received.length).toBe(index + 1);
    await expect.poll(() => text().split('Failed to send data').length - 1).toBe(index + 1);
  }
  expect(text().match(/level=WARN/g)?.length).toBe(3);
  expect(text()).not.toContain('SECRET');
});

test('the service says that it is connected and disconnected, whether it is or not', async () => {
  const { service, text } = await startService('http://127.0.0.1:1');
  await service.close();
  expect(text()).toMatch(/msg="?Connected"?[\s\S]*msg="?Disconnected"?/);
});

function updateCheck(url: string) {
  const { log, text } = recordLog();
  const options = { url, product: 'millrace', version: '16.16.0', platform: 'linux/amd64', env: {} };
  const check = new UpdateCheck(options, METRICS, log);
  onTestFinished(() => check.close());
  return { check, text };
}

test.each([
  ['millrace v16.17.0 and more', true],
  ['millrace v16.16.0', false],
  ['millrace v16.9.0', false],
])('the answer %j to a check for updates is news: %s', async (latest, isNews) => {
  const { url, received } = await startStub(() => [200, { latest_version: latest }]);
  const { check, text } = updateCheck(url);
  await check.check();
  expect(text().includes('New version available')).toBe(isNews);
  expect(text()).not.toContain('WARN');
  expect(received[0]?.body).toEqual({
    app_version: 'millrace v16.16.0',
    core_aarch: 'linux/amd64',
    core_uptime_seconds: 3,
    core_process_running: 3.14159,
    core_process_failed: 3.14159,
    core_process_killed: 3.14159,
    core_viewer: 3.14159,
  });
});

test.each<[string, Reply]>([
  ['an error', [500, {}]],
  ['no version', [200, { latest_version: 'soon' }]],
  ['nothing that makes sense', [200, null]],
  ['more than anybody reads', [200, 'x'.repeat(100_000)]],
])('a check for updates that is answered with %s leaves a warning', async (_, reply) => {
  const { url } = await startStub(() => reply);
  const { check, text } = updateCheck(url);
  await check.check();
  expect(text()).toContain('Failed to check for updates');
});

test('a server as it comes asks nobody for updates and reports to nobody', async () => {
  const { url, received } = await startStub(() => [200, {}]);
  const proxy = { HTTP_PROXY: url, HTTPS_PROXY: url, http_proxy: url, https_proxy: url };
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => {
    vi.useRealTimers();
  });
  const server = await startServer({ env: { ...proxy, CORE_UPDATE_CHECK: 'true' } });
  onTestFinished(() => server.close());
  vi.advanceTimersByTime(25 * 60 * 60 * 1000);
  await server.close();
  expect(received).toEqual([]);
});
