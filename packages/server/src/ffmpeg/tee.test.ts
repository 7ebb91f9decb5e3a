import { expect, test } from 'vitest';
import { teeOptions } from './tee.ts';

test.each([
  ['out.m3u8', []],
  ['[f=null]-', [['f', 'null']]],
  [
    '[f=hls:hls_time=2]a.m3u8|[f=flv]rtmp://h/a',
    [
      ['f', 'hls'],
      ['hls_time', '2'],
      ['f', 'flv'],
    ],
  ],
  [
    String.raw`[f=hls:hls_segment_filename=http\\://127.0.0.1\\:8080/memfs/x_%d.ts:method=PUT]x.m3u8`,
    [
      ['f', 'hls'],
      ['hls_segment_filename', 'http://127.0.0.1:8080/memfs/x_%d.ts'],
      ['method', 'PUT'],
    ],
  ],
  [
    String.raw`[a=\'x:y\':b=c=d]z`,
    [
      ['a', 'x:y'],
      ['b', 'c=d'],
    ],
  ],
  ['[]a', []],
])('%s', (address, expected) => {
  expect(teeOptions(address).map(({ name, value }) => [name, value])).toEqual(expected);
});
