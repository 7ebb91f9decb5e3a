import { describe, expect, test } from 'vitest';
import { SendBuffer } from './send-buffer.ts';

const payload = (index: number) => Buffer.alloc(100, index & 0xff);

describe('the send buffer', () => {
  test('keeps everything while it grows, from anywhere in its ring', () => {
    const buffer = new SendBuffer(0x7fff_fff0, 8192);
    let end = 0;
    for (; end < 200; end++) buffer.push(payload(end), 0, end);
    for (let index = 0; index < 150; index++) buffer.advance(index);
    buffer.release(150);
    for (; end < 1500; end++) buffer.push(payload(end), (end % 3) as 0 | 1 | 2, end);
    for (let index = 150; index < end; index++) {
      expect(buffer.payload(index).equals(payload(index))).toBe(true);
      expect(buffer.submittedAt(index)).toBe(index);
      expect(buffer.indexOf(buffer.sequence(index))).toBe(index);
    }
    expect(buffer.key(1000)).toBe(1);
    expect(buffer.bytes).toBe((end - 150) * 100);
  });

  test('is full at its limit, and not before', () => {
    const buffer = new SendBuffer(0, 512);
    for (let index = 0; index < 512; index++) {
      expect(buffer.isFull).toBe(false);
      buffer.push(payload(index), 0, 0);
    }
    expect(buffer.isFull).toBe(true);
    buffer.release(1);
    expect(buffer.isFull).toBe(false);
  });

  test('gives what is lost oldest first, each once', () => {
    const buffer = new SendBuffer(0, 512);
    for (let index = 0; index < 20; index++) {
      buffer.push(payload(index), 1, 0);
      buffer.advance(1);
    }
    for (const index of [9, 4, 9, 15]) buffer.markLost(index);
    expect(buffer.lostCount).toBe(3);
    expect(buffer.nextLost()).toBe(4);
    buffer.release(5);
    expect(buffer.nextLost()).toBe(9);
    buffer.markResent(9, 7);
    expect([buffer.resentAt(9), buffer.resentAt(10), buffer.key(9)]).toEqual([7, undefined, 1]);
    expect(buffer.nextLost()).toBe(15);
    buffer.markResent(15, 8);
    expect(buffer.nextLost()).toBeUndefined();
  });

  test('releases also what was never sent', () => {
    const buffer = new SendBuffer(0, 512);
    for (let index = 0; index < 5; index++) buffer.push(payload(index), 0, index);
    buffer.release(3);
    expect([buffer.first, buffer.next, buffer.end]).toEqual([3, 3, 5]);
    expect(buffer.duration).toBe(1);
  });
});
