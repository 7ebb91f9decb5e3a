import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { FileCache } from '../http/files.ts';
import type { OpenFile } from '../storage/filesystem.ts';
import { type CacheOptions, ContentCache } from './cache.ts';

const OPTIONS: CacheOptions = {
  maxBytes: 10_000,
  maxFileBytes: 2_000,
  ttlSeconds: 300,
  allow: [],
  block: ['.m3u8'],
};

let cache: ContentCache;
let disk: FileCache;
/** What is stored, by path. */
let files: Map<string, string>;
let opened: number;
let closed: number;

beforeEach(async () => {
  files = new Map();
  opened = closed = 0;
  await create({});
});

afterEach(async () => {
  await cache.close();
  vi.useRealTimers();
});

async function create(options: Partial<CacheOptions>): Promise<void> {
  cache = new ContentCache({ ...OPTIONS, ...options });
  await cache.start();
  disk = cache.mount({ prefix: '/', trustMs: 0 });
}

function open(path: string): Promise<OpenFile> {
  const text = files.get(path);
  if (text === undefined) return Promise.reject(new Error('not found'));
  opened++;
  const close = () => {
    closed++;
    return Promise.resolve();
  };
  return Promise.resolve({
    info: { name: path, size: text.length, modified: 0 },
    version: `v-${text.length}-${text.slice(0, 20)}`,
    read: (start, end) => {
      const bytes = Readable.from([Buffer.from(text.slice(start, end))]);
      return bytes.once('close', () => void close());
    },
    close,
  });
}

/** Time that only the test moves. It does not begin at 0, which no clock shows. */
function stopTime(): void {
  vi.useFakeTimers();
  vi.advanceTimersByTime(1);
}

/** Reads a file as a request would; what it says and what the cache says about it. */
async function get(path: string, through = disk): Promise<[text: string, cache: string | undefined]> {
  const { file, headers } = await through.open(path, () => open(path));
  const content = file.read(0, file.info.size);
  const bytes = Buffer.isBuffer(content) ? content : await buffer(content);
  return [bytes.toString(), headers['x-cache']?.replace(/HIT .*/, 'HIT')];
}

test('the second reader gets the file from the cache', async () => {
  files.set('/a.ts', 'one');
  expect(await get('/a.ts')).toEqual(['one', 'MISS']);
  expect(await get('/a.ts')).toEqual(['one', 'HIT']);
  await expect.poll(() => closed).toBe(opened);
});

test('a changed file is never served from the cache', async () => {
  files.set('/a.ts', 'one');
  await get('/a.ts');
  files.set('/a.ts', 'two');
  expect(await get('/a.ts')).toEqual(['two', 'MISS']);
  files.delete('/a.ts');
  await expect(get('/a.ts')).rejects.toThrow('not found');
});

test('many readers at the same time cause one reading', async () => {
  files.set('/a.ts', 'one');
  const reads = await Promise.all(Array.from({ length: 20 }, () => get('/a.ts')));
  expect(reads.map(([text]) => text)).toEqual(Array(20).fill('one'));
  expect(reads.filter(([, state]) => state === 'MISS')).toHaveLength(1);
});

test('answers say for how long they may be kept', async () => {
  stopTime();
  files.set('/a.ts', 'one');
  const headers = async () => (await disk.open('/a.ts', () => open('/a.ts'))).headers;
  expect(await headers()).toEqual({ 'x-cache': 'MISS', 'cache-control': 'max-age=300' });
  vi.advanceTimersByTime(100_600);
  expect(await headers()).toEqual({ 'x-cache': 'HIT 199.400', 'cache-control': 'max-age=199' });
  vi.advanceTimersByTime(199_500);
  expect(await headers()).toEqual({ 'x-cache': 'MISS', 'cache-control': 'max-age=300' });
});

test('what has expired gives its memory back although nobody asks for it', async () => {
  stopTime();
  await create({ ttlSeconds: 10 });
  files.set('/a.ts', 'one');
  await get('/a.ts');
  expect(cache.bytes).toBeGreaterThan(3);
  vi.advanceTimersByTime(60_000);
  expect(cache.bytes).toBe(0);
});

test.each([
  [{}, '/a.ts', 'MISS'],
  [{}, '/a.m3u8', undefined],
  [{}, '/a.M3U8', 'MISS'],
  [{}, '/m3u8', 'MISS'],
  [{}, '/x.m3u8/a', 'MISS'],
  [{ allow: ['.ts', '.m3u8'] }, '/a.ts', 'MISS'],
  [{ allow: ['.ts', '.m3u8'] }, '/a.m3u8', undefined],
  [{ allow: ['.ts'] }, '/a.mp4', undefined],
  [{ allow: ['.ts'] }, '/', undefined],
])('with %j the state of %s is %s', async (options, path, state) => {
  await create(options);
  files.set(path, 'x');
  expect(await get(path)).toEqual(['x', state]);
});

test('a larger file is passed on', async () => {
  files.set('/a.ts', 'x'.repeat(2_001));
  for (let round = 0; round < 2; round++) {
    expect(await get('/a.ts')).toEqual(['x'.repeat(2_001), 'SKIP TOOBIG']);
  }
  expect(cache.bytes).toBe(0);
});

test('the files least recently asked for make room', async () => {
  for (let i = 0; i < 20; i++) {
    files.set(`/${i}.ts`, 'x'.repeat(1_500));
    await get(`/${i}.ts`);
    if (i > 0) await get('/0.ts');
  }
  expect(cache.bytes).toBeLessThanOrEqual(10_000);
  expect((await get('/0.ts'))[1]).toBe('HIT');
  expect((await get('/1.ts'))[1]).toBe('MISS');
});

test('any number of empty files stays below the limit', async () => {
  for (let i = 0; i < 100; i++) {
    files.set(`/${i}`, '');
    await get(`/${i}`);
  }
  expect(cache.bytes).toBeLessThanOrEqual(10_000);
});

test('a file that cannot be read whole fails for its reader and is not kept', async () => {
  files.set('/a.ts', 'whole');
  const broken = () => open('/a.ts').then((file) => ({ ...file, read: () => Readable.from([]) }));
  const { file } = await disk.open('/a.ts', broken);
  await expect(buffer(file.read(0, 5) as Readable)).rejects.toThrow('truncated');
  expect(await get('/a.ts')).toEqual(['whole', 'MISS']);
});

test('files of the same path below different mounts are different files', async () => {
  const other = cache.mount({ prefix: '/s3', trustMs: 0 });
  files.set('/a.ts', 'one');
  await get('/a.ts');
  expect((await get('/a.ts', other))[1]).toBe('MISS');
  expect((await get('/s3/a.ts', { ...disk, open: (path) => disk.open(path, () => open('/a.ts')) }))[1]).toBe(
    'HIT',
  );
});

test('new limits begin with an empty cache, none at all leaves no trace', async () => {
  files.set('/a.ts', 'one');
  await get('/a.ts');
  cache.configure({ ...OPTIONS, ttlSeconds: 5 });
  expect((await get('/a.ts'))[1]).toBe('MISS');
  cache.configure(undefined);
  expect(await get('/a.ts')).toEqual(['one', undefined]);
  expect(disk.skipReason('PUT', '/a.ts')).toBeUndefined();
});

describe('a mount whose files are trusted for a while', () => {
  let bucket: FileCache;

  beforeEach(async () => {
    stopTime();
    bucket = cache.mount({ prefix: '/s3', trustMs: 2_000 });
    files.set('/a.ts', 'one');
    await get('/a.ts', bucket);
  });

  test('does not look for the file again', async () => {
    vi.advanceTimersByTime(1_900);
    await get('/a.ts', bucket);
    expect(opened).toBe(1);
    vi.advanceTimersByTime(200);
    expect((await get('/a.ts', bucket))[1]).toBe('HIT');
    expect(opened).toBe(2);
    await get('/a.ts', bucket);
    expect(opened).toBe(2);
  });

  test('notices a change after that time', async () => {
    files.set('/a.ts', 'two');
    expect((await get('/a.ts', bucket))[0]).toBe('one');
    vi.advanceTimersByTime(2_000);
    expect((await get('/a.ts', bucket))[0]).toBe('two');
  });

  test('notices a change through this server at once', async () => {
    vi.advanceTimersByTime(1);
    files.set('/a.ts', 'two');
    bucket.purge('/a.ts');
    expect(await get('/a.ts', bucket)).toEqual(['two', 'MISS']);
  });

  test('does not trust what was opened before a change and kept after it', async () => {
    vi.advanceTimersByTime(3_000);
    const gate = Promise.withResolvers<undefined>();
    const slow = bucket.open('/b.ts', () => gate.promise.then(() => open('/b.ts')));
    files.set('/b.ts', 'old');
    vi.advanceTimersByTime(1);
    bucket.purge('/b.ts');
    gate.resolve(undefined);
    await (await slow).file.close();
    files.set('/b.ts', 'new');
    expect(await get('/b.ts', bucket)).toEqual(['new', 'MISS']);
  });

  test('trusts nothing that another filesystem at its place has stored', async () => {
    const successor = cache.mount({ prefix: '/s3', trustMs: 2_000 });
    files.set('/a.ts', 'two');
    expect(await get('/a.ts', successor)).toEqual(['two', 'MISS']);
  });
});

test.each([
  ['/a.ts', '/a.ts'],
  ['/sub/index.html', '/sub/'],
  ['/sub/index.html', '/sub'],
  ['/index.html', '/'],
  ['/dir/x', '/dir/x/'],
])('removing %s gives back what %s takes', async (name, path) => {
  files.set(path, 'x');
  await get(path);
  disk.purge('/other');
  expect(cache.bytes).toBeGreaterThan(0);
  disk.purge(name);
  expect(cache.bytes).toBe(0);
});
