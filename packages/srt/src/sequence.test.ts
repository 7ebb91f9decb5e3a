import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  MESSAGE_MASK,
  SEQUENCE_MASK,
  addSequence,
  messageNumber,
  sequenceDistance,
  toTimestamp,
  unwrapTimestamp,
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

  test('are unwrapped to the nearest to what is expected', () => {
    expect(unwrapTimestamp(0x10, 2 ** 32 - 1)).toBe(2 ** 32 + 0x10);
    expect(unwrapTimestamp(0xffff_fff0, 2 ** 32 + 1)).toBe(2 ** 32 - 0x10);
    expect(unwrapTimestamp(0xffff_fff0, 0)).toBe(-0x10);
  });

  test('are unwrapped to what they were, wherever that is expected within 35 minutes', () => {
    const times = fc.integer({ min: 0, max: 2 ** 50 });
    const errors = fc.double({ min: -(2 ** 31) + 1, max: 2 ** 31 - 1, noNaN: true });
    fc.assert(
      fc.property(times, errors, (time, error) => {
        expect(unwrapTimestamp(time % 2 ** 32, time + error)).toBe(time);
      }),
    );
  });
});
