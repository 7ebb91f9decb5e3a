import { expect, test } from 'vitest';
import { constraintFor, fitsConstraint } from './ffmpeg-constraint.ts';

test.each([
  ['5.1.9', undefined, '^5.1.9'],
  ['5.1.9', 'minor' as const, '^5.1.0'],
  ['N-1234-gabc', undefined, '^N-1234-gabc'],
])('FFmpeg %s (%s) makes %s', (version, down, expected) => {
  expect(constraintFor(version, down)).toBe(expected);
});

test.each([
  ['5.1.9', '^5.1.0', true],
  ['5.1.9', '^5.1.10', false],
  ['6.0.0', '^5.1.9', false],
  ['5.1.9', 'nonsense', false],
  ['N-1234', '^N-1234', false],
])('FFmpeg %s in %s: %s', (version, constraint, expected) => {
  expect(fitsConstraint(version, constraint)).toBe(expected);
});
