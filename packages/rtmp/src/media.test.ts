import { expect, test } from 'vitest';
import { mutate, seeded } from '../test/feed.ts';
import { type MediaInfo, classifyAudio, classifyVideo, parseAacConfig } from './media.ts';

const hex = (text: string) => Buffer.from(text.replace(/\s/g, ''), 'hex');
const fourCc = (text: string) => Buffer.from(text, 'latin1').toString('hex');

type Expected =
  [role: MediaInfo['role'], codec: string, tracks?: string, variant?: MediaInfo['variant']] | undefined;

const VIDEO: [name: string, bytes: string, expected: Expected][] = [
  ['nothing', '', undefined],
  ['AVC configuration', '17 00 000000 01', ['header', 'H264']],
  ['AVC key frame', '17 01 000000 65', ['key', 'H264']],
  ['AVC frame', '27 01 000000 41', ['frame', 'H264']],
  ['AVC disposable frame', '37 01 000000 41', ['frame', 'H264']],
  ['AVC end', '17 02 000000', ['end', 'H264']],
  ['AVC cut off', '17', undefined],
  ['HEVC as encoders sent it before there was a standard', '1c 00 000000 01', ['header', 'HEVC']],
  ['Sorenson key frame', '12 00', ['key', 'H263']],
  ['a command of the player', '57 00', undefined],
  ['HEVC configuration', `90 ${fourCc('hvc1')} 01`, ['header', 'HEVC']],
  ['HEVC key frame', `91 ${fourCc('hvc1')} 000000 26`, ['key', 'HEVC']],
  ['HEVC frame without composition time', `a3 ${fourCc('hvc1')} 02`, ['frame', 'HEVC']],
  ['the empty configuration of AV1 that FFmpeg 7.0 sends', `90 ${fourCc('av01')}`, ['header', 'AV1']],
  ['AV1 configuration of MPEG-2 TS', `95 ${fourCc('av01')} 80`, ['header', 'AV1', '0', 'ts']],
  ['VP9 end', `92 ${fourCc('vp09')}`, ['end', 'VP9']],
  [
    'colour information, whatever its frame type',
    `d4 ${fourCc('hvc1')} 02`,
    ['header', 'HEVC', '0', 'color'],
  ],
  ['an enhanced command', `d1 ${fourCc('avc1')}`, undefined],
  ['an unknown codec', `91 ${fourCc('x\n64')} 00`, ['key', 'X?64']],
  ['a FourCC cut off', '91 6876', undefined],
  ['one track', `96 00 ${fourCc('avc1')} 01 17`, ['header', 'H264', '1']],
  ['one track with a key frame', `96 01 ${fourCc('avc1')} 02 000000 65`, ['key', 'H264', '2']],
  ['two tracks of one codec', `96 11 ${fourCc('hvc1')} 00 000002 aabb 01 000001 cc`, ['key', 'HEVC', '0,1']],
  [
    'two tracks of two codecs',
    `96 20 ${fourCc('avc1')} 00 000002 aabb ${fourCc('hvc1')} 01 000001 cc`,
    ['header', 'H264', '0,1'],
  ],
  ['tracks cut off', `96 11 ${fourCc('hvc1')} 00 0000`, undefined],
  ['a nanosecond offset before a key frame', `97 02 0f4240 01 ${fourCc('av01')} 0a`, ['key', 'AV1']],
  [
    'a large and another modifier',
    `97 ff 00ff ${'00'.repeat(256)} 07 02 000001 00 ${fourCc('av01')}`,
    ['header', 'AV1'],
  ],
  ['a modifier cut off', '97 ff 00', undefined],
];

const AUDIO: [name: string, bytes: string, expected: Expected][] = [
  ['nothing', '', undefined],
  ['AAC configuration', 'af 00 1210', ['header', 'AAC']],
  ['AAC frame', 'af 01 21', ['frame', 'AAC']],
  ['AAC cut off', 'af', undefined],
  ['MP3', '2f ff', ['frame', 'MP3']],
  ['Speex', 'b2 00', ['frame', 'SPEEX']],
  ['Opus configuration', `90 ${fourCc('Opus')} 4f`, ['header', 'OPUS']],
  ['Opus frame', `91 ${fourCc('Opus')} 00`, ['frame', 'OPUS']],
  ['AC-3 channels', `94 ${fourCc('ac-3')} 00`, ['header', 'AC3', '0', 'channels']],
  ['FLAC end', `92 ${fourCc('fLaC')}`, ['end', 'FLAC']],
  ['a second track', `95 01 ${fourCc('mp4a')} 01 21`, ['frame', 'AAC', '1']],
  ['a nanosecond offset', `97 02 000001 01 ${fourCc('ec-3')} 00`, ['frame', 'EAC3']],
];

test.each(VIDEO)('video: %s', (_name, bytes, expected) => {
  expect(summary(classifyVideo(hex(bytes)))).toEqual(withDefaults(expected));
});

test.each(AUDIO)('audio: %s', (_name, bytes, expected) => {
  expect(summary(classifyAudio(hex(bytes)))).toEqual(withDefaults(expected));
});

test('the number of an enhanced codec is its FourCC', () => {
  expect(classifyVideo(hex(`90 ${fourCc('hvc1')}`))?.codecId).toBe(1_752_589_105);
  expect(classifyVideo(hex(`90 ${fourCc('av01')}`))?.codecId).toBe(1_635_135_537);
  expect(classifyVideo(hex(`90 ${fourCc('vp09')}`))?.codecId).toBe(1_987_063_865);
});

test.each([
  ['1210', { sampleRate: 44_100, channels: 2 }],
  ['1190', { sampleRate: 48_000, channels: 2 }],
  ['1588', { sampleRate: 8_000, channels: 1 }],
  ['11b8', { sampleRate: 48_000, channels: 8 }],
  ['1780', undefined],
  ['f8', undefined],
])('AAC configuration %s', (bytes, expected) => {
  expect(parseAacConfig(hex(`af00${bytes}`), 2)).toEqual(expected);
});

test('mutated bodies are classified or ignored, and never throw', () => {
  const random = seeded(3);
  const bodies = [...VIDEO, ...AUDIO].map(([, bytes]) => hex(bytes)).filter((bytes) => bytes.length > 0);
  for (let i = 0; i < 20_000; i++) {
    const body = mutate(bodies[Math.floor(random() * bodies.length)] ?? Buffer.of(0), random);
    classifyVideo(body);
    classifyAudio(body);
  }
});

function summary(info: MediaInfo | undefined) {
  return info && [info.role, info.codec, info.tracks, info.variant];
}

function withDefaults(expected: Expected) {
  return expected && [expected[0], expected[1], expected[2] ?? '0', expected[3] ?? 'config'];
}
