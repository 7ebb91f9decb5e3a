import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ProbeCollector } from './probe.ts';

function collect(...lines: string[]) {
  const collector = new ProbeCollector();
  for (const line of lines) collector.line(line);
  return collector.result();
}

test('a recorded probe of FFmpeg 5.1 with log flags', () => {
  const file = join(import.meta.dirname, 'samples/ffmpeg-5.1-probe-level.txt');
  const { streams, log } = collect(...readFileSync(file, 'utf8').trimEnd().split('\n'));
  expect(streams.map(({ type, codec, language }) => [type, codec, language])).toEqual([
    ['video', 'h264', 'und'],
    ['audio', 'aac', 'deu'],
    ['audio', 'mp3', 'und'],
  ]);
  expect(streams[2]).toMatchObject({
    bitrateKbps: 64,
    samplingHz: 44100,
    layout: 'mono',
    durationSeconds: 1.23,
  });
  expect(log.at(-1)).toBe('[fatal] At least one output file must be specified');
});

test.each(['4.4', '8.1'])('a recorded probe of four inputs by FFmpeg %s', (version) => {
  const file = join(import.meta.dirname, `samples/ffmpeg-${version}-probe.txt`);
  const { streams } = collect(...readFileSync(file, 'utf8').trimEnd().split('\n'));
  expect(
    streams.map((stream) => [stream.index, stream.type, stream.language, stream.durationSeconds, stream.fps]),
  ).toEqual([
    [0, 'video', 'und', 6.02, 25],
    [0, 'audio', 'deu', 6.02, 0],
    [0, 'subtitle', 'eng', 6.02, 0],
    [1, 'video', 'und', 6.02, 25],
    [1, 'audio', 'deu', 6.02, 0],
    [2, 'video', 'und', 6, 25],
    [2, 'audio', 'und', 6, 0],
    // Up to 5.1 a filter has no rate.
    [3, 'video', 'und', 0, version === '4.4' ? 0 : 30],
  ]);
});

test('the JSON channel wins over the prelude, and its first list over later ones', () => {
  const list = (codec: string) =>
    `ffmpeg.inputs:[{"url":"a","index":0,"stream":0,"type":"video","codec":"${codec}"}]`;
  const { streams, log } = collect(
    "Input #0, x, from 'x':",
    '  Stream #0:0: Video: vp8, yuv420p, 1x1',
    'ffmpeg.inputs:{broken',
    list('h264'),
    list('hevc'),
    'avstream.progress:{}',
  );
  expect(streams.map(({ codec }) => codec)).toEqual(['h264']);
  expect(log).toHaveLength(5);
});

test('an endless log is cut', () => {
  expect(collect(...Array.from({ length: 6_000 }, () => 'x')).log).toHaveLength(5_000);
});
