import { expect, test } from 'vitest';
import { Guesses } from './guesses.ts';

test('whoever guesses again waits longer and longer, up to a limit, until it is forgotten', () => {
  const guesses = new Guesses();
  const delays = Array.from({ length: 8 }, () => guesses.delay('192.0.2.1', 0));
  expect(delays).toEqual([0, 100, 200, 400, 800, 1600, 3000, 3000]);
  expect(guesses.delay('192.0.2.2', 0)).toBe(0);
  expect(guesses.delay('192.0.2.1', 60_000)).toBe(0);
});
