import { expect, test } from 'vitest';
import { OutOfMemoryKills } from './out-of-memory.ts';

test('a kill of the kernel is claimed once', () => {
  let kills = 3;
  const counter = new OutOfMemoryKills(() => kills);
  expect(counter.claim()).toBe(false);
  kills += 2;
  expect([counter.claim(), counter.claim(), counter.claim()]).toEqual([true, true, false]);
});

test('the count of this machine can be read', () => {
  expect(new OutOfMemoryKills().claim()).toBe(false);
});
