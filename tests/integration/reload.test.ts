import { once } from 'node:events';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { get } from 'node:https';
import { connect, createServer } from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { freePort } from '../support/ports.ts';
import { selfSignedCertificate } from './certificate.ts';
import { LiveServer } from './live-server.ts';
import { FFMPEG, SOON } from './process-server.ts';

const BASE = { allow: [], block: [] };

describe.skipIf(FFMPEG === '')('a reload', () => {
  test('with nothing changed touches nothing, but begins another run', async () => {
    const server = await LiveServer.forTest();
    const traffic = await server.connect();
    const before = (await server.call('GET', '')).body as { created_at: string };
    const { runtime_seconds } = await server.state('stream');
    expect(await server.reload()).toMatchObject({ state: 'done', error: '' });
    await traffic.finish();
    await server.untilProgress('stream');
    expect([server.starts('stream'), server.starts('alone')]).toEqual([1, 1]);
    expect((await server.state('stream')).runtime_seconds).toBeGreaterThanOrEqual(runtime_seconds);
    expect(server.log()).toContain('changed=[]');
    expect(((await server.call('GET', '')).body as { created_at: string }).created_at).not.toBe(
      before.created_at,
    );
  });

  test('that forbids changes disturbs nobody', async () => {
    const server = await LiveServer.forTest();
    const traffic = await server.connect();
    await server.change({ api: { read_only: true } });
    expect((await server.call('PUT', '/v3/config', { version: 3 })).status).toBe(404);
    expect((await server.call('GET', '/v3/config/reload')).status).toBe(404);
    await traffic.finish();
    await server.untilProgress('stream');
    expect([server.starts('stream'), server.starts('alone')]).toEqual([1, 1]);
  });

  test('that changes directories disturbs nobody and serves the new ones', async () => {
    const server = await LiveServer.forTest();
    const traffic = await server.connect();
    const folder = path.join(server.folder, 'other');
    await mkdir(folder);
    await writeFile(path.join(folder, 'index.html'), 'other');
    await server.change({ router: { ui_path: folder }, storage: { disk: { dir: folder } } });
    for (const place of ['/ui/index.html', '/index.html']) {
      const answer = await fetch(`http://127.0.0.1:${server.port}${place}`, {
        headers: { connection: 'close' },
      });
      expect(await answer.text()).toBe('other');
    }
    await traffic.finish();
    expect([server.starts('stream'), server.starts('alone')]).toEqual([1, 1]);
  });

  test('reads the MIME types anew and disturbs nobody', async () => {
    const server = await LiveServer.forTest();
    const file = path.join(server.folder, 'mime.types');
    await writeFile(file, 'text/plain .txt');
    await writeFile(path.join(server.folder, 'data', 'a.txt'), 'text');
    const typeOfText = async () => {
      const answer = await fetch(`http://127.0.0.1:${server.port}/a.txt`, {
        headers: { connection: 'close' },
      });
      await answer.text();
      return answer.headers.get('content-type');
    };
    const traffic = await server.connect();
    await server.change({ storage: { mimetypes_file: file } });
    expect(await typeOfText()).toBe('text/plain');
    await writeFile(file, 'text/other .txt');
    expect(await server.reload()).toMatchObject({ state: 'done' });
    expect(await typeOfText()).toBe('text/other');
    await rm(file);
    expect(await server.reload()).toMatchObject({
      state: 'failed',
      error: expect.stringContaining('mime.types') as string,
    });
    expect(await typeOfText()).toBe('text/other');
    await server.change({ storage: { mimetypes_file: '' } });
    expect(await typeOfText()).toBe('text/plain');
    await traffic.finish();
    expect([server.starts('stream'), server.starts('alone')]).toEqual([1, 1]);
  });

  test('that changes the password ends the sessions, but no stream', async () => {
    const server = await LiveServer.forTest();
    const traffic = await server.connect();
    await server.change({ api: { auth: { password: 'second' } } });
    expect((await server.call('GET', '/v3/process')).status).toBe(401);
    server.token = await server.login('second');
    await traffic.finish();
    await server.untilProgress('stream');
    expect([server.starts('stream'), server.starts('alone')]).toEqual([1, 1]);
  });

  test('that changes how FFmpeg writes to the memory replaces only those who write there', async () => {
    const server = await LiveServer.forTest();
    const traffic = await server.connect();
    await server.change({ storage: { memory: { auth: { password: 'second' } } } });
    expect((await server.state('stream')).command?.join(' ')).toContain('mem:second@');
    await server.untilProgress('stream');
    expect([server.starts('stream'), server.starts('alone')]).toEqual([2, 1]);
    // What was let in before goes on; what comes now needs the new password.
    await expect(traffic.finish()).resolves.toBeUndefined();
    expect(server.log()).not.toContain('status=401');
  });

  test('that forbids an input ends who reads it, and allowing it brings that back', async () => {
    const server = await LiveServer.forTest();
    const traffic = await server.connect();
    await server.change({ ffmpeg: { access: { input: { ...BASE, block: ['^testsrc'] } } } });
    expect((await server.state('stream')).exec).not.toBe('running');
    await server.change({ ffmpeg: { access: { input: BASE } } });
    await server.untilProgress('stream');
    await traffic.finish();
    expect([server.starts('stream'), server.starts('alone')]).toEqual([2, 1]);
  });

  test('that changes the token of RTMP replaces only those who use it', async () => {
    const server = await LiveServer.forTest();
    const input = [{ id: 'i', address: '{rtmp,name=a}', options: ['-listen', '1'] }];
    await server.change({ rtmp: { address: `127.0.0.1:${await freePort()}` } });
    await server.create({ id: 'rtmp', input, output: [{ id: 'o', address: '-', options: ['-f', 'null'] }] });
    await server.change({ rtmp: { token: 'token' } });
    expect([server.starts('rtmp'), server.starts('stream'), server.starts('alone')]).toEqual([2, 1, 1]);
  });

  test('that changes the folder of the database has the processes that are there', async () => {
    const server = await LiveServer.forTest();
    const traffic = await server.connect();
    await server.change({ db: { dir: path.join(server.folder, 'other') } });
    expect((await server.call('GET', '/v3/process')).body).toEqual([]);
    await traffic.finish();
    await server.create({
      id: 'new',
      autostart: false,
      input: [{ id: 'i', address: 'x' }],
      output: [{ id: 'o', address: '-' }],
    });
    await server.change({ db: { dir: path.join(server.folder, 'db') } });
    await server.untilProgress('stream');
    const ids = ((await server.call('GET', '/v3/process')).body as { id: string }[]).map(({ id }) => id);
    expect(ids).toEqual(['alone', 'stream']);
  });

  test('that changes the port moves there, and who writes to the memory follows', async () => {
    const server = await LiveServer.forTest();
    const [before, port] = [server.port, await freePort()];
    expect(
      (await server.call('PUT', '/v3/config', { version: 3, address: `127.0.0.1:${port}` })).status,
    ).toBe(200);
    await server.call('GET', '/v3/config/reload');
    await vi.waitUntil(() => server.log().includes('msg="Config reloaded"'), SOON);
    server.port = port;
    await server.untilProgress('stream');
    expect([server.starts('stream'), server.starts('alone')]).toEqual([2, 1]);
    await expect(once(connect(before, '127.0.0.1'), 'connect')).rejects.toThrow('ECONNREFUSED');
  });

  test('that changes the host of the same port moves there and back', async () => {
    const server = await LiveServer.forTest();
    expect(await server.change({ address: `:${server.port}` })).toMatchObject({ state: 'done' });
    const everywhere = connect(server.port, '127.0.0.2');
    await once(everywhere, 'connect');
    everywhere.destroy();
    expect(await server.change({ address: `127.0.0.1:${server.port}` })).toMatchObject({ state: 'done' });
    await expect(once(connect(server.port, '127.0.0.2'), 'connect')).rejects.toThrow('ECONNREFUSED');
    await server.untilProgress('stream');
    expect(server.starts('alone')).toBe(1);
  });

  test('asked for by many at once is granted to all', async () => {
    const server = await LiveServer.forTest();
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => server.call('GET', '/v3/config/reload')),
    );
    expect(new Set(answers.map(({ status, body }) => `${status} ${String(body)}`))).toEqual(
      new Set(['200 OK']),
    );
    expect(await server.reload()).toMatchObject({ state: 'done' });
    expect([server.starts('stream'), server.starts('alone')]).toEqual([1, 1]);
  });
});

describe.skipIf(FFMPEG === '')('nobody is disturbed by a change of', () => {
  let server: LiveServer;
  beforeAll(async () => {
    server = await LiveServer.start();
  });
  afterAll(() => server.close());

  type Change = Record<string, unknown> | ((server: LiveServer) => Promise<Record<string, unknown>>);
  test.each<[name: string, change: Change, isThere: (server: LiveServer) => Promise<unknown>]>([
    [
      'log.level',
      { log: { level: 'debug' } },
      (server) => expect.poll(() => server.log()).toContain('level=DEBUG'),
    ],
    [
      'storage.cors.origins',
      { storage: { cors: { origins: ['https://a.example'] } } },
      async (server) => {
        const headers = { origin: 'https://a.example', connection: 'close' };
        const answer = await fetch(`http://127.0.0.1:${server.port}/memfs/none`, { headers });
        expect(answer.headers.get('access-control-allow-origin')).toBe('https://a.example');
        await answer.text();
      },
    ],
    [
      'storage.memory.max_size_mbytes',
      { storage: { memory: { max_size_mbytes: 64 } } },
      async (server) => {
        const list = (await server.call('GET', '/v3/fs/mem?glob=/large')).body;
        expect(list).toMatchObject([{ name: '/large', size_bytes: 32 * 1024 * 1024 }]);
      },
    ],
    [
      'ffmpeg.max_processes',
      { ffmpeg: { max_processes: 2 } },
      async (server) => {
        const third = {
          id: 'third',
          autostart: true,
          input: [{ id: 'i', address: 'x' }],
          output: [{ id: 'o', address: '-' }],
        };
        expect((await server.call('POST', '/v3/process', third)).status).toBe(400);
      },
    ],
    [
      'ffmpeg.log.max_lines',
      { ffmpeg: { log: { max_lines: 3 } } },
      async (server) => {
        const report = (await server.call('GET', '/v3/process/alone/report')).body as { log: unknown[] };
        expect(report.log.length).toBeLessThanOrEqual(3);
      },
    ],
    ['host.name', { host: { name: ['host.example'] } }, () => Promise.resolve()],
    [
      'router.routes',
      { router: { routes: { '/old': '/new' } } },
      async (server) => {
        const answer = await fetch(`http://127.0.0.1:${server.port}/old`, {
          redirect: 'manual',
          headers: { connection: 'close' },
        });
        expect(answer.headers.get('location')).toBe('/new');
      },
    ],
    [
      'rtmp.token',
      { rtmp: { token: 'token' } },
      async (server) => {
        const input = [{ id: 'i', address: '{rtmp,name=a}' }];
        await server.create({ id: 'rtmp', autostart: false, input, output: [{ id: 'o', address: '-' }] });
        expect((await server.state('rtmp')).command).toContain('rtmp://localhost:1935/a?token=token');
      },
    ],
    [
      'sessions',
      { sessions: { ip_ignorelist: [], session_timeout_sec: 60, max_sessions: 7 } },
      async (server) => {
        const { body } = await server.call('GET', '/v3/session?collectors=hls');
        expect(body).toMatchObject({ hls: { active: { max_sessions: 7 } } });
      },
    ],
    [
      'storage.disk.cache',
      { storage: { disk: { cache: { ttl_seconds: 77 } } } },
      async (server) => {
        await writeFile(path.join(server.folder, 'data', 'cached.txt'), 'text');
        const answer = await fetch(`http://127.0.0.1:${server.port}/cached.txt`, {
          headers: { connection: 'close' },
        });
        expect(await answer.text()).toBe('text');
        expect(answer.headers.get('cache-control')).toBe('max-age=77');
      },
    ],
    [
      'metrics',
      { metrics: { enable: true, range_sec: 120, interval_sec: 3 } },
      async (server) => {
        const query = { metrics: [{ name: 'uptime_uptime' }] };
        expect((await server.call('POST', '/v3/metrics', query)).body).toMatchObject({
          timerange_sec: 120,
          interval_sec: 3,
        });
      },
    ],
    [
      'tls',
      async (server) => ({ tls: { enable: true, ...(await certificateFiles(server)) } }),
      async (server) => {
        const { tls } = (
          (await server.call('GET', '/v3/config')).body as { config: { tls: { address: string } } }
        ).config;
        const options = {
          path: '/ping',
          ca: await readFile(path.join(server.folder, 'cert.pem')),
          agent: false,
        };
        const request = get(`https://${tls.address}`, options);
        const [answer] = (await once(request, 'response')) as [IncomingMessage];
        expect((await answer.toArray()).join('')).toBe('pong');
      },
    ],
    // The last one: it hides the starts of processes.
    [
      'log.topics',
      { log: { topics: ['Core'] } },
      async (server) => {
        expect((await server.call('GET', '/v3/process/unknown')).status).toBe(404);
        expect(server.log()).not.toContain('/process/unknown');
      },
    ],
  ])('%s', async (_, change, isThere) => {
    const traffic = await server.connect();
    await server.change(typeof change === 'function' ? await change(server) : change);
    await isThere(server);
    await traffic.finish();
    await server.untilProgress('stream');
    await server.untilProgress('alone');
    expect([server.starts('stream'), server.starts('alone')]).toEqual([1, 1]);
    expect(server.log()).not.toContain('Config not reloaded');
  });
});

describe.skipIf(FFMPEG === '')('everything stays as it is, and the status says why, with', () => {
  let server: LiveServer;
  beforeAll(async () => {
    server = await LiveServer.start();
  });
  afterAll(() => server.close());

  /** Changes the file behind the server's back: what the API would refuse. */
  test.each<[name: string, change: (server: LiveServer) => object | Promise<object>, reason: RegExp]>([
    [
      'a port that is taken',
      async () => {
        const other = createServer().listen(0, '127.0.0.1');
        onTestFinished(() => void other.close());
        await once(other, 'listening');
        return {
          address: `127.0.0.1:${(other.address() as { port: number }).port}`,
          log: { level: 'debug' },
        };
      },
      /can't listen on 127\.0\.0\.1:\d+: .*EADDRINUSE/,
    ],
    [
      'an FFmpeg that is missing',
      () => ({ ffmpeg: { binary: '/no/such' } }),
      /ffmpeg\.binary: \/no\/such not found/,
    ],
    [
      'an FFmpeg that is none',
      () => ({ ffmpeg: { binary: '/bin/true' } }),
      /\/bin\/true does not tell a version/,
    ],
    [
      'a missing file of types',
      () => ({ storage: { mimetypes_file: '/no/such' } }),
      /storage\.mimetypes_file: .*\/no\/such/,
    ],
    [
      'a bad regular expression',
      () => ({ ffmpeg: { access: { output: { allow: ['('], block: [] } } } }),
      /ffmpeg\.access\.output\.allow: \( is not a valid regular expression/,
    ],
    [
      'a certificate that is none',
      async (server) => {
        const files = await certificateFiles(server);
        await writeFile(files.cert_file, 'no certificate');
        return { tls: { enable: true, ...files } };
      },
      /tls|certificate/i,
    ],
    [
      'a folder of the database that is a file',
      ({ configFile }) => ({ db: { dir: configFile } }),
      /db\.dir: .*config\.json is not a directory/,
    ],
  ])('%s', async (_, makeChange, reason) => {
    const traffic = await server.connect();
    const before = (await server.call('GET', '')).body as { created_at: string };
    const text = await readFile(server.configFile, 'utf8');
    onTestFinished(() => writeFile(server.configFile, text));
    const change = await makeChange(server);
    await writeFile(server.configFile, JSON.stringify(merged(JSON.parse(text) as object, change)));
    const reload = await server.reload();
    expect(reload).toMatchObject({ state: 'failed', error: expect.stringMatching(reason) as string });
    await traffic.finish();
    await server.untilProgress('stream');
    expect([server.starts('stream'), server.starts('alone')]).toEqual([1, 1]);
    expect((await server.call('GET', '')).body).toMatchObject({ created_at: before.created_at });
    expect(server.log()).not.toContain('level=DEBUG');
  });
});

async function certificateFiles({ folder }: LiveServer) {
  const { key, cert } = selfSignedCertificate();
  const [cert_file, key_file] = [path.join(folder, 'cert.pem'), path.join(folder, 'key.pem')];
  await writeFile(cert_file, cert);
  await writeFile(key_file, key);
  return { address: `127.0.0.1:${await freePort()}`, cert_file, key_file };
}

function merged(target: object, change: object): object {
  const result: Record<string, unknown> = { ...target };
  for (const [key, value] of Object.entries(change) as [string, unknown][]) {
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    result[key] = isObject ? merged(result[key] ?? {}, value) : value;
  }
  return result;
}
