import { expect, test } from 'vitest';
import { parseStat } from './usage.ts';

const STAT =
  '4711 (ffmpeg) S 1 4711 4711 0 -1 4194304 2500 0 0 0 150 25 0 0 20 0 8 0 1234567 500000000 14887 184467';

test.each([
  ['a plain name', STAT],
  ['a name like the format itself', STAT.replace('(ffmpeg)', '(a) b (c) R 1 2)')],
])('reads ticks and pages with %s', (_, line) => {
  expect(parseStat(line)).toEqual({ ticks: 175, pages: 14887 });
});

test.each(['', '4711 (ffmpeg) S 1', 'no such thing'])('finds nothing in %j', (line) => {
  expect(parseStat(line)).toBeUndefined();
});
