import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { FileInfo } from './filesystem.ts';
import { Listings } from './s3-listings.ts';
import { UsageCounter } from './s3-usage.ts';

const file = (name: string, size = 1): FileInfo => ({ name, size, modified: 0 });
let stored: Map<string, FileInfo>;
let asked: string[];
let held: Promise<void> | undefined;
let listings: Listings;

async function* pages(prefix: string): AsyncGenerator<FileInfo[]> {
  asked.push(prefix);
  yield [...stored.values()].filter(({ name }) => name.startsWith(prefix));
  await held;
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
  stored = new Map(['/a/1', '/a/2', '/b/1'].map((name) => [name, file(name)]));
  asked = [];
  held = undefined;
  listings = new Listings(pages);
});

afterEach(() => {
  vi.useRealTimers();
});

const names = async (prefix: string, maxAge = 1_000) =>
  (await listings.list(prefix, maxAge)).map(({ name }) => name).sort();

test('a folder is asked for once, until that is too long ago', async () => {
  expect(await names('/a/')).toEqual(['/a/1', '/a/2']);
  stored.set('/a/3', file('/a/3'));
  vi.advanceTimersByTime(1_000);
  expect(await names('/a/')).toEqual(['/a/1', '/a/2']);
  vi.advanceTimersByTime(1);
  expect(await names('/a/')).toEqual(['/a/1', '/a/2', '/a/3']);
  expect(asked).toEqual(['/a/', '/a/']);
});

test('a list of everything answers for a folder, but not the other way round', async () => {
  await names('/');
  expect(await names('/a/')).toEqual(['/a/1', '/a/2']);
  listings = new Listings(pages);
  await names('/a/');
  await names('/');
  expect(asked).toEqual(['/', '/a/', '/']);
});

test('who asks at the same time shares one answer', async () => {
  await Promise.all([names('/'), names('/'), names('/')]);
  expect(asked).toEqual(['/']);
});

test('own changes are seen at once', async () => {
  await names('/a/');
  listings.stored(file('/a/9'));
  listings.stored(file('/b/9'));
  listings.removed('/a/1');
  expect(await names('/a/')).toEqual(['/a/2', '/a/9']);
});

test('own changes while the storage is asked outlive its answer', async () => {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  held = promise;
  const list = names('/a/');
  await Promise.resolve();
  listings.stored(file('/a/9'));
  listings.removed('/a/1');
  resolve(undefined);
  expect(await list).toEqual(['/a/2', '/a/9']);
});

test('a storage that fails is asked again', async () => {
  held = Promise.reject(new Error('broken'));
  await expect(names('/')).rejects.toThrow('broken');
  held = undefined;
  expect(await names('/b')).toEqual(['/b/1']);
  expect(await names('/')).toHaveLength(3);
});

test('usage is counted once a minute at most, with own changes added', async () => {
  const usage = new UsageCounter(() => pages('/'));
  expect(await usage.usage()).toEqual({ bytes: 3, files: 3 });
  usage.add(10, 1);
  expect(await usage.usage()).toEqual({ bytes: 13, files: 4 });
  expect(asked).toHaveLength(1);
  vi.advanceTimersByTime(60_000);
  await usage.usage();
  expect(asked).toHaveLength(2);
});
