import { expect, test } from 'vitest';
import { mutate, seeded } from '../test/feed.ts';
import { avcDimensions } from './sps.ts';

/** Records of x264. */
const RECORDS: [about: string, record: string, width: number, height: number][] = [
  ['baseline', '0142c00dffe100186742c00dd90141fb011000000300100000030320f142a48001000568cb83cb20', 320, 240],
  ['main', '014d400bffe10017674d400beca162760220000003002000000641e28532c001000568ebe3cb20', 176, 144],
  [
    'high, cut at the bottom',
    '01640028ffe1001b67640028acd940780227e5c044000003000400000300c83c60c65801000668ebe3cb22c0fdf8f800',
    1920,
    1080,
  ],
  [
    'interlaced',
    '01640028ffe1001a67640028acd94078044fde0220000003002000000643e2c5b2c001000668fba3cb22c0fdf8f800',
    1920,
    1080,
  ],
  [
    '4:2:2',
    '017a001effe1001a677a001ebcd940a02fea7c0440000003004000000c83c58b658001000668ebe3cb22c0fef8f800',
    638,
    362,
  ],
  [
    '4:4:4',
    '01f4001effe1001a67f4001e919b281405ff3e0220000003002000000641e2c5b2c001000668ebe3c44844fff8f800',
    640,
    362,
  ],
  [
    'scaling lists',
    '0164000dffe100196764000dacd9416096c044000003000400000300c83c50a65801000768ebe3cb3002c0fdf8f800',
    352,
    288,
  ],
];

test.each(RECORDS)('%s', (_about, record, width, height) => {
  expect(avcDimensions(Buffer.from(record, 'hex'))).toEqual({ width, height });
});

test('broken records have no size, and never throw', () => {
  const random = seeded(5);
  expect(avcDimensions(Buffer.alloc(0))).toBeUndefined();
  for (const [, record] of RECORDS) {
    const bytes = Buffer.from(record, 'hex');
    for (let length = 0; length < 24; length++)
      expect(avcDimensions(bytes.subarray(0, length))).toBeUndefined();
    for (let i = 0; i < 2_000; i++) {
      const size = avcDimensions(mutate(bytes, random));
      if (size) expect(Math.max(size.width, size.height)).toBeLessThanOrEqual(65_536);
    }
  }
});
