import { expect, test } from 'vitest';
import { stripTags } from './tags.ts';

test.each([
  ['[info] frame=    1 fps=0.0', 'frame=    1 fps=0.0'],
  ['[hls @ 0x5590efa5ff80] [info] Opening', 'Opening'],
  ['[in#0/lavfi @ 0x5590] [h264 @ 0x1] [error] no', 'no'],
  ['[info]   Duration: N/A', '  Duration: N/A'],
  ['2026-11-24 00:00:00.123 [info] frame=1', 'frame=1'],
  ['00:00:00.123456 [info] frame=1', 'frame=1'],
  ['frame=    1', 'frame=    1'],
  ['[0] FaceTime', '[0] FaceTime'],
  ['[information] x', '[information] x'],
  ['', ''],
])('%j is %j', (line, plain) => {
  expect(stripTags(line)).toBe(plain);
});
