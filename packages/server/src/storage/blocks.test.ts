import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BlockList, mergeBlocks, sliceBlocks } from './blocks.ts';

/** Bytes that differ, in memory of their own as they come from a socket, or as part of a larger buffer. */
const chunks = fc.array(
  fc.record({ size: fc.oneof(fc.nat(100), fc.nat(80_000)), isPart: fc.boolean(), first: fc.nat(255) }),
  { maxLength: 12 },
);

function toBuffer({ size, isPart, first }: { size: number; isPart: boolean; first: number }): Buffer {
  const bytes = Buffer.allocUnsafeSlow(size + (isPart ? 10 : 0)).subarray(0, size);
  for (let i = 0; i < size; i++) bytes[i] = (first + i * 31) & 255;
  return bytes;
}

test('blocks hold what was appended, in no more memory, however it was cut', () => {
  fc.assert(
    fc.property(chunks, (described) => {
      const list = new BlockList();
      const appended = described.map(toBuffer);
      for (const chunk of appended) list.append(chunk);
      const whole = Buffer.concat(appended);
      const blocks = list.finish();
      expect(list.size).toBe(whole.length);
      expect(whole.equals(Buffer.concat(blocks))).toBe(true);
      expect(blocks.reduce((sum, block) => sum + block.buffer.byteLength, 0)).toBe(whole.length);
      expect(whole.equals(Buffer.concat(mergeBlocks(blocks)))).toBe(true);
    }),
    { numRuns: 50 },
  );
});

test('any slice of the blocks is the same slice of the whole', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 9 })), fc.nat(50), fc.nat(50), (parts, start, length) => {
      const blocks = parts.map((part) => Buffer.from(part));
      const slice = Buffer.concat(sliceBlocks(blocks, start, start + length));
      expect(slice.equals(Buffer.concat(blocks).subarray(start, start + length))).toBe(true);
    }),
  );
});

test('small chunks share a block', () => {
  const list = new BlockList();
  for (let i = 0; i < 1000; i++) list.append(Buffer.from([i & 255]));
  expect(list.finish()).toHaveLength(1);
});

test('merged blocks are one', () => {
  expect(mergeBlocks([Buffer.from('ab'), Buffer.from('c')])).toEqual([Buffer.from('abc')]);
});
