import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Repeats } from './repeats.ts';

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

test('the same is reported at once, and then every ten seconds with its number', () => {
  const repeats = new Repeats();
  expect(repeats.take('a')).toBe(0);
  expect(repeats.take('b')).toBe(0);
  for (let time = 0; time < 9_000; time += 100) {
    vi.advanceTimersByTime(100);
    expect(repeats.take('a')).toBeUndefined();
  }
  vi.advanceTimersByTime(1_000);
  expect(repeats.take('a')).toBe(90);
  expect(repeats.take('a')).toBeUndefined();
  expect(repeats.take('b')).toBe(0);
});

test('only so much is remembered', () => {
  const repeats = new Repeats();
  expect(repeats.take('first')).toBe(0);
  for (let index = 0; index < 1_000; index++) expect(repeats.take(String(index))).toBe(0);
  expect(repeats.take('first')).toBe(0);
  expect(repeats.take('999')).toBeUndefined();
});
