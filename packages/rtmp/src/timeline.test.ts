import { expect, test } from 'vitest';
import { Timeline } from './timeline.ts';

/** Times of frames, each sent so long after the one before. */
function times(timestamps: number[], everyMs = 40): number[] {
  const timeline = new Timeline();
  return timestamps.map((timestamp, i) => timeline.advance(timestamp, 1000 + i * everyMs));
}

test('begins where the publisher begins', () => {
  expect(times([0xff_fff0, 0xff_fff8, 0x100_0010])).toEqual([0xff_fff0, 0xff_fff8, 0x100_0010]);
});

test('goes on beyond 32 bits', () => {
  expect(times([0xffff_fff0, 0xffff_fffc, 0x10])).toEqual([0xffff_fff0, 0xffff_fffc, 0x1_0000_0010]);
});

test('goes on beyond 31 bits for senders that wrap there', () => {
  expect(times([0x7fff_fff0, 0x10])).toEqual([0x7fff_fff0, 0x8000_0010]);
  expect(times([0x7fff_fff0, 0x8000_0010])).toEqual([0x7fff_fff0, 0x8000_0010]);
});

test('takes small steps back, as between audio and video', () => {
  expect(times([100, 140, 120, 160])).toEqual([100, 140, 120, 160]);
});

test('a jump takes as long as it took on the clock', () => {
  expect(times([100, 3_600_100, 3_600_140])).toEqual([100, 140, 180]);
  expect(times([3_600_100, 100, 140])).toEqual([3_600_100, 3_600_140, 3_600_180]);
});

test('a pause of the publisher is a pause', () => {
  const timeline = new Timeline();
  timeline.advance(0, 0);
  expect(timeline.advance(15_000, 15_010)).toBe(15_010);
});

test('two clocks far apart become one', () => {
  const mixed = times([0, 5_000_000, 40, 5_000_040, 80, 5_000_080]);
  expect(mixed).toEqual([0, 40, 80, 120, 160, 200]);
});

test('a publisher without a clock gets ours', () => {
  const standing = times(Array.from({ length: 30 }, () => 7));
  expect(standing.slice(0, 11)).toEqual(Array.from({ length: 11 }, () => 7));
  const last = standing.at(-1) ?? 0;
  expect(standing.slice(-3)).toEqual([last - 80, last - 40, last]);
  expect(last).toBeGreaterThan(7 + 10 * 40);
});
