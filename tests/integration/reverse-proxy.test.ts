import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type PrefixProxy, startPrefixProxy } from '../support/prefix-proxy.ts';
import { PASSWORD, type TestServer, USERNAME, startServer } from '../support/server.ts';

const BASIC = `Basic ${Buffer.from('mem:mem').toString('base64')}`;
const PLAYLIST = '#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:2\n#EXTINF:2.0,\nlive_0001.ts\n';

describe.each([
  ['a proxy that is trusted', '127.0.0.1/32', '/media'],
  ['a proxy that is not', '192.0.2.0/24', ''],
])('behind %s', (_what, trusted, prefix) => {
  let server: TestServer;
  let proxy: PrefixProxy;

  beforeAll(async () => {
    server = await startServer({
      env: {
        CORE_API_ACCESS_TRUSTED_PROXIES: trusted,
        CORE_STORAGE_MEMORY_AUTH_USERNAME: 'mem',
        CORE_STORAGE_MEMORY_AUTH_PASSWORD: 'mem',
        CORE_ROUTER_ROUTES: '/old:/memfs/live.m3u8 /more/*:more',
      },
    });
    await mkdir(path.join(server.folder, 'more'));
    await writeFile(path.join(server.folder, 'more/index.html'), 'more');
    proxy = await startPrefixProxy(server.base, '/media');
  });

  afterAll(async () => {
    await proxy[Symbol.asyncDispose]();
    await server.close();
  });

  const send = (method: string, url: string, init: RequestInit = {}) =>
    fetch(proxy.base + url, { method, redirect: 'manual', ...init });

  test.each([
    ['/media/more', '/more/'],
    ['/media/more?a=1', '/more/?a=1'],
    ['/media/old', '/memfs/live.m3u8'],
  ])('%s is redirected to where the client finds it', async (url, location) => {
    const answer = await send('GET', url);
    expect([answer.status, answer.headers.get('location')]).toEqual([301, prefix + location]);
  });

  test('a written file is named as the client knows it', async () => {
    const headers = { authorization: BASIC };
    const answer = await send('PUT', '/media/memfs/a.txt?x', { headers, body: 'x' });
    expect([answer.status, answer.headers.get('content-location')]).toEqual([201, `${prefix}/memfs/a.txt?x`]);
  });

  test('one logs in, writes a stream, and plays it', async () => {
    const credentials = { username: USERNAME, password: PASSWORD };
    const headers = { 'content-type': 'application/json' };
    const login = await send('POST', '/media/api/login', { headers, body: JSON.stringify(credentials) });
    const { access_token } = (await login.json()) as { access_token: string };
    const authorization = `Bearer ${access_token}`;
    expect((await send('GET', '/media/api/v3/process', { headers: { authorization } })).status).toBe(200);

    for (const [name, body] of [
      ['live.m3u8', PLAYLIST],
      ['live_0001.ts', 'segment'],
    ] as const) {
      await send('PUT', `/media/api/v3/fs/mem/${name}`, { headers: { authorization }, body });
    }
    // As a player does: each line of a playlist is relative to where the playlist was found.
    let address = `${proxy.base}/media/memfs/live.m3u8`;
    let body = await (await fetch(address)).text();
    while (body.startsWith('#EXTM3U')) {
      const line = body.split('\n').find((text) => text !== '' && !text.startsWith('#')) ?? '';
      address = new URL(line, address).href;
      body = await (await fetch(address)).text();
    }
    expect(body).toBe('segment');
  });
});
