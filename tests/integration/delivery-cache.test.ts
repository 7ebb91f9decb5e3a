import { appendFile, rename, rm, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { CacheOptions } from '../../packages/server/src/delivery/cache.ts';
import { type Answer, BASIC, FileServer } from '../support/files.ts';
import { startServer } from '../support/server.ts';

const CACHE: CacheOptions = {
  maxBytes: 4 * 1024 * 1024,
  maxFileBytes: 1024 * 1024,
  ttlSeconds: 300,
  allow: [],
  block: ['.m3u8', '.mpd'],
};

let server: FileServer;

beforeEach(async () => {
  server = await FileServer.start({ cache: CACHE });
});

afterEach(async () => {
  await server.close();
});

const put = (name: string, body: string | Buffer) => server.send('PUT', `/api/v3/fs/disk${name}`, { body });
const onDisk = (name: string) => path.join(server.folder, 'disk', name);
const stateOf = ({ headers }: Answer) => String(headers['x-cache']).replace(/^HIT \d+\.\d{3}$/, 'HIT');
const states = async (...urls: string[]) => {
  const found: string[] = [];
  for (const url of urls) found.push(stateOf(await server.get(url)));
  return found;
};

test('the second answer comes from the cache and is the same', async () => {
  await put('/a.txt', 'text '.repeat(100));
  const first = await server.get('/a.txt');
  const second = await server.get('/a.txt?query=1');
  expect([stateOf(first), stateOf(second)]).toEqual(['MISS', 'HIT']);
  expect(first.headers['cache-control']).toBe('max-age=300');
  expect(second.headers['cache-control']).toMatch(/^max-age=(300|299)$/);
  for (const name of ['etag', 'last-modified', 'content-length', 'content-type', 'accept-ranges']) {
    expect(second.headers[name]).toBe(first.headers[name]);
  }
  expect(second.text).toBe(first.text);
});

test.each([
  ['GET', '/missing.txt', 404, 'SKIP NOTOK'],
  ['GET', '/missing.m3u8', 404, 'SKIP EXT'],
  ['GET', '/live.m3u8', 200, 'SKIP EXT'],
  ['GET', '/large.bin', 200, 'SKIP TOOBIG'],
  ['HEAD', '/a.txt', 200, 'SKIP ONLYGET'],
  ['HEAD', '/missing.txt', 404, 'SKIP ONLYGET'],
  ['PUT', '/a.txt', 404, 'SKIP ONLYGET'],
  ['POST', '/a.txt', 404, 'SKIP ONLYGET'],
  ['PATCH', '/a.txt', 404, 'SKIP ONLYGET'],
])('%s %s is answered with %i and X-Cache %s', async (method, url, status, state) => {
  await put('/a.txt', 'x');
  await put('/live.m3u8', '#EXTM3U');
  await put('/large.bin', Buffer.alloc(1024 * 1024 + 1));
  const answer = await server.send(method, url);
  expect([answer.status, answer.headers['x-cache'], answer.headers['cache-control']]).toEqual([
    status,
    state,
    undefined,
  ]);
});

test('ranges and conditions are answered from the cache', async () => {
  await put('/digits.txt', '0123456789');
  const { headers } = await server.get('/digits.txt');
  const part = await server.get('/digits.txt', { range: 'bytes=2-4' });
  expect([part.status, part.text, stateOf(part)]).toEqual([206, '234', 'HIT']);
  const known = await server.get('/digits.txt', { 'if-none-match': headers.etag ?? '' });
  expect([known.status, stateOf(known), known.headers.etag]).toEqual([304, 'HIT', headers.etag]);
  expect(known.headers['cache-control']).toMatch(/^max-age=/);
  const beyond = await server.get('/digits.txt', { range: 'bytes=50-' });
  expect([beyond.status, beyond.headers['cache-control'], stateOf(beyond)]).toEqual([
    416,
    undefined,
    'SKIP NOTOK',
  ]);
});

test('the compressed form is made of the cached file', async () => {
  const text = 'text '.repeat(1000);
  await put('/a.txt', text);
  for (const state of ['MISS', 'HIT']) {
    const answer = await server.get('/a.txt', { 'accept-encoding': 'gzip' });
    expect([stateOf(answer), gunzipSync(answer.body).toString()]).toEqual([state, text]);
  }
});

describe('nothing stale is served', () => {
  beforeEach(async () => {
    await put('/a.ts', 'one');
    expect(await states('/a.ts', '/a.ts')).toEqual(['MISS', 'HIT']);
  });

  const fresh = async (text: string) => {
    const answer = await server.get('/a.ts');
    expect([answer.text, stateOf(answer), answer.headers['content-length']]).toEqual([
      text,
      'MISS',
      String(text.length),
    ]);
  };

  test('after a change through the API', async () => {
    await put('/a.ts', 'two');
    await fresh('two');
  });

  test('after a program has written it again, in place', async () => {
    await writeFile(onDisk('a.ts'), 'two!');
    await fresh('two!');
    await appendFile(onDisk('a.ts'), ' more');
    await fresh('two! more');
  });

  test('after another file has taken its place, as large and as old', async () => {
    await writeFile(onDisk('b'), 'two');
    const then = new Date(1_700_000_000_000);
    await utimes(onDisk('a.ts'), then, then);
    await server.get('/a.ts');
    await utimes(onDisk('b'), then, then);
    await rename(onDisk('b'), onDisk('a.ts'));
    await fresh('two');
  });

  test.each([
    ['the API', () => server.send('DELETE', '/api/v3/fs/disk/a.ts')],
    ['a cleanup rule', () => server.disk.remove('/a.ts')],
    ['another program', () => rm(onDisk('a.ts'))],
  ])('after %s has removed it', async (_who, remove) => {
    await remove();
    const answer = await server.get('/a.ts');
    expect([answer.status, stateOf(answer)]).toEqual([404, 'SKIP NOTOK']);
  });
});

test('a removed index page gives back what its directory took', async () => {
  await put('/sub/index.html', '<p>index</p>');
  expect(await states('/sub/', '/sub', '/sub/')).toEqual(['MISS', 'MISS', 'HIT']);
  expect(server.cache.bytes).toBeGreaterThan(0);
  await server.send('DELETE', '/api/v3/fs/disk/sub/index.html');
  expect(server.cache.bytes).toBe(0);
});

test('many viewers of a new file read it once, and each gets it whole', async () => {
  const segment = Buffer.alloc(900_000, 'segment');
  await put('/a.ts', segment);
  const answers = await Promise.all(Array.from({ length: 30 }, () => server.get('/a.ts')));
  expect(answers.every(({ body }) => body.equals(segment))).toBe(true);
  expect(answers.map(stateOf).sort()).toEqual([...Array<string>(29).fill('HIT'), 'MISS']);
});

test('a client that leaves does not keep the others from the file', async () => {
  const segment = Buffer.alloc(1_000_000, 'segment');
  await put('/a.ts', segment);
  const gone = new AbortController();
  const leaving = fetch(`http://127.0.0.1:${server.port}/a.ts`, { signal: gone.signal });
  const response = await leaving;
  gone.abort();
  await response.body?.cancel().catch(() => undefined);
  expect((await server.get('/a.ts')).body.equals(segment)).toBe(true);
});

test('files below other mounts are left alone', async () => {
  await server.put('/a.txt', 'x');
  expect((await server.get('/memfs/a.txt')).headers['x-cache']).toBeUndefined();
  await put('/a.txt', 'x');
  for (const url of ['/api/v3/fs/disk/a.txt', '/ui/a.txt', '/ping', '/old']) {
    expect((await server.get(url)).headers['x-cache']).toBeUndefined();
  }
});

test('without a cache no answer speaks of one', async () => {
  server.cache.configure(undefined);
  await put('/a.txt', 'x');
  for (const method of ['GET', 'HEAD', 'PUT']) {
    const { headers } = await server.send(method, '/a.txt', { headers: { authorization: BASIC } });
    expect([headers['x-cache'], headers['cache-control']]).toEqual([undefined, undefined]);
  }
});

test('a reload empties the cache only if it concerns it', async () => {
  await using whole = await startServer();
  await writeFile(path.join(whole.folder, 'data/a.txt'), 'x');
  const state = async () => {
    const { headers } = await fetch(`${whole.base}/a.txt`);
    return headers.get('x-cache')?.replace(/^HIT .*/, 'HIT');
  };
  const change = async (settings: object) => {
    await whole.api('PUT', '/v3/config', { version: 3, ...settings });
    await whole.app.reload();
  };
  expect([await state(), await state()]).toEqual(['MISS', 'HIT']);
  await change({ log: { level: 'debug' }, api: { read_only: false }, name: 'other' });
  expect(await state()).toBe('HIT');
  await change({ storage: { disk: { cache: { ttl_seconds: 100 } } } });
  expect([await state(), await state()]).toEqual(['MISS', 'HIT']);
  await change({ storage: { disk: { cache: { enable: false } } } });
  expect(await state()).toBeUndefined();
});
