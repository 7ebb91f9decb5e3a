import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Rate } from './rate.ts';

function rateOf(...events: [at: number, amount: number][]): number {
  const rate = new Rate(1_000_000, 30);
  for (const [at, amount] of events) rate.add(amount, 1_000_000 + at);
  return rate.perSecond;
}

test.each<[string, [number, number][], number]>([
  [
    'is 0 during the first second',
    [
      [0, 10],
      [999, 10],
    ],
    0,
  ],
  [
    'leaves out the second that runs',
    [
      [500, 10],
      [1_000, 99],
    ],
    10,
  ],
  [
    'is the mean of the completed seconds',
    [
      [500, 10],
      [1_500, 20],
      [2_000, 0],
    ],
    15,
  ],
  [
    'counts seconds without anything',
    [
      [500, 30],
      [3_000, 0],
    ],
    10,
  ],
  [
    'forgets what is older than 30 seconds',
    [
      [500, 1_000],
      [1_500, 30],
      [31_000, 0],
    ],
    1,
  ],
  [
    'forgets everything after a long pause',
    [
      [500, 1_000],
      [500_000, 5],
    ],
    0,
  ],
])('the rate %s', (_, events, expected) => {
  expect(rateOf(...events)).toBe(expected);
});

test('a steady stream has its rate, however long it lasts', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 200 }), fc.nat(1_000), (seconds, amount) => {
      const events = Array.from({ length: seconds + 1 }, (_, second): [number, number] => [
        second * 1000,
        amount,
      ]);
      expect(rateOf(...events)).toBe(amount);
    }),
  );
});
