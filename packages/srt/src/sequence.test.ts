import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  MESSAGE_MASK,
  SEQUENCE_MASK,
  TimestampUnwrapper,
  addSequence,
  messageNumber,
  sequenceDistance,
  toTimestamp,
} from './sequence.ts';

const sequence = fc.integer({ min: 0, max: SEQUENCE_MASK });

describe('sequence numbers', () => {
  test('count over their wrap', () => {
    expect(addSequence(SEQUENCE_MASK, 1)).toBe(0);
    expect(addSequence(0, -1)).toBe(SEQUENCE_MASK);
    expect(sequenceDistance(SEQUENCE_MASK, 0)).toBe(1);
    expect(sequenceDistance(0, SEQUENCE_MASK)).toBe(-1);
    expect(sequenceDistance(0x7fff_fff0, 0x10)).toBe(0x20);
  });

  test('lie as far apart as one was moved from the other', () => {
    const step = fc.integer({ min: -(2 ** 30), max: 2 ** 30 - 1 });
    fc.assert(
      fc.property(sequence, step, (from, by) => {
        expect(sequenceDistance(from, addSequence(from, by))).toBe(by);
      }),
    );
  });

  test('wrap also for indices far beyond 32 bits', () => {
    expect(addSequence(5, 2 ** 40 + 3)).toBe(8);
  });
});

test('message numbers leave out 0', () => {
  expect(messageNumber(0)).toBe(1);
  expect(messageNumber(MESSAGE_MASK - 1)).toBe(MESSAGE_MASK);
  expect(messageNumber(MESSAGE_MASK)).toBe(1);
});

describe('timestamps', () => {
  test('are microseconds modulo 2^32', () => {
    expect(toTimestamp(1.5)).toBe(1500);
    expect(toTimestamp(2 ** 32 / 1000 + 1)).toBe(1000);
    expect(toTimestamp(-0.001)).toBe(0xffff_ffff);
  });

  test('continue over their wrap, in any order', () => {
    const unwrapper = new TimestampUnwrapper(0xffff_ff00);
    expect(unwrapper.unwrap(0xffff_fff0)).toBe(0xffff_fff0);
    expect(unwrapper.unwrap(0x10)).toBe(2 ** 32 + 0x10);
    expect(unwrapper.unwrap(0xffff_fff8)).toBe(0xffff_fff8);
    expect(unwrapper.peek(0x20)).toBe(2 ** 32 + 0x20);
    expect(unwrapper.unwrap(0x8000_0000)).toBe(2 ** 31);
  });

  test('are unwrapped to what they were, wrap after wrap', () => {
    const steps = fc.array(fc.integer({ min: -1_000_000, max: 2_000_000_000 }), { maxLength: 50 });
    fc.assert(
      fc.property(steps, (all) => {
        const unwrapper = new TimestampUnwrapper(0);
        let time = 0;
        for (const step of all) {
          time = Math.max(0, time + step);
          expect(unwrapper.unwrap(time >>> 0)).toBe(time);
        }
      }),
    );
  });
});
