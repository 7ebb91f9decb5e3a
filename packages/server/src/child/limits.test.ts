import { expect, test } from 'vitest';
import { LimitWatch, type Limits } from './limits.ts';

const OFF: Limits = { cpuPercent: 0, memoryBytes: 0, waitForMs: 0 };

/** Whether the limits are exceeded at each of the measurements, one a second. */
function watch(limits: Limits, usages: [cpuPercent: number, memoryBytes: number][]): boolean[] {
  const watch = new LimitWatch();
  return usages.map(([cpuPercent, memoryBytes], second) =>
    watch.isExceeded({ cpuPercent, memoryBytes }, limits, second * 1000),
  );
}

test.each<[string, Limits, [number, number][], boolean[]]>([
  ['limits that are off', OFF, [[500, 1e12]], [false]],
  ['a value at its limit', { ...OFF, cpuPercent: 10 }, [[10, 0]], [false]],
  ['too much CPU', { ...OFF, cpuPercent: 10 }, [[10.1, 0]], [true]],
  ['too much memory', { ...OFF, memoryBytes: 100 }, [[0, 101]], [true]],
  ['a negative limit, which is off', { ...OFF, cpuPercent: -5 }, [[50, 0]], [false]],
  [
    'too much for long enough',
    { ...OFF, cpuPercent: 10, waitForMs: 2000 },
    [
      [11, 0],
      [11, 0],
      [11, 0],
    ],
    [false, false, true],
  ],
  [
    'too much with a break',
    { ...OFF, cpuPercent: 10, waitForMs: 2000 },
    [
      [11, 0],
      [11, 0],
      [9, 0],
      [11, 0],
      [11, 0],
      [11, 0],
    ],
    [false, false, false, false, false, true],
  ],
  [
    'one limit after the other, neither for long enough',
    { cpuPercent: 10, memoryBytes: 100, waitForMs: 2000 },
    [
      [11, 0],
      [11, 0],
      [0, 101],
      [0, 101],
    ],
    [false, false, false, false],
  ],
])('%s', (_, limits, usages, exceeded) => {
  expect(watch(limits, usages)).toEqual(exceeded);
});

test('a reset forgets what came before', () => {
  const limits = { ...OFF, cpuPercent: 10, waitForMs: 1000 };
  const watch = new LimitWatch();
  watch.isExceeded({ cpuPercent: 11, memoryBytes: 0 }, limits, 0);
  watch.reset();
  expect(watch.isExceeded({ cpuPercent: 11, memoryBytes: 0 }, limits, 1000)).toBe(false);
});
