import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Exit } from '../child/child.ts';
import type { Ending } from '../child/supervisor.ts';
import { FAILURE_CLASSES, type FailureClass } from './failure-classes.ts';
import { explainFailure } from './failure.ts';

const SAMPLES = join(import.meta.dirname, 'samples');

function explain(lines: readonly string[], ending: Partial<Ending> = {}, command: readonly string[] = []) {
  const exit: Exit = { kind: 'code', code: 1 };
  const log = lines.map((text) => ({ at: 0, text }));
  return explainFailure({ exit, reason: undefined, note: 'Exited.', ...ending }, { command, log });
}

test.each(readdirSync(SAMPLES).filter((name) => name.endsWith('.txt')))(
  'the good run %s has no failure, even if FFmpeg ended as after a signal',
  (name) => {
    const lines = readFileSync(join(SAMPLES, name), 'utf8').split(/[\r\n]+/);
    if (name.includes('-probe')) return;
    expect(explain(lines, { exit: { kind: 'code', code: 0 } })).toBeUndefined();
    expect(explain(lines, { exit: { kind: 'code', code: 255 } })).toBeUndefined();
    expect(explain(lines)?.class).toBe('unknown');
  },
);

describe('what the supervisor knows', () => {
  const DISK = ['av_interleaved_write_frame(): No space left on device'];

  test.each<[string, Partial<Ending>, FailureClass | undefined]>([
    ['a stop by the user', { reason: 'stopped' }, undefined],
    ['the stale timeout', { reason: 'stale' }, 'stale'],
    ['a limit', { reason: 'limits' }, 'limit_exceeded'],
    ['a full disk', { reason: 'disk full' }, 'disk_full'],
    ['a SIGKILL of the kernel', { exit: signal('SIGKILL', true) }, 'out_of_memory'],
    ['a SIGKILL of somebody', { exit: signal('SIGKILL') }, 'killed'],
    ['a SIGTERM', { exit: signal('SIGTERM') }, 'killed'],
    ['a SIGSEGV', { exit: signal('SIGSEGV') }, 'crashed'],
    ['a SIGILL', { exit: signal('SIGILL') }, 'crashed'],
    ['a program that cannot be started', { exit: { kind: 'error', error: new Error('no') } }, 'not_started'],
    ['exit code 0', { exit: { kind: 'code', code: 0 } }, undefined],
  ])('%s counts more than the log', (_, ending, expected) => {
    expect(explain(DISK, ending)?.class).toBe(expected);
  });

  test('a stop that had to be forced is no failure', () => {
    expect(explain(DISK, { reason: 'stopped', exit: signal('SIGKILL') })).toBeUndefined();
  });

  test('the line is what the report says', () => {
    expect(explain([], { reason: 'stale', note: 'Stale timeout after 5s (5.59).' })?.line).toBe(
      'Stale timeout after 5s (5.59).',
    );
  });
});

describe('exit code 255', () => {
  const exit: Exit = { kind: 'code', code: 255 };

  test('after a signal is no failure, whatever else was logged', () => {
    const lines = ['HTTP error 404 Not Found', 'Exiting normally, received signal 15.'];
    expect(explain(lines, { exit })).toBeUndefined();
  });

  test('is "Operation not permitted" where the log tells of a failure', () => {
    expect(explain(['[h264_nvenc @ 0x1] Cannot load libcuda.so.1'], { exit })?.class).toBe(
      'hardware_unavailable',
    );
  });
});

describe('the deciding line', () => {
  test('is the last of those that name a cause', () => {
    const lines = [
      '[http @ 0x1] HTTP error 503 Service Unavailable',
      '[https @ 0x1] HTTP error 401 Unauthorized',
    ];
    expect(explain(lines)).toMatchObject({ class: 'authentication_refused', line: lines[1] });
  });

  test('is none that was written long before the end', () => {
    const log = [
      { at: 0, text: '[http @ 0x1] HTTP error 503 Service Unavailable' },
      { at: 60_000, text: 'in.ts: Connection reset by peer' },
    ];
    const ending: Ending = { exit: { kind: 'code', code: 1 }, reason: undefined, note: '' };
    expect(explainFailure(ending, { command: ['-i', 'in.ts'], log })?.class).toBe('input_lost');
  });

  test('is the last error where nothing is known', () => {
    const lines = ['Something failed oddly', '  Stream #0:0: unknown', 'Conversion failed!'];
    expect(explain(lines)).toMatchObject({ class: 'unknown', line: 'Something failed oddly' });
  });

  test('is found by its level where there is one', () => {
    const lines = ['[error] The moon is full', '[warning] That failed before'];
    expect(explain(lines)).toMatchObject({ class: 'unknown', line: '[error] The moon is full' });
  });

  test('is how the run ended where FFmpeg wrote nothing', () => {
    expect(explain([], { note: 'Exited with code 1.' })).toMatchObject({
      class: 'unknown',
      line: 'Exited with code 1.',
    });
  });

  test.each([
    [
      'rtmp://a.rtmp.youtube.com/live2/abcd-efgh: Connection refused',
      'rtmp://a.rtmp.youtube.com/live2/***: Connection refused',
    ],
    ['rtsp://admin:secret@cam/1: Connection refused', 'rtsp://admin:***@cam/1: Connection refused'],
    ['srt://h:1?passphrase=secret-secret: Connection refused', 'srt://h:1?passphrase=*** Connection refused'],
    [
      'http://h/live.ts?token=secret&a=b: Connection refused',
      'http://h/live.ts?token=***&a=b: Connection refused',
    ],
  ])('shows no secret: %s', (line, expected) => {
    expect(explain([line])?.line).toBe(expected);
  });
});

describe('which side failed', () => {
  const COMMAND = ['-i', 'rtsp://cam:554/live', '-f', 'flv', 'rtmp://cdn/app/key'];

  test.each<[string, string[], FailureClass]>([
    [
      'the host of the input',
      ['Connection to tcp://cam:554?timeout=0 failed: Connection refused'],
      'input_unreachable',
    ],
    [
      'the host of the output',
      ['Connection to tcp://cdn:1935 failed: Connection refused'],
      'output_unreachable',
    ],
    ['the address of the output', ['rtmp://cdn/app/key: Connection refused'], 'output_unreachable'],
    ['a tag of FFmpeg 6.1 and newer', ['[out#0/flv @ 0x1] x: Connection refused'], 'output_unreachable'],
    [
      'a line after it',
      ['x: Connection refused', 'Error opening output files: Connection refused'],
      'output_unreachable',
    ],
    ['what was open before', ["Output #0, flv, to 'x':", 'x: Connection refused'], 'output_unreachable'],
    ['nothing: inputs come first', ['x: Connection refused'], 'input_unreachable'],
  ])('is told by %s', (_, lines, expected) => {
    expect(explain(lines, {}, COMMAND)?.class).toBe(expected);
  });
});

test('devices in use, which cannot be recorded here, are told apart from those that are missing', () => {
  expect(explain(['[video4linux2,v4l2 @ 0x1] ioctl(VIDIOC_STREAMON): Device or resource busy'])?.class).toBe(
    'device_busy',
  );
  expect(explain(['[alsa @ 0x1] cannot open audio device hw:0 (Device or resource busy)'])?.class).toBe(
    'device_busy',
  );
});

test('the advice names host, codec or option where the log does', () => {
  expect(explain(['[tcp @ 0x1] Failed to resolve hostname cam.example: nope'])?.advice).toContain(
    'cam.example',
  );
  expect(explain(["Unknown encoder 'h264_nvenc'"])?.advice).toContain('h264_nvenc');
  expect(explain(["Unrecognized option 'nope'."])?.advice).toContain('-nope');
});

test('a filter of a copied stream is told from one beside -filter_complex, in the one line of FFmpeg 6.1 and newer', () => {
  const line = `[vost#0:0/copy @ 0x5] Filtergraph 'scale=160:90' was specified, but codec copy was selected. Filtering and streamcopy cannot be used together.`;
  expect(explain([line])).toMatchObject({
    class: 'filter_failed',
    advice: expect.stringContaining('copied') as string,
  });
});

test('every class has an advice and is in the documentation', () => {
  const docs = readFileSync(join(import.meta.dirname, '../../../../docs/failures.md'), 'utf8');
  for (const [name, advice] of Object.entries(FAILURE_CLASSES)) {
    expect(advice).toMatch(/\.$/);
    expect(docs).toContain(`\`${name}\``);
  }
});

test('hostile lines are read in linear time', () => {
  const texts = [
    'a'.repeat(65_536),
    '[in#0 @ 0x1] '.repeat(5_000),
    `rtmp://${'a/'.repeat(30_000)}`,
    ': '.repeat(30_000),
  ];
  const begin = performance.now();
  for (const text of texts) explain(Array.from({ length: 100 }, () => text));
  // Milliseconds would do; a pattern that goes back and forth takes minutes.
  expect(performance.now() - begin).toBeLessThan(5_000);
});

function signal(name: NodeJS.Signals, outOfMemory = false): Exit {
  return { kind: 'signal', signal: name, outOfMemory };
}
