import { Client, type ServerEvent } from '@millrace/client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startCuttingProxy } from '../support/cutting-proxy.ts';
import { PASSWORD, startServer, type TestServer, USERNAME } from '../support/server.ts';

let server: TestServer;
let client: Client;

beforeAll(async () => {
  server = await startServer();
  client = new Client({ baseUrl: server.base, username: USERNAME, password: PASSWORD });
});

afterAll(async () => {
  await server.close();
});

const pictures = (id: string) => ({
  id,
  input: [{ address: 'testsrc=size=64x64:rate=25', options: ['-re', '-f', 'lavfi'] }],
  output: [{ address: '-', options: ['-f', 'null'] }],
});

test('none is lost and none comes twice over a line that is cut every few hundred milliseconds', async () => {
  await using proxy = await startCuttingProxy(server.base, [100, 400]);
  const start = (await client.events({ after: 0 }).next()).value as ServerEvent;
  // A login that is cut off is not repeated.
  const far = new Client({ baseUrl: proxy.base, ...client.tokens(), retries: 20 });
  const seen: string[] = [];
  const reader = { isReading: true };
  const reading = (async () => {
    for await (const event of far.events({ type: 'process', process: 'cut-*', after: start.id })) {
      if (event.type === 'process.added' || event.type === 'process.removed') {
        seen.push(`${event.type} ${event.process}`);
        if (event.process === 'cut-last') return;
      }
    }
  })().finally(() => (reader.isReading = false));

  const expected: string[] = [];
  for (let i = 0; reader.isReading && proxy.cuts < 12; i++) {
    const process = { ...pictures(`cut-${i}`), autostart: false };
    await client.processes.add(process);
    await client.processes.add({ ...process, id: `other-${i}` });
    await client.processes.remove(`cut-${i}`);
    expected.push(`process.added cut-${i}`, `process.removed cut-${i}`);
  }
  await client.processes.add({ ...pictures('cut-last'), autostart: false });
  await reading;
  expect(seen).toEqual([...expected, 'process.added cut-last']);
}, 120_000);

test('go on when the session was ended, after a new login', async () => {
  const there = new Client({ baseUrl: server.base, username: USERNAME, password: PASSWORD });
  const start = (await client.events({ after: 0 }).next()).value as ServerEvent;
  const lost = Promise.withResolvers<unknown>();
  const seen: string[] = [];
  const reading = (async () => {
    const filter = { type: 'process.added', process: 'session-*', after: start.id };
    for await (const event of there.events(filter, { onDisconnect: lost.resolve })) {
      if (event.type === 'process.added') seen.push(event.process);
      if (seen.at(-1) === 'session-2') return;
    }
  })();
  await client.processes.add({ ...pictures('session-1'), autostart: false });
  await expect.poll(() => seen).toEqual(['session-1']);
  await there.revoke();
  await lost.promise;
  await client.processes.add({ ...pictures('session-2'), autostart: false });
  await reading;
  expect(seen).toEqual(['session-1', 'session-2']);
});

describe('waiting for a process', () => {
  test('ends when it runs', async () => {
    await client.processes.add(pictures('wait-running'));
    expect(await client.waitFor('wait-running', 'running')).toMatchObject({
      exec: 'running',
      order: 'start',
    });
    await client.processes.command('wait-running', 'stop');
    expect(await client.waitFor('wait-running', ['finished', 'failed', 'killed'])).toMatchObject({
      order: 'stop',
    });
    await client.processes.remove('wait-running');
  });

  test('fails at once with the reason if it will not run', async () => {
    await client.processes.add({
      ...pictures('wait-failed'),
      input: [{ address: 'http://127.0.0.1:1/nothing' }],
    });
    await client.waitFor('wait-failed', 'failed');
    await expect(client.waitFor('wait-failed', 'running')).rejects.toMatchObject({
      code: 'state',
      message: 'process wait-failed is failed and will not be running',
      details: [expect.stringContaining('refused') as string, expect.any(String) as string],
    });
    await client.processes.remove('wait-failed');
  });

  test('fails when it is removed, or was never there', async () => {
    await client.processes.add({ ...pictures('wait-removed'), autostart: false });
    const waiting = expect(client.waitFor('wait-removed', 'starting')).rejects.toMatchObject({
      code: 'state',
    });
    await waiting;
    await client.processes.command('wait-removed', 'start');
    await client.waitFor('wait-removed', 'running');
    const gone = expect(client.waitFor('wait-removed', 'killed')).rejects.toMatchObject({ status: 404 });
    await client.processes.remove('wait-removed');
    await gone;
    await expect(client.waitFor('nobody', 'running')).rejects.toMatchObject({ status: 404 });
  });

  test('fails when its time is up, and says how things are', async () => {
    await client.processes.add(pictures('wait-late'));
    await client.waitFor('wait-late', 'running');
    await expect(client.waitFor('wait-late', 'failed', { timeout: 2000 })).rejects.toMatchObject({
      code: 'timeout',
      message: expect.stringContaining('process wait-late was not failed in time, it is running') as string,
    });
    await client.processes.remove('wait-late');
  });

  test('ends with the signal', async () => {
    await client.processes.add(pictures('wait-aborted'));
    const controller = new AbortController();
    const waiting = client.waitFor('wait-aborted', 'killed', { signal: controller.signal });
    await client.waitFor('wait-aborted', 'running');
    controller.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    await client.processes.remove('wait-aborted');
  });

  test('works without events, as with datarhei Core', async () => {
    const old = new Client({
      baseUrl: server.base,
      username: USERNAME,
      password: PASSWORD,
      fetch: ((url: string, init: RequestInit) =>
        fetch(url.replace('/v3/events', '/v3/unknown'), init)) as typeof fetch,
    });
    await expect(old.events().next()).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringContaining('the server has no GET /api/v3/events') as string,
    });
    await client.processes.add(pictures('wait-old'));
    expect(await old.waitFor('wait-old', 'running')).toMatchObject({ exec: 'running' });
    await client.processes.remove('wait-old');
  });
});
