import { expect, test } from 'vitest';
import { createLru } from './lru.ts';

test('the entry that was not used for the longest time gives way', () => {
  const cache = createLru<string, true>(3);
  for (const key of ['a', 'b', 'c']) cache.set(key, true);
  cache.get('a');
  cache.set('d', true);
  expect(['a', 'b', 'c', 'd'].filter((key) => cache.has(key))).toEqual(['a', 'c', 'd']);
});

test('never holds more than it may, and forgets nothing before', () => {
  const cache = createLru<string, true>(1000);
  for (let i = 0; i < 1000; i++) cache.set(String(i), true);
  expect(cache.size).toBe(1000);
  for (let i = 0; i < 10_000; i++) cache.set(`more ${i}`, true);
  expect(cache.size).toBe(1000);
  expect(cache.has('more 9999')).toBe(true);
});
