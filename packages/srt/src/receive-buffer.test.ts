import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RECEIVE_WINDOW, ReceiveBuffer } from './receive-buffer.ts';

const payload = (index: number) => Buffer.from(String(index));

describe('the receive buffer', () => {
  test('gives what came in any order in its own order, over the wrap of the numbers', () => {
    const order = fc.shuffledSubarray(Array.from({ length: 200 }, (_, index) => index));
    fc.assert(
      fc.property(order, (arrivals) => {
        const buffer = new ReceiveBuffer(0x7fff_ff9c);
        for (const index of arrivals) {
          expect(buffer.indexOf(buffer.sequence(index))).toBe(index);
          buffer.store(index, payload(index), index);
          expect(buffer.classify(index)).toBe('duplicate');
        }
        const given: string[] = [];
        let skipped = 0;
        for (let first = buffer.firstFilled(); first !== undefined; first = buffer.firstFilled()) {
          const taken = buffer.take(first);
          given.push(taken.payload.toString());
          skipped += taken.skipped;
        }
        const sorted = [...arrivals].sort((a, b) => a - b);
        expect(given).toEqual(sorted.map(String));
        expect(skipped).toBe(Math.max(-1, ...arrivals) + 1 - arrivals.length);
        expect(buffer.available).toBe(RECEIVE_WINDOW);
        expect(buffer.bytes).toBe(0);
      }),
    );
  });

  test('tells what an arrival means', () => {
    const buffer = new ReceiveBuffer(0);
    expect(buffer.classify(0)).toBe('new');
    buffer.store(0, payload(0), 0);
    expect(buffer.classify(3)).toBe('gap');
    buffer.store(3, payload(3), 3);
    expect([1, 2, 3, 4].map((index) => buffer.classify(index))).toEqual(['late', 'late', 'duplicate', 'new']);
    expect(buffer.classify(RECEIVE_WINDOW - 1)).toBe('gap');
    expect(buffer.classify(RECEIVE_WINDOW)).toBe('beyond');
    buffer.take(0);
    expect(buffer.classify(0)).toBe('belated');
    expect(buffer.wasSkipped(0)).toBe(false);
    expect(buffer.take(3).skipped).toBe(2);
    expect([1, 2].map((index) => buffer.wasSkipped(index))).toEqual([true, true]);
  });

  test('reports gaps once until they may be reported again', () => {
    const buffer = new ReceiveBuffer(100);
    for (const index of [0, 3, 4, 6]) buffer.store(index, payload(index), index);
    const gaps = [
      { first: 101, last: 102 },
      { first: 105, last: 105 },
    ];
    expect(buffer.report({ limit: 10 }, 20)).toEqual(gaps);
    expect(buffer.report({ limit: 19 }, 30)).toEqual([]);
    expect(buffer.report({ limit: 20 }, 40)).toEqual(gaps);
    expect(buffer.giveUp(0, 2)).toBe(2);
    expect(buffer.ackPosition).toBe(5);
    expect(buffer.report({ limit: 40 }, 50)).toEqual([gaps[1]]);
  });
});
