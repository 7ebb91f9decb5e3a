import { expect, test } from 'vitest';
import { createShortId, shorten } from './short-id.ts';

test.each([
  ['00000000-0000-0000-0000-000000000000', '2222222222222222222222'],
  ['00000000-0000-0000-0000-000000000038', '222222222222222222222z'],
  ['00000000-0000-0000-0000-000000000039', '2222222222222222222232'],
  ['3b1f8b40-222c-4a6e-b77e-779d5a94e21c', 'CXc85b4rqinB7s5J52TRYb'],
])('%s is %s', (uuid, expected) => {
  expect(shorten(uuid)).toBe(expected);
});

test('every id is another', () => {
  expect(new Set(Array.from({ length: 1000 }, createShortId)).size).toBe(1000);
});
