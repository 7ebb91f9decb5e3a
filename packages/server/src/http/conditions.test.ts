import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { allowsRange, evaluateConditions, parseRange } from './conditions.ts';

const current = { version: 'v1', modified: Date.parse('2026-01-01T00:00:00Z') + 500 };
const SAME = 'Thu, 01 Jan 2026 00:00:00 GMT';
const BEFORE = 'Wed, 31 Dec 2025 23:59:59 GMT';
const AFTER = 'Thu, 01 Jan 2026 00:00:01 GMT';

describe('conditions', () => {
  test.each([
    [{}, 'proceed'],
    [{ 'if-none-match': '"v1"' }, 'not modified'],
    [{ 'if-none-match': 'W/"v1"' }, 'not modified'],
    [{ 'if-none-match': '"v1-gzip"' }, 'not modified'],
    [{ 'if-none-match': '"v0", "v1"' }, 'not modified'],
    [{ 'if-none-match': '*' }, 'not modified'],
    [{ 'if-none-match': '"v0"' }, 'proceed'],
    [{ 'if-none-match': 'v1' }, 'proceed'],
    [{ 'if-modified-since': SAME }, 'not modified'],
    [{ 'if-modified-since': AFTER }, 'not modified'],
    [{ 'if-modified-since': BEFORE }, 'proceed'],
    [{ 'if-modified-since': 'yesterday' }, 'proceed'],
    [{ 'if-none-match': '"v0"', 'if-modified-since': SAME }, 'proceed'],
    [{ 'if-match': '"v1"' }, 'proceed'],
    [{ 'if-match': '*' }, 'proceed'],
    [{ 'if-match': '"v0"' }, 'failed'],
    [{ 'if-match': 'W/"v1"' }, 'failed'],
    [{ 'if-unmodified-since': SAME }, 'proceed'],
    [{ 'if-unmodified-since': BEFORE }, 'failed'],
    [{ 'if-match': '"v1"', 'if-unmodified-since': BEFORE }, 'proceed'],
  ])('reading with %j: %s', (headers, verdict) => {
    expect(evaluateConditions('read', headers, current)).toBe(verdict);
  });

  test.each([
    [{ 'if-none-match': '*' }, current, 'failed'],
    [{ 'if-none-match': '*' }, undefined, 'proceed'],
    [{ 'if-match': '*' }, undefined, 'failed'],
    [{ 'if-match': '"v1"' }, undefined, 'failed'],
    [{ 'if-match': '"v1"' }, current, 'proceed'],
    [{ 'if-modified-since': SAME }, current, 'proceed'],
  ])('writing with %j on %j: %s', (headers, there, verdict) => {
    expect(evaluateConditions('write', headers, there)).toBe(verdict);
  });

  test.each([
    [undefined, true],
    ['"v1"', true],
    ['"v0"', false],
    ['W/"v1"', false],
    ['"v1-gzip"', false],
    [SAME, true],
    [AFTER, false],
    ['nonsense', false],
  ])('If-Range %j allows a range: %s', (header, allowed) => {
    expect(allowsRange(header, current)).toBe(allowed);
  });
});

describe('ranges', () => {
  test.each([
    ['bytes=0-3', 10, { start: 0, end: 4 }],
    ['bytes=5-', 10, { start: 5, end: 10 }],
    ['bytes=-2', 10, { start: 8, end: 10 }],
    ['bytes=-20', 10, { start: 0, end: 10 }],
    ['bytes=9-99999999999999999999', 10, { start: 9, end: 10 }],
    ['BYTES = 1-1', 10, { start: 1, end: 2 }],
    ['bytes=10-', 10, 'unsatisfiable'],
    ['bytes=-0', 10, 'unsatisfiable'],
    ['bytes=0-', 0, 'unsatisfiable'],
    ['bytes=3-2', 10, undefined],
    ['bytes=0-1,4-5', 10, undefined],
    ['bytes=-', 10, undefined],
    ['bytes=a-b', 10, undefined],
    ['lines=0-1', 10, undefined],
    ['', 10, undefined],
    [undefined, 10, undefined],
  ])('%j of %i bytes', (header, size, range) => {
    expect(parseRange(header, size)).toEqual(range);
  });

  test('a range lies within the file, whatever is asked for', () => {
    const bound = fc.oneof(fc.constant(''), fc.nat(30).map(String), fc.bigInt({ min: 0n }).map(String));
    fc.assert(
      fc.property(bound, bound, fc.nat(20), (first, last, size) => {
        const range = parseRange(`bytes=${first}-${last}`, size);
        if (range === undefined || range === 'unsatisfiable') return;
        expect(range.start).toBeGreaterThanOrEqual(0);
        expect(range.end).toBeGreaterThan(range.start);
        expect(range.end).toBeLessThanOrEqual(size);
      }),
    );
  });
});
