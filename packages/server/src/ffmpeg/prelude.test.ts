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

// The lines of 5.1 are from real runs, the others follow what those versions print.
test.each<[about: string, line: string, expected: Partial<Stream>]>([
  [
    '4.4, a picture with a language',
    '    Stream #0:0(und): Video: h264 (High) (avc1 / 0x31637661), yuv420p, 1280x720 [SAR 1:1 DAR 16:9], 1097 kb/s, 25 fps, 25 tbr, 12800 tbn, 50 tbc (default)',
    {
      stream: 0,
      language: 'und',
      type: 'video',
      codec: 'h264',
      pixFmt: 'yuv420p',
      width: 1280,
      height: 720,
      bitrateKbps: 1097,
      fps: 25,
    },
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
    '7.x, with colours',
    '  Stream #0:0[0x1](und): Video: hevc (Main 10) (hvc1 / 0x31637668), yuv420p10le(tv, bt2020nc/bt2020/smpte2084, progressive), 3840x2160 [SAR 1:1 DAR 16:9], 4000 kb/s, 29.97 fps, 29.97 tbr, 30k tbn (default)',
    { codec: 'hevc', pixFmt: 'yuv420p10le', width: 3840, height: 2160, fps: 29.97 },
  ],
  [
    '8.x, surround',
    '  Stream #0:3[0x4](eng): Audio: ac3, 48000 Hz, 5.1(side), fltp, 448 kb/s, start 0.080000 (default)',
    { codec: 'ac3', samplingHz: 48000, layout: '5.1(side)', bitrateKbps: 448 },
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
  ['data', '  Stream #0:2: Data: bin_data (text / 0x74786574), 0 kb/s'],
  ['attachments', '  Stream #0:2: Attachment: ttf'],
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
