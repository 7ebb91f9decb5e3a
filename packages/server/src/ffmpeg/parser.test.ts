import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Logger } from '../log/logger.ts';
import { OutputParser, type OutputParserOptions } from './parser.ts';
import { createHistory } from './report.ts';

const errors: string[] = [];
const log: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: (message) => errors.push(message),
  enabled: () => true,
  with: () => log,
};

function createParser(options: Partial<OutputParserOptions> = {}, maxHistory = 3): OutputParser {
  const all = { maxLines: 50, inputIds: ['in0', 'in1'], outputIds: ['out0', 'out1'], ...options };
  return new OutputParser(all, createHistory(maxHistory), log);
}

/** The lines of a recorded run. */
function sample(name: string): string[] {
  const text = readFileSync(join(import.meta.dirname, 'samples', name), 'utf8');
  return text.split(/[\r\n]+/).filter((line) => line !== '');
}

/** A parser that has read the lines of one run. */
function parserAfter(lines: readonly string[]): { parser: OutputParser; progressLines: string[] } {
  const parser = createParser();
  parser.started();
  return { parser, progressLines: lines.filter((line) => parser.line(line)) };
}

beforeEach(() => {
  errors.length = 0;
  vi.useFakeTimers({ now: 1_700_000_000_000 });
});

afterEach(() => {
  vi.useRealTimers();
});

const OUTPUT = ["Output #0, null, to 'pipe:':", '  Stream #0:0: Video: h264, yuv420p, 320x180'];
const FRAME = (frame: number) =>
  `frame=${frame} fps=25 q=28.0 size=N/A time=00:00:00.00 bitrate=N/A speed=1x`;

const TWO_OUTPUTS = [
  "Output #0, flv, to 'rtmp://media.example/live':",
  '  Stream #0:0: Video: h264, yuv420p, 320x180',
  "Output #1, mpegts, to '/data/file.ts':",
  '  Stream #1:0: Video: h264, yuv420p, 320x180',
];

describe('recorded runs of FFmpeg 5.1', () => {
  test.each([
    ['ffmpeg-5.1-video.txt', 'mp4', 30],
    ['ffmpeg-5.1-video-level.txt', 'hls', 30],
    ['ffmpeg-5.1-audio.txt', 'mp3', 0],
    ['ffmpeg-5.1-split.txt', 'null', 25],
  ])('%s: streams, progress and no status line in the log', (name, format, frame) => {
    const { parser, progressLines } = parserAfter(sample(name));
    const progress = parser.progress();
    expect(progressLines.length).toBeGreaterThanOrEqual(2);
    expect(progress.frame).toBe(frame);
    expect(progress.timeSeconds).toBeGreaterThanOrEqual(1);
    expect(progress.outputs[0]).toMatchObject({ id: 'out0', index: 0, stream: 0, format });
    expect(progress.inputs[0]).toMatchObject({ id: 'in0', format: 'lavfi' });
    expect(
      parser
        .report()
        .log.map(({ text }) => text)
        .join('\n'),
    ).not.toMatch(/speed=/);
  });

  test('all streams of a run with two inputs', () => {
    const { parser } = parserAfter(sample('ffmpeg-5.1-video.txt'));
    const { inputs, outputs, sizeBytes } = parser.progress();
    expect(inputs.map(({ id, type }) => [id, type])).toEqual([
      ['in0', 'video'],
      ['in1', 'audio'],
    ]);
    expect(outputs.map(({ id, stream, codec }) => [id, stream, codec])).toEqual([
      ['out0', 0, 'h264'],
      ['out0', 1, 'aac'],
    ]);
    expect(sizeBytes).toBe(47 * 1024);
  });

  test('two outputs of one filter graph', () => {
    const { parser } = parserAfter(sample('ffmpeg-5.1-split.txt'));
    expect(parser.progress().outputs.map(({ id }) => id)).toEqual(['out0', 'out1']);
  });

  test('log flags stay in the log', () => {
    const { parser } = parserAfter(sample('ffmpeg-5.1-video-level.txt'));
    expect(parser.report().prelude[0]).toMatch(/^\[info\] ffmpeg version 5\.1/);
  });
});

describe('recorded runs of FFmpeg 4.4 to 8.1', () => {
  const VIDEO_SOUND = { inputs: ['in0 video', 'in1 audio'], outputs: ['out0 video', 'out0 audio'] };
  const SOUND = { inputs: ['in0 audio'], outputs: ['out0 audio'] };
  const FILE = ['in0 video', 'in0 audio', 'in0 subtitle'];
  const ALL = { inputs: FILE, outputs: ['out0 video', 'out0 audio', 'out0 subtitle'] };
  const SPLIT = { inputs: ['in0 video'], outputs: ['out0 video', 'out1 video'] };
  const TEE = { inputs: FILE, outputs: ['out0 video', 'out0 audio'] };

  test.each([
    ['4.4-hls-level', VIDEO_SOUND, { frame: 75, sizeBytes: 0, timeSeconds: 3 }],
    ['6.1-hls-level', VIDEO_SOUND, { frame: 75, sizeBytes: 0, timeSeconds: 2.99 }],
    ['7.0-hls-level', VIDEO_SOUND, { frame: 75, sizeBytes: 0, timeSeconds: 3 }],
    ['7.1-hls-level', VIDEO_SOUND, { frame: 75, sizeBytes: 0, timeSeconds: 3 }],
    ['8.1-hls-level', VIDEO_SOUND, { frame: 75, sizeBytes: 0, timeSeconds: 3 }],
    ['4.4-audio', SOUND, { frame: 0, sizeBytes: 19 * 1024, timeSeconds: 1.99 }],
    ['6.1-audio', SOUND, { frame: 0, sizeBytes: 18 * 1024, timeSeconds: 1.99 }],
    ['7.0-audio', SOUND, { frame: 0, sizeBytes: 18 * 1024, timeSeconds: 2 }],
    ['7.1-audio', SOUND, { frame: 0, sizeBytes: 18 * 1024, timeSeconds: 2 }],
    ['8.1-audio', SOUND, { frame: 0, sizeBytes: 18 * 1024, timeSeconds: 2 }],
    ['4.4-split', SPLIT, { frame: 50, sizeBytes: 152 * 1024, timeSeconds: 1.96 }],
    ['8.1-split', SPLIT, { frame: 50, sizeBytes: 151 * 1024, timeSeconds: 2 }],
    // Copied frames are not counted by 6.1 and 7.0; with an attachment, 7.0 to 8.1 tell no time.
    ['4.4-all-streams', ALL, { frame: 50, sizeBytes: 170 * 1024, timeSeconds: 1.99 }],
    ['6.1-all-streams', ALL, { frame: 0, sizeBytes: 170 * 1024, timeSeconds: 1.99 }],
    ['7.0-all-streams', ALL, { frame: 0, sizeBytes: 170 * 1024, timeSeconds: 0 }],
    ['7.1-all-streams', ALL, { frame: 50, sizeBytes: 170 * 1024, timeSeconds: 0 }],
    ['8.1-all-streams', ALL, { frame: 50, sizeBytes: 170 * 1024, timeSeconds: 0 }],
    ['7.0-tee', TEE, { frame: 0, sizeBytes: 0, timeSeconds: 2.04 }],
  ])('%s: streams, progress and no status line in the log', (name, streams, numbers) => {
    const { parser, progressLines } = parserAfter(sample(`ffmpeg-${name}.txt`));
    const { inputs, outputs, ...total } = parser.progress();
    expect(progressLines.length).toBeGreaterThanOrEqual(2);
    expect({
      inputs: inputs.map(({ id, type }) => `${id} ${type}`),
      outputs: outputs.map(({ id, type }) => `${id} ${type}`),
    }).toEqual(streams);
    expect(total).toMatchObject(numbers);
    expect(parser.report().log.filter(({ text }) => text.includes('speed='))).toEqual([]);
  });

  test('FFmpeg 7 and 8 go on telling the same numbers while they stand still: that is no progress', () => {
    const statusLines = sample('ffmpeg-8.1-all-streams.txt').filter((line) => line.startsWith('frame='));
    expect(statusLines.length).toBeGreaterThan(5);
    // Frames up to the third line, the final size in the last one.
    expect(parserAfter(statusLines).progressLines).toEqual([...statusLines.slice(0, 3), statusLines.at(-1)]);
  });
});

describe('progress', () => {
  test('is made when frames, time or size grow, and only then', () => {
    const parser = createParser();
    parser.started();
    const line = (frame: number, size: number, time: string) =>
      parser.line(`frame=${frame} fps=0 q=1.0 size=${size}kB time=00:00:0${time} bitrate=N/A speed=1x`);
    expect(line(0, 0, '0.00')).toBe(false);
    expect(line(1, 0, '0.00')).toBe(true);
    expect(line(1, 0, '0.00')).toBe(false);
    expect(line(1, 0, '0.04')).toBe(true);
    expect(line(1, 1, '0.04')).toBe(true);
    expect(line(1, 1, '0.04')).toBe(false);
  });

  test('counts before any output was opened, and the prelude goes on', () => {
    const parser = createParser();
    parser.started();
    expect(parser.line(FRAME(1))).toBe(true);
    for (const line of OUTPUT) parser.line(line);
    parser.line(FRAME(2));
    expect(parser.report().prelude).toEqual(OUTPUT);
    expect(parser.progress().outputs).toHaveLength(1);
  });

  test('outputs that are opened late are listed, too', () => {
    const parser = createParser();
    parser.started();
    for (const line of [...OUTPUT, FRAME(1)]) parser.line(line);
    for (const line of OUTPUT) parser.line(line.replace('#0', '#1'));
    expect(parser.progress().outputs.map(({ id }) => id)).toEqual(['out0', 'out1']);
  });

  test('gives mean rates of the completed seconds', () => {
    const parser = createParser();
    parser.started();
    for (let second = 0; second <= 7; second++) {
      parser.line(`frame=${second * 25} fps=25 q=1.0 size=${second * 10}kB time=00:00:00.00 speed=1x`);
      vi.advanceTimersByTime(1_000);
    }
    const { fps, bitrateKbit } = parser.progress();
    expect(fps).toBeCloseTo((25 * 6) / 7);
    expect(bitrateKbit).toBeCloseTo((10 * 8 * 6) / 7);
  });

  test('the size is that of the first output', () => {
    const { parser } = parserAfter(TWO_OUTPUTS);
    parser.line('frame=25 fps=25 q=28.0 size=     128kB time=00:00:01.00 bitrate=1048.6kbits/s speed=1x');
    expect(parser.traffic()).toEqual({
      inputs: [],
      outputs: [{ address: 'rtmp://media.example/live', bytes: 128 * 1024 }],
    });
  });

  test('is gone when the run is over', () => {
    const { parser } = parserAfter(sample('ffmpeg-5.1-video.txt'));
    parser.ended();
    expect(parser.progress()).toMatchObject({
      inputs: [],
      outputs: [],
      frame: 0,
      sizeBytes: 0,
      timeSeconds: 0,
    });
  });

  test('streams beyond the configured ones have no id', () => {
    const parser = createParser({ outputIds: [] });
    parser.started();
    for (const line of [...OUTPUT, FRAME(1)]) parser.line(line);
    expect(parser.progress().outputs[0]?.id).toBe('');
  });
});

describe('the JSON channel', () => {
  const INPUTS =
    'ffmpeg.inputs:[{"url":"playout:rtmp://x","format":"rtsp","index":0,"stream":0,"language":"und","type":"video","codec":"h264","coder":"h264","bitrate_kbps":0,"duration_sec":0.0,"fps":20.6,"pix_fmt":"yuvj420p","width":1280,"height":720}]';
  const OUTPUTS =
    'ffmpeg.outputs:[{"url":"/dev/null","format":"flv","index":0,"stream":0,"type":"video","codec":"h264","coder":"copy"},{"url":"/dev/null","format":"flv","index":0,"stream":1,"type":"audio","codec":"aac","coder":"copy","sampling_hz":44100,"layout":"stereo","channels":2}]';
  const progress = (...frames: number[]) =>
    `ffmpeg.progress:${JSON.stringify({
      inputs: [
        {
          index: 0,
          stream: 0,
          frame: 25,
          keyframe: 1,
          packet: 26,
          size_kb: 100,
          size_bytes: 102401,
          framerate: { min: 24.1, max: 26, avg: 25 },
          extradata_size_bytes: 41,
        },
      ],
      outputs: frames.map((frame, stream) => ({
        index: 0,
        stream,
        frame,
        packet: frame,
        q: 21.5,
        size_kb: 80,
      })),
      ...{ frame: 25, packet: 20, q: 21.5, size_kb: 125, time: '0h0m1.50s', speed: 1.01, dup: 5, drop: 6 },
    })}`;

  function started(): OutputParser {
    const parser = createParser();
    parser.started();
    parser.line('hello');
    parser.line(INPUTS);
    parser.line(OUTPUTS);
    return parser;
  }

  test('gives the counters of every stream', () => {
    const parser = started();
    expect(parser.line(progress(25, 10))).toBe(true);
    expect(parser.progress()).toMatchObject({
      inputs: [
        {
          id: 'in0',
          coder: 'h264',
          frame: 25,
          keyframe: 1,
          packet: 26,
          sizeBytes: 102_401,
          framerate: { min: 24.1, max: 26, avg: 25 },
          extradataSizeBytes: 41,
        },
      ],
      outputs: [
        { id: 'out0', stream: 0, frame: 25, q: 21.5, sizeBytes: 81_920 },
        { id: 'out0', stream: 1, frame: 10, channels: 2, layout: 'stereo' },
      ],
      ...{
        frame: 25,
        packet: 20,
        q: 21.5,
        sizeBytes: 128_000,
        timeSeconds: 1.5,
        speed: 1.01,
        dup: 5,
        drop: 6,
      },
    });
  });

  test('tells what was read and written by address', () => {
    const parser = started();
    parser.line(progress(25, 10));
    expect(parser.traffic()).toEqual({
      inputs: [{ address: 'playout:rtmp://x', bytes: 102_401 }],
      outputs: [
        { address: '/dev/null', bytes: 81_920 },
        { address: '/dev/null', bytes: 81_920 },
      ],
    });
  });

  test('one output that stands still is no stale process', () => {
    const parser = started();
    parser.line(progress(25, 10));
    expect(parser.line(progress(26, 10))).toBe(true);
    expect(parser.line(progress(26, 10))).toBe(false);
  });

  test('a changed number of streams does not drop the others', () => {
    const parser = started();
    expect(parser.line(progress(25, 10, 7))).toBe(true);
    expect(parser.line(progress(26))).toBe(true);
    expect(parser.progress().outputs.map(({ frame }) => frame)).toEqual([26, 10]);
  });

  test('stays out of log and prelude', () => {
    const parser = started();
    parser.line(progress(1, 1));
    expect(parser.report()).toMatchObject({ prelude: ['hello'], log: [{ text: 'hello' }] });
  });

  test('is understood behind log flags', () => {
    const parser = createParser();
    parser.started();
    parser.line(`[info] ${OUTPUTS}`);
    expect(parser.progress().outputs).toHaveLength(2);
  });

  test('lists that come again are text', () => {
    const parser = started();
    parser.line(INPUTS);
    expect(parser.lastLine()).toBe(INPUTS);
  });

  test('the state of an avstream goes to the input with its address, sizes in bytes', () => {
    const parser = started();
    parser.line(
      'avstream.progress:{"id":"playout:rtmp://x","url":"rtmp://x","stream":0,"queue":140,"aqueue":7,"dup":1,"drop":2,"enc":3,"looping":true,"looping_runtime":77,"duplicating":true,"gop":"key","input":{"state":"running","packet":148,"size_kb":1529,"time":5},"output":{"state":"idle","packet":8,"size_kb":128,"time":1}}',
    );
    expect(parser.progress().inputs[0]?.avstream).toEqual({
      input: { state: 'running', packet: 148, sizeBytes: 1_565_696, timeSeconds: 5 },
      output: { state: 'idle', packet: 8, sizeBytes: 131_072, timeSeconds: 1 },
      ...{
        queue: 140,
        aqueue: 7,
        dup: 1,
        drop: 2,
        enc: 3,
        looping: true,
        loopingRuntimeSeconds: 77,
        duplicating: true,
        gop: 'key',
      },
    });
  });

  test('avstream progress is no progress of the process', () => {
    expect(started().line('avstream.progress:{"id":"x"}')).toBe(false);
  });

  test.each([
    ['ffmpeg.inputs:[]', 'Failed parsing inputs'],
    ['ffmpeg.inputs:{', 'Failed parsing inputs'],
    ['ffmpeg.outputs:[1]', 'Failed parsing outputs'],
  ])('%s is logged as an error and left out', (line, error) => {
    const parser = createParser();
    parser.started();
    expect(parser.line(line)).toBe(false);
    expect(errors).toEqual([error]);
    expect(parser.report().log).toEqual([]);
  });

  test.each([
    ['ffmpeg.progress:[]', 'Failed parsing progress'],
    ['ffmpeg.progress:{"outputs":[null]}', 'Failed parsing progress'],
    ['avstream.progress:7', 'Failed parsing AVStream progress'],
  ])('%s is logged as an error and changes nothing', (line, error) => {
    const parser = started();
    expect(parser.line(line)).toBe(false);
    expect(errors).toEqual([error]);
  });
});

describe('the report', () => {
  test('keeps the newest lines of the log with their time', () => {
    const parser = createParser({ maxLines: 2 });
    parser.started();
    for (const line of ['a', 'b', 'c']) parser.line(line);
    expect(parser.report().log).toEqual([
      { at: 1_700_000_000_000, text: 'b' },
      { at: 1_700_000_000_000, text: 'c' },
    ]);
  });

  test.each([0, -5])('keeps one line with a maximum of %s', (maxLines) => {
    const parser = createParser({ maxLines });
    for (const line of ['a', 'b']) parser.line(line);
    expect(parser.report().log.map(({ text }) => text)).toEqual(['b']);
  });

  test('a long prelude is its first 100 and last 50 lines', () => {
    const parser = createParser();
    parser.started();
    for (let line = 1; line <= 160; line++) parser.line(`line ${line}`);
    const { prelude } = parser.report();
    expect(prelude).toHaveLength(151);
    expect(prelude.slice(99, 102)).toEqual(['line 100', '... truncated 10 lines ...', 'line 111']);
    expect(prelude.at(-1)).toBe('line 160');
  });

  test('a prelude of 150 lines is whole', () => {
    const parser = createParser();
    for (let line = 1; line <= 150; line++) parser.line(`line ${line}`);
    expect(parser.report().prelude).toHaveLength(150);
  });

  test('the streams of a prelude that is truncated are known all the same', () => {
    const filler = (count: number) => Array.from({ length: count }, (_, line) => `line ${line}`);
    const { parser } = parserAfter([...filler(120), ...OUTPUT, ...filler(120), FRAME(1)]);
    expect(parser.progress().outputs).toHaveLength(1);
  });

  test('what comes after the first progress is log only', () => {
    const { parser } = parserAfter([...OUTPUT, FRAME(1), 'later']);
    const { prelude, log: lines } = parser.report();
    expect(prelude).toEqual(OUTPUT);
    expect(lines.map(({ text }) => text)).toEqual([...OUTPUT, 'later']);
  });

  test('shows a run until the next one begins, then it is history', () => {
    const parser = createParser();
    parser.started();
    parser.line('first');
    parser.ended();
    expect(parser.report()).toMatchObject({ prelude: ['first'], history: [] });
    vi.advanceTimersByTime(3_000);
    parser.started();
    expect(parser.report()).toEqual({
      createdAt: 1_700_000_003_000,
      prelude: [],
      log: [],
      history: [
        { createdAt: 1_700_000_000_000, prelude: ['first'], log: [{ at: 1_700_000_000_000, text: 'first' }] },
      ],
    });
  });

  test('the history keeps the newest runs, oldest first', () => {
    const parser = createParser({}, 2);
    for (const line of ['1', '2', '3', '4']) {
      parser.started();
      parser.line(line);
    }
    expect(parser.report().history.map(({ prelude }) => prelude)).toEqual([['2'], ['3']]);
  });

  test('a run without a line is no history', () => {
    const parser = createParser();
    parser.started();
    parser.started();
    expect(parser.report().history).toEqual([]);
  });

  test('why a start failed goes to log and prelude of the run before', () => {
    const { parser } = parserAfter([...OUTPUT, FRAME(1)]);
    parser.ended();
    parser.line('fork/exec /ffmpeg: no such file or directory');
    expect(parser.report().prelude.at(-1)).toBe('fork/exec /ffmpeg: no such file or directory');
    expect(parser.lastLine()).toBe('fork/exec /ffmpeg: no such file or directory');
  });

  test('a note is in the log but hides no line of FFmpeg', () => {
    const parser = createParser();
    parser.line('Conversion failed!');
    parser.note('Exited with code 1.');
    expect(parser.report().log.map(({ text }) => text)).toEqual([
      'Conversion failed!',
      'Exited with code 1.',
    ]);
    expect(parser.lastLine()).toBe('Conversion failed!');
  });

  test('a note is the last line if FFmpeg said nothing', () => {
    const parser = createParser();
    parser.note('Exited with code 1.');
    expect(parser.lastLine()).toBe('Exited with code 1.');
  });
});
