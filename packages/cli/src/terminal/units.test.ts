import { expect, test } from 'vitest';
import {
  formatBitrate,
  formatBytes,
  formatDuration,
  formatPercent,
  formatTime,
  parseBytes,
  parseDuration,
} from './units.ts';

test.each([
  [0, '0 B'],
  [1023, '1023 B'],
  [1024, '1.00 KiB'],
  [1536, '1.50 KiB'],
  [10 * 1024, '10.0 KiB'],
  [1024 * 1024 - 1, '1.00 MiB'],
  [150.4 * 1024 ** 2, '150 MiB'],
  [5 * 1024 ** 6, '5120 PiB'],
])('%d bytes are %s', (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});

test.each([
  [0, '0 kbit/s'],
  [249.6, '250 kbit/s'],
  [2500, '2.50 Mbit/s'],
  [1_234_000, '1.23 Gbit/s'],
])('%d kbit/s are %s', (kbit, text) => {
  expect(formatBitrate(kbit)).toBe(text);
});

test.each([
  [-1, '0s'],
  [59.9, '59s'],
  [125, '2m 05s'],
  [3 * 3600 + 7 * 60 + 59, '3h 07m'],
  [12 * 86_400 + 4 * 3600, '12d 04h'],
])('%d seconds are %s', (seconds, text) => {
  expect(formatDuration(seconds)).toBe(text);
});

test.each([
  [0, '0.0%'],
  [9.94, '9.9%'],
  [9.96, '10%'],
  [250, '250%'],
])('%d percent are %s', (percent, text) => {
  expect(formatPercent(percent)).toBe(text);
});

test('a time is local', () => {
  expect(formatTime(new Date(2026, 10, 24, 0, 54, 5).getTime() / 1000)).toBe('2026-11-24 00:54:05');
  expect(formatTime(Number.NaN)).toBe('');
});

test.each([
  ['90', 90],
  ['90s', 90],
  ['5m', 300],
  [' 2h ', 7200],
  ['1d', 86_400],
  ['1.5h', undefined],
  ['-5', undefined],
  ['', undefined],
  ['5 minutes', undefined],
])('the duration %j is %j', (text, seconds) => {
  expect(parseDuration(text)).toBe(seconds);
});

test.each([
  ['1048576', 1_048_576],
  ['512k', 524_288],
  ['1.5 MiB', 1_572_864],
  ['2GB', 2 * 1024 ** 3],
  ['5X', undefined],
  ['', undefined],
])('the size %j is %j', (text, bytes) => {
  expect(parseBytes(text)).toBe(bytes);
});
