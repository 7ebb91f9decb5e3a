import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Session, SessionsActive, SessionsSummary, WidgetProcess } from '@millrace/api';
import { expect, onTestFinished, test, vi } from 'vitest';
import { startServer, type TestServer } from '../support/server.ts';
import { FFMPEG, PICTURE, SOON } from './process-server.ts';

const COUNT_LOCAL = { CORE_SESSIONS_IP_IGNORELIST: '' };

async function serverForTest(env: Record<string, string> = {}, folder?: string): Promise<TestServer> {
  const server = await startServer({ env, ...(folder !== undefined && { folder }) });
  onTestFinished(() => server.close());
  return server;
}

async function active(server: TestServer, collectors: string): Promise<SessionsActive> {
  const { status, body } = await server.api('GET', `/v3/session/active?collectors=${collectors}`);
  expect(status).toBe(200);
  return body as SessionsActive;
}

async function summary(server: TestServer, collectors: string): Promise<SessionsSummary> {
  const { status, body } = await server.api('GET', `/v3/session?collectors=${collectors}`);
  expect(status).toBe(200);
  return body as SessionsSummary;
}

async function http(server: TestServer): Promise<Session | undefined> {
  return (await active(server, 'http'))['http']?.[0];
}

/** What was in the files of a reference. */
const PAST = {
  sessions: {
    '/memfs/live.m3u8:unknown:live': {
      location: '/memfs/live.m3u8',
      peer: 'unknown',
      reference: 'live',
      total_sessions: 3,
      total_rxbytes: 0,
      total_txbytes: 5 * 1024 * 1024 + 1,
    },
  },
};

async function folderWithPast(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'millrace-sessions-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await mkdir(path.join(folder, 'config/sessions'), { recursive: true });
  await writeFile(path.join(folder, 'config/sessions/hls.json'), JSON.stringify(PAST, null, 4));
  await writeFile(path.join(folder, 'config/sessions/rtmp.json'), '{"sessions":');
  return folder;
}

test('HTTP requests are one session, with the bytes that went over the connections', async () => {
  const server = await serverForTest({ ...COUNT_LOCAL, CORE_STORAGE_MEMORY_AUTH_ENABLE: 'false' });
  const first = await http(server);
  expect(first).toMatchObject({ id: 'HTTP', reference: '', local: 'any', remote: 'any', extra: '' });
  const client = connect(Number(new URL(server.base).port), '127.0.0.1').resume();
  onTestFinished(() => {
    client.destroy();
  });
  const body = 'x'.repeat(1024 * 1024);
  client.write(`PUT /memfs/x HTTP/1.1\r\nHost: x\r\nContent-Length: ${2 * body.length}\r\n\r\n${body}`);
  // The upload has not ended yet.
  await vi.waitFor(async () => {
    expect((await http(server))?.bytes_rx).toBeGreaterThan(body.length);
  }, SOON);
  client.write(body);
  await once(client, 'data');
  client.write('GET /memfs/x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  await vi.waitFor(async () => {
    const session = await http(server);
    expect(session?.bytes_rx).toBeGreaterThan(2 * body.length);
    expect(session?.bytes_tx).toBeGreaterThan(2 * body.length);
    expect(session?.bytes_rx).toBeLessThan(2.2 * body.length);
    expect(session?.bytes_tx).toBeLessThan(2.2 * body.length);
  }, SOON);
});

test.skipIf(FFMPEG === '')('what FFmpeg sends to a host is a session until it ends', async () => {
  const server = await serverForTest(COUNT_LOCAL);
  let received = 0;
  const peer = createServer((socket) => {
    socket.on('data', (chunk) => (received += chunk.length)).on('error', () => undefined);
  }).listen(0, '127.0.0.1');
  onTestFinished(() => {
    peer.close();
  });
  await once(peer, 'listening');
  const address = `tcp://127.0.0.1:${(peer.address() as AddressInfo).port}`;
  const created = await server.api('POST', '/v3/process', {
    id: 'send',
    reference: 'live',
    autostart: true,
    input: [PICTURE],
    output: [{ id: 'out', address, options: ['-c:v', 'mpeg2video', '-f', 'mpegts'] }],
  });
  expect(created.status).toBe(200);
  await vi.waitFor(async () => {
    const [session] = (await active(server, 'ffmpeg'))['ffmpeg'] ?? [];
    expect(session).toMatchObject({ id: 'send', reference: 'live', local: 'unknown', remote: 'unknown' });
    expect(session?.bytes_tx).toBeGreaterThan(10_000);
  }, SOON);
  await server.api('PUT', '/v3/process/send/command', { command: 'stop' });
  const ended = (await summary(server, 'ffmpeg'))['ffmpeg'];
  expect(ended).toMatchObject({ active: { list: [] }, summary: { sessions: 1 } });
  expect(received).toBeGreaterThan(10_000);
});

test('requests from ignored addresses are not counted', async () => {
  const server = await serverForTest();
  expect(await active(server, 'http')).toEqual({ http: [] });
});

test('each collector that is named has an entry, once and in order', async () => {
  const server = await serverForTest();
  expect(Object.keys(await active(server, 'srt,nope,hls,srt'))).toEqual(['hls', 'nope', 'srt']);
  expect(await active(server, '')).toEqual({ '': [] });
  expect(await active(server, 'hls%252Csrt')).toEqual({ hls: [], srt: [] });
  expect(Object.keys(await active(server, ','.repeat(5000)))).toEqual(['']);
});

test('the summary tells the limits', async () => {
  const server = await serverForTest({
    CORE_SESSIONS_MAX_SESSIONS: '7',
    CORE_SESSIONS_MAXBITRATE_MBIT: '50',
  });
  const answer = await summary(server, 'hls,hlsingress');
  expect(answer['hls']?.active).toMatchObject({
    max_sessions: 7,
    max_bandwidth_rx_mbit: 0,
    max_bandwidth_tx_mbit: 50,
  });
  expect(answer['hlsingress']?.active).toMatchObject({ max_sessions: 0, max_bandwidth_tx_mbit: 0 });
});

test('the sessions of a reference are imported once, and its files left alone', async () => {
  const folder = await folderWithPast();
  const env = { CORE_SESSIONS_PERSIST: 'true' };
  const stats = { sessions: 3, traffic_rx_mb: 0, traffic_tx_mb: 5 };
  for (let start = 0; start < 2; start++) {
    const server = await serverForTest(env, folder);
    expect((await summary(server, 'hls'))['hls']?.summary).toEqual({
      remote: { unknown: { ...stats, local: { '/memfs/live.m3u8': stats } } },
      local: { '/memfs/live.m3u8': stats },
      reference: { live: stats },
      ...stats,
    });
    expect(server.log()).toMatch(/level=WARN component="SessionStore".*rtmp\.json/);
    await server.close();
  }
  const file = await readFile(path.join(folder, 'config/sessions/hls.json'), 'utf8');
  expect(JSON.parse(file)).toEqual(PAST);
});

test('the history outlives a restart if it is to be kept', async () => {
  const folder = await folderWithPast();
  const env = { ...COUNT_LOCAL, CORE_SESSIONS_PERSIST: 'true' };
  const first = await serverForTest(env, folder);
  await http(first);
  await first.close();
  const second = await serverForTest(env, folder);
  expect((await summary(second, 'http'))['http']?.summary).toMatchObject({
    remote: { any: { sessions: 1, local: { any: { sessions: 1 } } } },
    sessions: 1,
  });
});

test('a process shows past viewers of its stream, and no others', async () => {
  const server = await serverForTest({ CORE_SESSIONS_PERSIST: 'true' }, await folderWithPast());
  const widget = async (reference: string) => {
    const id = `of-${reference}`;
    await server.api('POST', '/v3/process', {
      id,
      reference,
      autostart: false,
      input: [{ id: 'in', address: 'testsrc', options: ['-f', 'lavfi'] }],
      output: [{ id: 'out', address: '-', options: ['-f', 'null'] }],
    });
    const response = await fetch(`${server.base}/api/v3/widget/process/${id}`);
    return (await response.json()) as WidgetProcess;
  };
  expect(await widget('live')).toEqual({ current_sessions: 0, total_sessions: 3, uptime: 0 });
  expect(await widget('li')).toEqual({ current_sessions: 0, total_sessions: 0, uptime: 0 });
});

test('the paths of the official Go client answer like those of the API', async () => {
  const server = await serverForTest(COUNT_LOCAL);
  await server.api('POST', '/v3/process', {
    id: 'one',
    autostart: false,
    input: [{ id: 'in', address: 'testsrc', options: ['-f', 'lavfi'] }],
    output: [{ id: 'out', address: '-', options: ['-f', 'null'] }],
  });
  for (const [path, alias] of [
    ['/v3/session?collectors=hls', '/v3/sessions?collectors=hls'],
    ['/v3/session/active?collectors=hls', '/v3/sessions/active?collectors=hls'],
    ['/v3/widget/process/one', '/v3/widget/processone'],
  ] as const) {
    const { status, body } = await server.api('GET', alias);
    expect([status, body]).toEqual([200, (await server.api('GET', path)).body]);
  }
  expect((await fetch(`${server.base}/api/v3/sessions?collectors=hls`)).status).toBe(401);
});

test('with sessions off everything is empty and the widget shows zeros', async () => {
  const server = await serverForTest({ ...COUNT_LOCAL, CORE_SESSIONS_ENABLE: 'false' });
  expect(await active(server, 'http')).toEqual({ http: [] });
  expect((await summary(server, 'hls'))['hls']?.active).toMatchObject({ list: [], sessions: 0 });
  await server.api('POST', '/v3/process', {
    id: 'one',
    autostart: false,
    input: [{ id: 'in', address: 'testsrc', options: ['-f', 'lavfi'] }],
    output: [{ id: 'out', address: '-', options: ['-f', 'null'] }],
  });
  const response = await fetch(`${server.base}/api/v3/widget/process/one`);
  expect(await response.json()).toEqual({ current_sessions: 0, total_sessions: 0, uptime: 0 });
});

test('a reload changes the settings of sessions and ends none', async () => {
  const server = await startServer({ env: {} });
  onTestFinished(() => server.close());
  const change = async (sessions: object) => {
    const put = await server.api('PUT', '/v3/config', { version: 3, sessions });
    expect([put.status, put.body]).toEqual([200, 'OK']);
    await server.app.reload();
  };
  await change({ ip_ignorelist: [] });
  const before = await http(server);
  expect(before?.id).toBe('HTTP');
  await change({ max_sessions: 3, session_timeout_sec: 60, persist: true });
  expect((await http(server))?.created_at).toBe(before?.created_at);
  expect((await summary(server, 'http'))['http']).toMatchObject({
    active: { max_sessions: 3, sessions: 1 },
    summary: { sessions: 0 },
  });
  await change({ enable: false });
  expect(await active(server, 'http')).toEqual({ http: [] });
  await change({ enable: true });
  expect((await summary(server, 'http'))['http']?.summary.sessions).toBe(1);
});
