import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { Content } from './content.ts';

test('a reader gets what is there at once, and the rest as it comes', async () => {
  const source = new PassThrough();
  const content = new Content(6);
  const filled = content.fill(source);
  const early = content.read(1, 6);
  if (Buffer.isBuffer(early)) return expect.unreachable('nothing is there yet');
  const parts = (early as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
  source.write('abc');
  expect(String((await parts.next()).value)).toBe('bc');
  source.end('def');
  expect(String((await parts.next()).value)).toBe('def');
  expect((await parts.next()).done).toBe(true);
  await filled;
  expect(content.read(2, 5)).toEqual(Buffer.from('cde'));
});

test('a reader of a part need not wait for what is behind it', async () => {
  const source = new PassThrough();
  const content = new Content(6);
  const filled = content.fill(source);
  source.write('abcd');
  expect((await buffer(content.read(1, 3) as Readable)).toString()).toBe('bc');
  source.end('ef');
  await filled;
});

test.each([
  ['fails', new Readable({ read: (): void => undefined }), 'broken'],
  ['ends too early', Readable.from([Buffer.from('abc')]), 'truncated'],
  ['is longer than it was', Readable.from([Buffer.from('abcdefg')]), 'grown'],
])('a source that %s fails for all readers', async (_what, source, reason) => {
  const content = new Content(6);
  const filled = content.fill(source);
  const reading = buffer(content.read(0, 6) as Readable);
  if (reason === 'broken') source.destroy(new Error('broken'));
  await expect(filled).rejects.toThrow(reason);
  await expect(reading).rejects.toThrow(reason);
});

test('an empty file is whole from the beginning', () => {
  expect(new Content(0).read(0, 0)).toEqual(Buffer.alloc(0));
});
