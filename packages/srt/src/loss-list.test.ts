import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MAX_LOSS_WORDS, parseLossList, serializeLossList } from './loss-list.ts';
import { ProtocolError } from './protocol-error.ts';
import { addSequence } from './sequence.ts';

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');

describe('the loss list', () => {
  test.each([
    ['a single number', [{ first: 5, last: 5 }], '00000005'],
    ['a range', [{ first: 5, last: 9 }], '80000005 00000009'],
    ['a range over the wrap', [{ first: 0x7fffffff, last: 1 }], 'ffffffff 00000001'],
    [
      'both',
      [
        { first: 1, last: 2 },
        { first: 7, last: 7 },
      ],
      '80000001 00000002 00000007',
    ],
  ])('has its form for %s', (_title, ranges, bytes) => {
    expect(serializeLossList(ranges)).toEqual(hex(bytes));
    expect(parseLossList(hex(bytes))).toEqual(ranges);
  });

  test.each([
    ['is empty', ''],
    ['is no whole words', '000000'],
    ['has a range without an end', '80000001'],
    ['has two starts of ranges', '80000001 80000002'],
    ['has a range that ends before its start', '80000005 00000004'],
    ['is longer than a packet', '00000001'.repeat(MAX_LOSS_WORDS + 1)],
  ])('is refused if it %s', (_title, bytes) => {
    expect(() => parseLossList(hex(bytes))).toThrow(ProtocolError);
  });

  test('leaves out what does not fit', () => {
    const ranges = Array.from({ length: 300 }, (_, index) => ({ first: index * 10, last: index * 10 + 1 }));
    const bytes = serializeLossList(ranges);
    expect(bytes.length).toBe(MAX_LOSS_WORDS * 4);
    expect(parseLossList(bytes)).toEqual(ranges.slice(0, MAX_LOSS_WORDS / 2));
  });

  test('comes back as it was written', () => {
    const ranges = fc.array(
      fc
        .tuple(fc.integer({ min: 0, max: 0x7fffffff }), fc.integer({ min: 0, max: 2 ** 29 }))
        .map(([first, length]) => ({ first, last: addSequence(first, length) })),
      { minLength: 1, maxLength: 100 },
    );
    fc.assert(
      fc.property(ranges, (all) => {
        expect(parseLossList(serializeLossList(all))).toEqual(all);
      }),
    );
  });
});
