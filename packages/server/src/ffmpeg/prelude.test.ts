import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PreludeParser } from './prelude.ts';
import { MAX_STREAMS, type Stream } from './stream.ts';

function parse(text: string): PreludeParser {
  const parser = new PreludeParser();
  for (const line of text.split('\n')) parser.line(line);
  return parser;
}

/** The one stream that a line describes, in an input that lasts 90.5 seconds. */
function stream(line: string): Stream | undefined {
  return parse(
    `Input #0, mov,mp4, from 'in.mp4':\n  Duration: 00:01:30.50, start: 0.0, bitrate: 1 kb/s\n${line}`,
  ).inputs[0];
}

// Lines of real runs. Where several versions print the same, the oldest is named.
test.each<[about: string, line: string, expected: Partial<Stream>]>([
  [
    '4.4, a picture with a language and colours',
    '  Stream #0:0(und): Video: hevc (Main 10) (hvc1 / 0x31637668), yuv420p10le(tv, bt2020nc/unknown/unknown, progressive), 320x180 [SAR 1:1 DAR 16:9], 162 kb/s, 29.97 fps, 29.97 tbr, 30k tbn, 29.97 tbc (default)',
    {
      stream: 0,
      language: 'und',
      type: 'video',
      codec: 'hevc',
      pixFmt: 'yuv420p10le',
      width: 320,
      height: 180,
      bitrateKbps: 162,
      fps: 29.97,
    },
  ],
  [
    '4.4, MPEG-TS',
    '  Stream #0:0[0x100]: Video: h264 (Constrained Baseline) ([27][0][0][0] / 0x001B), yuv420p(progressive), 320x180 [SAR 1:1 DAR 16:9], 25 fps, 25 tbr, 90k tbn, 50 tbc',
    { codec: 'h264', pixFmt: 'yuv420p', width: 320, height: 180, fps: 25 },
  ],
  [
    '5.1, with an id',
    '  Stream #0:0[0x1](und): Video: h264 (High) (avc1 / 0x31637661), yuv420p(progressive), 320x180 [SAR 1:1 DAR 16:9], 234 kb/s, 25 fps, 25 tbr, 12800 tbn (default)',
    { codec: 'h264', pixFmt: 'yuv420p', width: 320, height: 180, bitrateKbps: 234, fps: 25 },
  ],
  [
    '5.1, sound',
    '  Stream #0:1[0x2](deu): Audio: aac (LC) (mp4a / 0x6134706D), 44100 Hz, mono, fltp, 70 kb/s (default)',
    {
      stream: 1,
      language: 'deu',
      type: 'audio',
      codec: 'aac',
      samplingHz: 44100,
      layout: 'mono',
      bitrateKbps: 70,
      width: 0,
      pixFmt: '',
    },
  ],
  [
    '5.1, without a rate',
    '  Stream #0:0: Video: rawvideo (I420 / 0x30323449), yuv420p, 320x180 [SAR 1:1 DAR 16:9], 25 tbr, 25 tbn',
    { codec: 'rawvideo', fps: 0, bitrateKbps: 0 },
  ],
  [
    '5.1, subtitles',
    '  Stream #0:2(eng): Subtitle: subrip',
    { type: 'subtitle', codec: 'subrip', language: 'eng' },
  ],
  [
    '6.1, a filter',
    '  Stream #0:0: Video: wrapped_avframe, yuv420p, 320x180 [SAR 1:1 DAR 16:9], 25 fps, 25 tbr, 25 tbn',
    { codec: 'wrapped_avframe', pixFmt: 'yuv420p', width: 320, height: 180, fps: 25 },
  ],
  [
    '7.1, with an id and colours',
    '  Stream #0:0[0x1](und): Video: hevc (Main 10) (hvc1 / 0x31637668), yuv420p10le(tv, bt2020nc/unknown/unknown, progressive), 320x180 [SAR 1:1 DAR 16:9], 162 kb/s, 29.97 fps, 29.97 tbr, 30k tbn (default)',
    { codec: 'hevc', pixFmt: 'yuv420p10le', width: 320, height: 180, bitrateKbps: 162, fps: 29.97 },
  ],
  [
    '7.1, subtitles',
    '  Stream #0:2(eng): Subtitle: subrip (srt)',
    { type: 'subtitle', codec: 'subrip', language: 'eng' },
  ],
  [
    '8.1, surround',
    '  Stream #0:1[0x2](eng): Audio: ac3 (ac-3 / 0x332D6361), 44100 Hz, 5.1(side), fltp, 448 kb/s (default)',
    { codec: 'ac3', samplingHz: 44100, layout: '5.1(side)', bitrateKbps: 448 },
  ],
  [
    '8.1, with its start',
    '  Stream #0:0: Video: h264 (Constrained Baseline), yuv420p(progressive), 320x180 [SAR 1:1 DAR 16:9], 25 fps, 25 tbr, 1k tbn, start 0.023000',
    { codec: 'h264', width: 320, height: 180, fps: 25, bitrateKbps: 0 },
  ],
  ['a language that is none', '  Stream #0:1(en): Audio: aac, 44100 Hz, mono', { language: 'und' }],
])('%s', (_, line, expected) => {
  expect(stream(line)).toMatchObject({
    address: 'in.mp4',
    format: 'mov,mp4',
    index: 0,
    durationSeconds: 90.5,
    coder: '',
    channels: 0,
    ...expected,
  });
});

test.each([
  ['data', '  Stream #0:2[0x3](eng): Data: none (tmcd / 0x64636D74), 0 kb/s'],
  ['an attachment of 4.4', '  Stream #0:3: Attachment: text'],
  ['an attachment of 7.1', '  Stream #0:3: Attachment: none'],
  ['the source of an attachment', '  File note.txt -> Stream #0:2'],
  ['the mapping', '  Stream #0:0 -> #0:0 (rawvideo (native) -> h264 (libx264))'],
  ['text of an input that looks like one', '      title           : Stream #0:0: Video: h264, yuv420p, 1x1'],
])('finds no stream in %s', (_, line) => {
  expect(stream(line)).toBeUndefined();
});

test('inputs and outputs are told apart, in order of appearance', () => {
  const { inputs, outputs } = parse(
    [
      "Input #0, lavfi, from 'testsrc2=size=320x180':",
      '  Duration: N/A, start: 0.000000, bitrate: N/A',
      '  Stream #0:0: Video: rawvideo, yuv420p, 320x180',
      "Output #1, null, to 'pipe:':",
      '  Stream #1:0: Video: wrapped_avframe, yuv420p, 320x180',
      "Output #0, hls, to 'http://127.0.0.1/it's.m3u8':",
      '  Stream #0:0: Video: h264, yuv420p, 320x180',
    ].join('\n'),
  );
  expect(inputs.map(({ address, index }) => [address, index])).toEqual([['testsrc2=size=320x180', 0]]);
  expect(outputs.map(({ address, index }) => [address, index])).toEqual([
    ['pipe:', 1],
    ["http://127.0.0.1/it's.m3u8", 0],
  ]);
});

test('a duration belongs to its input only', () => {
  const { inputs } = parse(
    [
      "Input #0, a, from 'a':",
      '  Duration: 00:00:02.00, start: 0',
      '  Stream #0:0: Audio: aac, 44100 Hz, mono',
      "Input #1, b, from 'b':",
      '  Stream #1:0: Audio: aac, 44100 Hz, mono',
    ].join('\n'),
  );
  expect(inputs.map(({ durationSeconds }) => durationSeconds)).toEqual([2, 0]);
});

test('an address that FFmpeg cut short is kept as far as it goes', () => {
  const { inputs } = parse(
    "Input #0, hls, from 'http://host/very/long\n  Stream #0:0: Audio: aac, 44100 Hz, mono",
  );
  expect(inputs[0]?.address).toBe('http://host/very/long');
});

test('forged streams do not pile up', () => {
  const streams = Array.from(
    { length: MAX_STREAMS + 10 },
    (_, i) => `  Stream #0:${i}: Audio: aac, 1 Hz, mono`,
  );
  expect(parse(["Input #0, a, from 'a':", ...streams].join('\n')).inputs).toHaveLength(MAX_STREAMS);
});

test('no text breaks it', () => {
  const word = fc.constantFrom(
    'Input #0, ',
    'Output #',
    "from '",
    '  Stream #0:0',
    ': Video: ',
    '  Duration: ',
    '00:00',
    '\n',
    ', ',
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(word, fc.string())), (words) => {
      const { inputs, outputs } = parse(words.join(''));
      for (const { width, durationSeconds } of [...inputs, ...outputs])
        expect(width + durationSeconds).toSatisfy(Number.isFinite);
    }),
  );
});
