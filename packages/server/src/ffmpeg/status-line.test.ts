import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isStatusLine, parseStatusLine, type StatusLine } from './status-line.ts';

// What names a version is from a real run of it.
test.each<[about: string, line: string, status: StatusLine]>([
  [
    '5.1, video',
    'frame=   30 fps= 23 q=-1.0 Lsize=      47kB time=00:00:01.20 bitrate= 320.4kbits/s speed=0.932x    ',
    { frame: 30, q: -1, sizeBytes: 47 * 1024, timeSeconds: 1.2, speed: 0.932 },
  ],
  [
    '5.1, without a size',
    'frame=   26 fps= 26 q=0.0 size=N/A time=00:00:00.00 bitrate=N/A speed=   0x    ',
    { frame: 26, q: 0, timeSeconds: 0, speed: 0 },
  ],
  [
    '5.1, audio only',
    'size=       7kB time=00:00:00.88 bitrate=  67.8kbits/s speed=0.884x    ',
    { sizeBytes: 7 * 1024, timeSeconds: 0.88, speed: 0.884 },
  ],
  [
    '5.1, two video outputs: the first quantizer',
    'frame=    1 fps=0.0 q=-0.0 q=28.0 size=N/A time=00:00:00.04 bitrate=N/A speed=4e+04x    ',
    { frame: 1, q: 0, timeSeconds: 0.04, speed: 40_000 },
  ],
  [
    '5.1, dropped and duplicated frames',
    'frame=  190 fps= 25 q=21.0 size=N/A time=01:02:07.60 bitrate=N/A dup=12 drop=3 speed=1.2e+03x',
    { frame: 190, q: 21, timeSeconds: 3727.6, dup: 12, drop: 3, speed: 1200 },
  ],
  [
    '6.1, nothing encoded yet',
    'frame=    0 fps=0.0 q=0.0 size=       0kB time=N/A bitrate=N/A speed=N/A    ',
    { frame: 0, q: 0, sizeBytes: 0 },
  ],
  [
    '6.1, copied video',
    'size=N/A time=00:00:01.02 bitrate=N/A speed=1.96x    ',
    { timeSeconds: 1.02, speed: 1.96 },
  ],
  [
    '7.0, copied video with an attachment',
    'size=       1KiB time=N/A bitrate=N/A speed=N/A    ',
    { sizeBytes: 1024 },
  ],
  [
    '7.1, in KiB, two video outputs',
    'frame=   50 fps= 32 q=-1.0 Lq=-1.0 size=     151KiB time=00:00:02.00 bitrate= 620.1kbits/s speed= 1.3x    ',
    { frame: 50, q: -1, sizeBytes: 151 * 1024, timeSeconds: 2, speed: 1.3 },
  ],
  [
    '8.1, sound alone with the elapsed time',
    'size=      18KiB time=00:00:02.00 bitrate=  73.0kbits/s speed= 1.3x elapsed=0:00:01.54    ',
    { sizeBytes: 18 * 1024, timeSeconds: 2, speed: 1.3 },
  ],
  [
    '8.1, with an attachment',
    'frame=   50 fps= 33 q=-1.0 size=       1KiB time=N/A bitrate=N/A speed=N/A elapsed=0:00:01.50    ',
    { frame: 50, q: -1, sizeBytes: 1024 },
  ],
  [
    'a time before zero',
    'frame=    1 fps=0.0 q=0.0 size=       0kB time=-00:00:00.02 bitrate=N/A speed=N/A',
    { frame: 1, q: 0, sizeBytes: 0, timeSeconds: 0 },
  ],
  [
    'hours beyond a day',
    'size=       1kB time=123:45:06.70 bitrate= 1.0kbits/s speed=1x',
    { sizeBytes: 1024, timeSeconds: 123 * 3600 + 45 * 60 + 6.7, speed: 1 },
  ],
])('%s', (_, line, status) => {
  expect(isStatusLine(line)).toBe(true);
  const parsed = parseStatusLine(line);
  expect(Object.keys(parsed).sort()).toEqual(Object.keys(status).sort());
  for (const name of Object.keys(status) as (keyof StatusLine)[]) {
    expect(parsed[name]).toBeCloseTo(status[name] ?? NaN, 6);
  }
});

test.each([
  '',
  'Press [q] to stop, [?] for help',
  'size=large',
  'size= 10 apples',
  '  Stream #0:0: Video: h264, yuv420p, 320x180, q=2-31, 25 fps',
  "[hls @ 0x55] Opening 'frame=1.ts' for writing",
])('is no status line: %j', (line) => {
  expect(isStatusLine(line)).toBe(false);
});

test('any text gives finite numbers', () => {
  const word = fc.constantFrom(
    'frame=',
    'q=',
    'size=',
    'time=',
    'speed=',
    'drop=',
    '9'.repeat(400),
    '-',
    '12',
    ':',
    'kB',
    'x',
    ' ',
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(word, fc.string({ maxLength: 3 }))), (words) => {
      for (const value of Object.values(parseStatusLine(words.join(''))))
        expect(value).toSatisfy(Number.isFinite);
    }),
  );
});
