import { describe, expect, test } from 'vitest';
import { Playout } from './playout.ts';

const MICROSECOND_WRAP = 2 ** 32;

describe('playout', () => {
  test('is the latency after what the clock of the handshake says', () => {
    const playout = new Playout(5000, 1_000_000, 120);
    expect(playout.dueAt(playout.sourceTime(1_500_000, 5500) ?? 0)).toBe(5620);
  });

  test('goes on over the wrap of the timestamps', () => {
    const playout = new Playout(0, MICROSECOND_WRAP - 1000, 120);
    expect(playout.dueAt(playout.sourceTime(500, 2) ?? 0)).toBeCloseTo(121.5);
    expect(playout.dueAt(playout.sourceTime(MICROSECOND_WRAP - 500, 2) ?? 0)).toBeCloseTo(120.5);
  });

  test.each([
    ['slower', 1],
    ['faster', -1],
  ])('follows a clock that runs %s by 100 ppm', (_title, direction) => {
    const playout = new Playout(0, 0, 120);
    let due = 0;
    let now = 0;
    // Ten ACKACKs a second for an hour and a half, in which the clocks part by half a second.
    for (; now < 5_400_000; now += 100) {
      const stamp = Math.round(now * (1 - direction * 1e-4) * 1000) >>> 0;
      playout.sampleDrift(stamp, 10, now);
      due = playout.dueAt(playout.sourceTime(stamp, now) ?? 0);
    }
    expect(Math.abs(due - (now - 100) - 120)).toBeLessThan(20);
  });

  test('does not believe stamps from the future, unless they go on', () => {
    const playout = new Playout(0, 0, 120);
    for (let count = 0; count < 31; count++)
      expect(playout.sourceTime(60_000_000 + count, 100)).toBeUndefined();
    expect(playout.sourceTime(100_000, 100)).toBe(100);
    for (let count = 0; count < 31; count++)
      expect(playout.sourceTime(60_000_000 + count, 200)).toBeUndefined();
    const time = playout.sourceTime(60_000_031, 200) ?? 0;
    expect(playout.dueAt(time)).toBeCloseTo(320);
  });

  test.each([1, 36, 71, 72, 107, 10_000])('is true to the stamps after %i minutes of silence', (minutes) => {
    const playout = new Playout(0, 0, 120);
    playout.sourceTime(0, 0);
    const now = minutes * 60_000;
    expect(playout.sourceTime((now * 1000) % MICROSECOND_WRAP, now)).toBe(now);
    expect(playout.sourceTime(((now - 500) * 1000) % MICROSECOND_WRAP, now)).toBe(now - 500);
  });
});
