import { once } from 'node:events';
import { connect } from 'node:net';
import path from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { Database } from '../../packages/server/src/database/database.ts';
import { freePort } from '../support/ports.ts';
import { installStandIn, Program } from '../support/program.ts';
import { startServer, type TestServerOptions } from '../support/server.ts';
import { EventClient, type EventClientOptions } from './event-client.ts';
import { makeFolder, openScripted, scripted, SOON } from './process-server.ts';
import { TlsServer } from './tls-server.ts';

async function open(options: TestServerOptions = {}) {
  const processes = await openScripted(options);
  const { server } = processes;
  const { access: token } = await server.login();
  const listen = (change: Partial<EventClientOptions> = {}) =>
    EventClient.connect({ base: server.base, token, ...change });
  return { server, processes, token, listen };
}

describe('GET /api/v3/events', () => {
  test('is an event stream that nothing on the way stores or collects', async () => {
    const { listen } = await open();
    const { response } = await listen();
    expect([response.statusCode, response.headers]).toMatchObject([
      200,
      {
        'content-type': 'text/event-stream',
        'cache-control': 'no-store',
        'x-accel-buffering': 'no',
      },
    ]);
    expect(response.headers['content-encoding']).toBeUndefined();
  });

  test('asks for a token', async () => {
    const { listen } = await open();
    expect((await listen({ token: 'x' })).response.statusCode).toBe(401);
  });

  test('tells the life of a process, in order', async () => {
    const { processes, listen } = await open();
    const client = await listen({ query: '?type=process' });
    await client.untilLive();
    await processes.create(scripted('cam', ['exit 0'], { reference: 'ref', autostart: true }));
    await processes.untilExec('cam', 'finished');
    await processes.update('cam', scripted('camera', ['exit 0'], { autostart: false }));
    await processes.call('DELETE', '/process/camera');
    await client.untilType('process.removed');
    const time = expect.any(String) as string;
    const told = client.events.map(({ data }) => data);
    expect(told.slice(0, 3)).toEqual([
      { type: 'process.added', time, process: 'cam', reference: 'ref' },
      {
        type: 'process.state',
        time,
        process: 'cam',
        reference: 'ref',
        state: 'starting',
        from: 'finished',
        order: 'start',
      },
      {
        type: 'process.state',
        time,
        process: 'cam',
        reference: 'ref',
        state: 'running',
        from: 'starting',
        order: 'start',
      },
    ]);
    expect(told).toContainEqual(
      expect.objectContaining({ type: 'process.updated', process: 'camera', previous_id: 'cam' }),
    );
    expect(told.at(-1)).toMatchObject({ type: 'process.removed', process: 'camera' });
    const ids = client.events.map(({ id }) => id ?? 0);
    expect(ids).toEqual([...new Set(ids)].sort((a, b) => a - b));
  });

  test('tells lines of the log with secrets masked, and reloads', async () => {
    const { server, listen } = await open();
    const client = await listen();
    await client.untilLive();
    await server.api('GET', '/v3/nothing?token=hunter2');
    await server.app.reload();
    await client.until((events) => {
      expect(JSON.stringify(events)).toMatch(/nothing\?token=\*\*\*.*"config.reload".*"done"/s);
    });
    expect(JSON.stringify(client.events)).not.toContain('hunter2');
  });

  test('goes on through a reload', async () => {
    const { server, listen } = await open();
    const client = await listen({ query: '?type=config.reload' });
    await client.untilLive();
    for (const name of ['first', 'second']) {
      await server.api('PUT', '/v3/config', { version: 3, name });
      await server.app.reload();
    }
    await client.until((events) => {
      expect(events.map(({ data }) => 'state' in data && data.state)).toEqual([
        'running',
        'done',
        'running',
        'done',
      ]);
    });
  });

  test('filters by type, process and level', async () => {
    const { server, processes, listen } = await open();
    const ofProcess = await listen({ query: '?type=process.*,log&process=cam*' });
    const warnings = await listen({ query: '?type=log&level=warn' });
    await Promise.all([ofProcess.untilLive(), warnings.untilLive()]);
    for (const id of ['other', 'cam1']) await processes.create(scripted(id, ['exit 0']));
    await server.api('GET', '/v3/nothing');
    await warnings.untilType('log');
    await ofProcess.untilType('log');
    expect(JSON.stringify(ofProcess.events)).not.toContain('other');
    expect(new Set(ofProcess.events.map(({ type }) => type))).toEqual(new Set(['process.added', 'log']));
    expect(warnings.events.every(({ data }) => data.type === 'log' && data.level === 'WARN')).toBe(true);
  });

  test.each(['level=loud', `type=${'a,'.repeat(40)}`])('refuses %s', async (query) => {
    const { server } = await open();
    expect((await server.api('GET', `/v3/events?${query}`)).status).toBe(400);
  });

  test('ends when the token is revoked', async () => {
    const { server, listen } = await open();
    const client = await listen();
    await client.untilLive();
    expect((await server.api('POST', '/v3/auth/revoke', {})).status).toBe(200);
    await client.ended;
    expect(client.response.complete).toBe(true);
  });

  test('does not keep the server from stopping', async () => {
    const { server, listen } = await open();
    const client = await listen();
    await client.untilLive();
    const began = performance.now();
    await server.close();
    await client.ended;
    expect(client.response.complete).toBe(true);
    expect(performance.now() - began).toBeLessThan(4_500);
  });

  test('lets pages of other origins resume', async () => {
    const { server } = await open();
    const answer = await fetch(`${server.base}/api/v3/events`, {
      method: 'OPTIONS',
      headers: {
        origin: 'https://example.com',
        'access-control-request-method': 'GET',
        'access-control-request-headers': 'authorization,last-event-id',
      },
    });
    expect(answer.headers.get('access-control-allow-headers')).toContain('Last-Event-ID');
  });
});

test('comes over HTTP/2 too', async () => {
  await using tls = await TlsServer.start();
  const { access } = await tls.server.login();
  const stream = tls.session().request({
    ':path': '/api/v3/events?last_event_id=0',
    authorization: `Bearer ${access}`,
  });
  let text = '';
  stream.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  await vi.waitFor(() => {
    expect(text).toMatch(/^retry: \d+\n\nid: \d+\nevent: server\.started\n/);
  }, SOON);
  const ended = once(stream, 'end');
  await tls.server.close();
  await ended;
});

describe('resuming', () => {
  test('a server that was killed has what it had told, and goes on', async () => {
    const folder = await makeFolder();
    const port = await freePort();
    const env = {
      CORE_ADDRESS: `127.0.0.1:${port}`,
      CORE_CONFIGFILE: path.join(folder, 'config.json'),
      CORE_DB_DIR: path.join(folder, 'db'),
      CORE_STORAGE_DISK_DIR: path.join(folder, 'data'),
      CORE_FFMPEG_BINARY: await installStandIn(folder),
      CORE_API_AUTH_ENABLE: 'false',
    };
    const listen = async (lastEventId: number) =>
      EventClient.connect({
        base: `http://127.0.0.1:${port}`,
        token: '',
        query: '?type=log,server',
        lastEventId,
      });
    const first = new Program({ env, folder });
    await first.untilLogged('Server started');
    const before = await listen(0);
    await before.until((events) => {
      expect(JSON.stringify(events)).toContain('Server started');
    });
    first.signal('SIGKILL');
    await Promise.all([first.ended, before.ended]);

    const second = new Program({ env, folder });
    await second.untilLogged('Server started');
    const all = await listen(0);
    const since = await listen(before.lastEventId ?? 0);
    for (const client of [all, since]) {
      await client.until((events) => {
        expect(JSON.stringify(events).split('Server started').length - 1).toBe(client === all ? 2 : 1);
      });
    }
    const ids = [...before.events, ...since.events].map(({ id }) => id);
    expect(all.events.map(({ id }) => id).slice(0, ids.length)).toEqual(ids.slice(0, all.events.length));
  });

  test('a client that is cut off again and again, also by restarts, gets everything once', async () => {
    const folder = await makeFolder();
    const seen: string[] = [];
    let lastEventId: number | undefined = 0;
    let written = 0;
    for (let run = 0; run < 2; run++) {
      const { server, processes, listen } = await open({ folder });
      for (let cut = 0; cut < 4; cut++) {
        const client: EventClient = await listen({ query: '?type=process.added', lastEventId });
        // Some are told while nobody listens, some while somebody does.
        await client.untilLive();
        const expected = seen.length + 2;
        for (let i = 0; i < 2; i++) await processes.create(scripted(`p${written++}`, ['exit 0']));
        if (cut % 2 === 0) {
          await client.until((events) => {
            expect(seen.length + events.length).toBeGreaterThanOrEqual(expected);
          });
        }
        client.close();
        await client.ended;
        for (const { data } of client.events) seen.push('process' in data ? data.process : data.type);
        lastEventId = client.lastEventId;
      }
      await server.close();
    }
    const { listen } = await open({ folder });
    const last = await listen({ query: '?type=process.added', lastEventId });
    await last.until((events) => {
      expect(seen.length + events.length).toBe(written);
    });
    for (const { data } of last.events) seen.push('process' in data ? data.process : data.type);
    expect(seen).toEqual(Array.from({ length: written }, (_, index) => `p${index}`));
  });

  test('who comes back too late is told that something is missing', async () => {
    const { listen } = await open();
    const client = await listen({ lastEventId: 12_345 });
    const gap = await client.untilType('gap');
    expect(gap.id).toBeUndefined();
    await client.untilType('server.started');
  });

  test('an id of another server is a gap, and the stream goes on from here', async () => {
    const { listen, server } = await open();
    const client = await listen({ query: '?last_event_id=9999999999999999' });
    await client.untilType('gap');
    await server.api('GET', '/v3/nothing');
    await client.untilType('log');
  });

  test('the journal is bounded', async () => {
    const folder = await makeFolder();
    const { server, listen } = await open({ folder, env: { CORE_EVENTS_MAX_EVENTS: '100' } });
    for (let i = 0; i < 150; i++) await server.api('GET', '/v3/nothing');
    const client = await listen({ lastEventId: 0 });
    await client.untilLive();
    await server.close();
    const database = new Database(`${folder}/config`, { warn: () => undefined } as never);
    await database.start();
    onTestFinished(() => database.close());
    const row = database.sqlite.prepare('SELECT count(*) AS count FROM event').get();
    expect(Number(row?.['count'])).toBeLessThanOrEqual(110 + 20);
  });
});

test('a client that takes nothing costs bounded memory and does not keep up others', async () => {
  const { server, token, listen } = await open();
  const stuck = connect(Number(new URL(server.base).port), '127.0.0.1');
  onTestFinished(() => {
    stuck.destroy();
  });
  stuck.write(`GET /api/v3/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\n\r\n`);
  stuck.pause();
  const client = await listen({ query: '?type=log' });
  await client.untilLive();
  const path = `/v3/nothing?${'x'.repeat(1500)}`;
  for (let i = 0; i < 60; i++) await Promise.all(Array.from({ length: 3 }, () => server.api('GET', path)));
  await vi.waitFor(() => {
    expect(client.events.length).toBeGreaterThanOrEqual(180);
  }, SOON);
});

test('starts and stops with events switched to silent logs', async () => {
  await using server = await startServer({ env: { CORE_EVENTS_LOG_LEVEL: 'silent' } });
  const { access: token } = await server.login();
  const client = await EventClient.connect({ base: server.base, token, lastEventId: 0 });
  await client.untilType('server.started');
  expect(client.events.map(({ type }) => type)).not.toContain('log');
});
