import { createReadStream, createWriteStream } from 'node:fs';
import { stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Client, MillraceError } from '@millrace/client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../support/ports.ts';
import { PASSWORD, startServer, type TestServer, USERNAME } from '../support/server.ts';

let server: TestServer;
let client: Client;

beforeAll(async () => {
  server = await startServer({
    env: { CORE_METRICS_ENABLE: 'true', CORE_METRICS_ENABLE_PROMETHEUS: 'true' },
  });
  client = new Client({ baseUrl: server.base, username: USERNAME, password: PASSWORD });
});

afterAll(async () => {
  await server.close();
});

const CAM = {
  id: 'cam:1/a b',
  reference: 'cams',
  input: [{ id: 'in', address: 'testsrc=size=64x64:rate=25', options: ['-re', '-f', 'lavfi'] }],
  output: [{ id: 'out', address: '-', options: ['-f', 'null'] }],
};

test('tells what the server is', async () => {
  await client.login();
  expect(await client.about()).toMatchObject({
    app: 'datarhei-core',
    auths: ['localjwt'],
    id: expect.any(String) as string,
  });
  expect(await new Client({ baseUrl: server.base }).about()).not.toHaveProperty('id');
  expect(await client.health.ping()).toBe('pong');
  expect(await client.health.live()).toBe(true);
  expect(await client.health.ready()).toMatchObject({ status: 'ok' });
});

test('leads a process through its life', async () => {
  const { processes } = client;
  expect(await processes.add(CAM)).toMatchObject({ ...CAM, autostart: true });
  await client.waitFor(CAM.id, 'running');
  expect((await processes.list({ id: [CAM.id], filter: ['state'] })).map(({ state }) => state?.exec)).toEqual(
    ['running'],
  );
  expect(await processes.list({ idpattern: 'nobody*' })).toEqual([]);
  const { config, state, report } = await processes.get(CAM.id, ['config']);
  expect([config?.reference, state, report]).toEqual(['cams', undefined, undefined]);
  expect((await processes.config(CAM.id)).output[0]?.address).toBe('-');
  await expect.poll(async () => (await processes.state(CAM.id)).progress.frame).toBeGreaterThan(0);
  await expect.poll(async () => (await processes.report(CAM.id)).prelude.length).toBeGreaterThan(0);
  expect((await processes.probe(CAM.id)).streams[0]).toMatchObject({ width: 64, type: 'video' });
  expect(await processes.widget(CAM.id)).toMatchObject({ current_sessions: 0 });

  expect(
    await processes.update(CAM.id, { input: [{ options: ['-re', '-f', 'lavfi', '-vn'] }] }),
  ).toMatchObject({
    input: [{ id: 'in', address: CAM.input[0]?.address, options: ['-re', '-f', 'lavfi', '-vn'] }],
  });
  await processes.setMetadata(CAM.id, 'ui/title', { de: 'Kamera' });
  expect(await processes.metadata(CAM.id, 'ui/title')).toEqual({ de: 'Kamera' });
  expect(await processes.allMetadata(CAM.id)).toEqual({ 'ui/title': { de: 'Kamera' } });

  await processes.command(CAM.id, 'stop');
  await client.waitFor(CAM.id, ['finished', 'failed', 'killed']);
  await processes.remove(CAM.id);
  await expect(processes.state(CAM.id)).rejects.toMatchObject({
    status: 404,
    message: 'Unknown process ID',
    details: ['unknown process'],
    route: 'GET /api/v3/process/{id}/state',
  });
});

test.each(['a+b', 'a,b', '100%', 'a%2Fb', 'ü ?#&=', '..', 'a/../b'])(
  'knows a process whose id is %j',
  async (id) => {
    const { processes } = client;
    if (id === '..') {
      // The path of the platform would lead elsewhere.
      await expect(processes.get(id)).rejects.toMatchObject({ code: 'argument' });
      return;
    }
    await processes.add({ ...CAM, id, autostart: false });
    expect((await processes.get(id)).id).toBe(id);
    expect((await processes.list({ id: [id, 'nobody'] })).map((found) => found.id)).toEqual([id]);
    await processes.remove(id);
  },
);

test('asks for everything else that there is', async () => {
  expect((await client.skills.get()).ffmpeg.version).toMatch(/^\d+\./);
  expect((await client.skills.reload()).formats.muxers.length).toBeGreaterThan(0);
  await client.metadata.set('app', [1, 2]);
  expect(await client.metadata.get('app')).toEqual([1, 2]);
  expect(await client.metadata.all()).toEqual({ app: [1, 2] });
  expect((await client.metrics.describe()).map(({ name }) => name)).toContain('cpu_ncpu');
  const { metrics } = await client.metrics.query({ metrics: [{ name: 'cpu_ncpu' }] });
  expect(metrics[0]?.values[0]?.[1]).toBeGreaterThan(0);
  expect(await client.metrics.prometheus()).toContain('# TYPE ');
  expect(await client.sessions.active(['hls'])).toEqual({ hls: [] });
  expect((await client.sessions.summary(['hls']))['hls']?.summary.sessions).toBe(0);
  expect((await client.graph.query({ query: '{ ping }' })).data).toBeDefined();
  expect((await client.graph.put({ query: '{ about { app } }' })).data).toEqual({
    about: { app: 'datarhei-core' },
  });
  expect((await client.log.lines({ limit: 2 })).length).toBe(2);
  expect((await client.log.events({ level: 'info', since: new Date(0) }))[0]).toHaveProperty('component');
  expect(await client.pages.openApi()).toMatchObject({ openapi: '3.1.1' });
  expect(await client.pages.swagger()).toContain('<html');
  expect(await client.pages.graph()).toContain('<html');
});

test('changes the configuration, and has its errors by the name of the setting', async () => {
  await client.config.set({ name: 'renamed' });
  expect((await client.config.get()).config.name).toBe('renamed');
  await client.config.reload();
  await expect.poll(async () => (await client.config.status()).reload?.state).toBe('done');
  await expect(client.config.check({ id: '' })).rejects.toMatchObject({
    status: 409,
    message: 'The configuration has errors',
    details: [expect.stringMatching(/^id: /) as string],
    body: { id: expect.any(Array) as string[] },
  });
});

test('changes the configuration only as it was seen, if that is asked for', async () => {
  const { tag } = await client.config.status();
  await client.config.set({ name: 'first' }, { tag });
  await expect(client.config.set({ name: 'second' }, { tag })).rejects.toMatchObject({ status: 412 });
  expect((await client.config.get()).config.name).toBe('first');
  await client.config.set({ name: 'second' }, { tag: (await client.config.status()).tag });
});

test('says clearly what the server does not have', async () => {
  const reason = { code: 'unsupported', status: 404, details: [] };
  await expect(client.pages.profiling()).rejects.toBeInstanceOf(MillraceError);
  const old = new Client({
    baseUrl: server.base,
    ...client.tokens(),
    fetch: ((url: string, init: RequestInit) =>
      fetch(url.replace('/config/status', '/other'), init)) as typeof fetch,
  });
  await expect(old.config.status()).rejects.toMatchObject({
    ...reason,
    message:
      'the server has no GET /api/v3/config/status: the server is older than that, or a setting turns it off',
  });
});

test('tells when nothing is there', async () => {
  const nowhere = new Client({ baseUrl: `http://127.0.0.1:${await freePort()}`, retries: 0 });
  await expect(nowhere.health.ping()).rejects.toMatchObject({
    code: 'network',
    status: 0,
    details: expect.arrayContaining([expect.stringContaining('ECONNREFUSED')]) as string[],
  });
});

describe('files', () => {
  test('are stored, listed, read and removed', async () => {
    const { files } = client;
    expect((await files.filesystems()).map(({ name }) => name)).toEqual(
      expect.arrayContaining(['mem', 'disk']),
    );
    for (const bytes of [
      'text',
      new Blob(['text']),
      new TextEncoder().encode('text'),
      new TextEncoder().encode('text').buffer,
    ]) {
      await files.put('mem', '/a/ü b.txt', bytes);
      expect(await (await files.get('mem', '/a/ü b.txt')).text()).toBe('text');
    }
    expect(await (await files.get('mem', 'a/ü b.txt', { range: { first: 1, last: 2 } })).text()).toBe('ex');
    expect(await (await files.get('mem', 'a/ü b.txt', { range: { first: 2 } })).text()).toBe('xt');
    expect(await files.list('mem', { glob: '/a/*', sort: 'name' })).toMatchObject([
      { name: '/a/ü b.txt', size_bytes: 4 },
    ]);
    await files.remove('mem', '/a/ü b.txt');
    await expect(files.get('mem', '/a/ü b.txt')).rejects.toMatchObject({ status: 404 });
  });

  test('of any size are streamed both ways', async () => {
    const size = 48 * 1024 * 1024;
    const source = path.join(server.folder, 'source');
    const copy = path.join(server.folder, 'copy');
    await writeFile(source, Buffer.alloc(size, 'x'));
    await client.files.put('disk', '/large', createReadStream(source));
    const { body } = await client.files.get('disk', '/large');
    await pipeline(Readable.fromWeb(body as never), createWriteStream(copy));
    expect((await stat(copy)).size).toBe(size);
    await client.files.put('disk', '/large', new Blob(['web']).stream());
    expect(await (await client.files.get('disk', '/large')).text()).toBe('web');
  });

  test('are not stored in part if their source fails', async () => {
    async function* broken() {
      yield new Uint8Array(1024);
      await Promise.resolve();
      throw new Error('the disk is on fire');
    }
    await expect(client.files.put('mem', '/broken', broken())).rejects.toMatchObject({ code: 'network' });
    await expect(client.files.get('mem', '/broken')).rejects.toMatchObject({ status: 404 });
  });

  test('can be left alone half read', async () => {
    await client.files.put('mem', '/half', new Uint8Array(8 * 1024 * 1024));
    const controller = new AbortController();
    const { body } = await client.files.get('mem', '/half', { signal: controller.signal });
    const reader = body?.getReader();
    await reader?.read();
    controller.abort(new Error('enough'));
    await expect(
      (async () => {
        while ((await reader?.read())?.done === false);
      })(),
    ).rejects.toThrow('enough');
  });
});
