import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { Children, type Spawner } from '../../packages/server/src/child/children.ts';
import { Supervisor, type SupervisorOptions } from '../../packages/server/src/child/supervisor.ts';
import { Ffmpeg } from '../../packages/server/src/ffmpeg/ffmpeg.ts';
import { OutputParser } from '../../packages/server/src/ffmpeg/parser.ts';
import { probe } from '../../packages/server/src/ffmpeg/probe.ts';
import { createHistory } from '../../packages/server/src/ffmpeg/report.ts';
import { Log } from '../../packages/server/src/log/logger.ts';
import { errorText } from '../../packages/server/src/util/errors.ts';
import { FFMPEG } from './process-server.ts';

const fake = resolve(import.meta.dirname, '../support/fake-ffmpeg.sh');
const log = new Log({ write: () => true }, { level: 'silent', topics: [], maxLines: 0 }).component('Process');

async function openChildren(): Promise<Children> {
  const children = new Children(log);
  await children.start();
  onTestFinished(() => children.close());
  return children;
}

async function openFfmpeg(name = 'ffmpeg'): Promise<Ffmpeg> {
  const ffmpeg = new Ffmpeg(name, await openChildren(), log);
  await ffmpeg.start();
  onTestFinished(() => ffmpeg.close());
  return ffmpeg;
}

async function makeDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'ffmpeg-test-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** A supervised FFmpeg whose output is read. */
async function supervise(args: string[], options: Partial<SupervisorOptions> = {}) {
  const supervisor = new Supervisor(await openChildren(), {
    binary: FFMPEG,
    args,
    reconnect: false,
    reconnectDelayMs: 0,
    maxReconnectDelayMs: 0,
    staleTimeoutMs: 0,
    limits: { cpuPercent: 0, memoryBytes: 0, waitForMs: 0 },
    log,
    ...options,
  });
  onTestFinished(() => supervisor.close());
  const parser = new OutputParser(
    { maxLines: 50, inputIds: ['in'], outputIds: ['out'] },
    createHistory(3),
    log,
  );
  supervisor.on('started', () => {
    parser.started();
  });
  supervisor.on('line', (line) => {
    if (parser.line(line)) supervisor.touch();
  });
  supervisor.on('note', (note) => {
    parser.note(note);
  });
  supervisor.on('ended', () => {
    parser.ended();
  });
  const report = () => parser.report().log.map(({ text }) => text);
  return { supervisor, parser, report };
}

const LIVE = ['-re', '-f', 'lavfi', '-i', 'testsrc2=size=320x180:rate=25'];
const soon = { timeout: 20_000, interval: 20 };

describe.skipIf(FFMPEG === '')('a supervised FFmpeg', () => {
  test.each([
    ['video', [...LIVE, '-f', 'null', '-'], 'video'],
    ['video with log flags', ['-loglevel', 'level+info', ...LIVE, '-f', 'null', '-'], 'video'],
    ['audio only', ['-re', '-f', 'lavfi', '-i', 'sine', '-f', 'null', '-'], 'audio'],
    [
      'a filter graph with two outputs',
      [
        ...LIVE,
        '-filter_complex',
        '[0:v]split[a][b]',
        '-map',
        '[a]',
        '-f',
        'null',
        '-',
        '-map',
        '[b]',
        '-f',
        'null',
        '-',
      ],
      'video',
    ],
  ])('shows its streams and goes forward: %s', async (_, args, type) => {
    const { supervisor, parser } = await supervise(args);
    supervisor.start();
    await vi.waitUntil(() => parser.progress().timeSeconds > 0.5, soon);
    const { inputs, outputs } = parser.progress();
    expect(inputs[0]).toMatchObject({ id: 'in', format: 'lavfi', type });
    expect(outputs[0]).toMatchObject({ id: 'out', format: 'null', type });
    await supervisor.stop();
    expect(supervisor.state).toBe('finished');
  });

  test('is not stale as long as it goes forward', async () => {
    const { supervisor, parser } = await supervise([...LIVE, '-f', 'null', '-'], { staleTimeoutMs: 1_000 });
    supervisor.start();
    await vi.waitUntil(() => parser.progress().timeSeconds > 3 || supervisor.state !== 'running', soon);
    expect(supervisor.state).toBe('running');
  });

  test('that reports nothing is stale, and its report tells it', async () => {
    const args = ['-loglevel', 'error', '-nostats', ...LIVE, '-f', 'null', '-'];
    const { supervisor, report } = await supervise(args, { staleTimeoutMs: 1_000 });
    const ended = once(supervisor, 'ended');
    supervisor.start();
    await ended;
    expect(report()[0]).toMatch(/^Stale timeout after 1s/);
    expect(report().at(-1)).toMatch(/^Exited with code 255/);
  });

  test('above its memory limit is ended', async () => {
    const { supervisor, report } = await supervise([...LIVE, '-f', 'null', '-'], {
      limits: { cpuPercent: 0, memoryBytes: 1_000_000, waitForMs: 0 },
    });
    const ended = once(supervisor, 'ended');
    supervisor.start();
    await ended;
    expect(report().join('\n')).toContain('Stopping because limits are exceeded');
  });

  test('that fails says why, and how it ended', async () => {
    const { supervisor, parser, report } = await supervise(['-i', '/no/such/file', '-f', 'null', '-']);
    const ended = once(supervisor, 'ended');
    supervisor.start();
    await ended;
    expect(supervisor.state).toBe('failed');
    // FFmpeg 5.1 names the file and ends with 1, 6.1 and newer do not and end with 254.
    expect(parser.lastLine()).toMatch(/: No such file or directory$/);
    expect(report().at(-1)).toMatch(/^Exited with code (1|254)\.$/);
  });

  test('does not overwrite a file by itself', async () => {
    const directory = await makeDirectory();
    const file = join(directory, 'out.mp4');
    const args = ['-f', 'lavfi', '-i', 'testsrc2=size=64x64', '-t', '0.2', file];
    const { supervisor, report } = await supervise(args);
    const first = once(supervisor, 'ended');
    supervisor.start();
    await first;
    const before = await readFile(file);
    const second = once(supervisor, 'ended');
    supervisor.start();
    await second;
    // FFmpeg 5.1 ends with exit code 1, 6.1 and newer with 0.
    expect(supervisor.state).toMatch(/^(failed|finished)$/);
    expect(report().join('\n')).toMatch(/Not overwriting - exiting$/m);
    expect(await readFile(file)).toEqual(before);
  });
});

describe('a stand-in', () => {
  test('never runs twice at once, whatever is ordered', async () => {
    const directory = await makeDirectory();
    const lock = join(directory, 'lock');
    // Fails loudly if another one of it runs.
    const script = `set -C; : > '${lock}' || exit 7; trap "rm '${lock}'; exit 255" INT; echo ready >&2; while :; do sleep 0.02; done`;
    const { supervisor } = await supervise(['-c', script], { binary: '/bin/sh' });
    const exits: unknown[] = [];
    supervisor.on('ended', (exit) => exits.push(exit));
    for (let round = 0; round < 5; round++) {
      const ready = once(supervisor, 'line');
      supervisor.start();
      await ready;
      const again = once(supervisor, 'line');
      const stopped = supervisor.stop();
      supervisor.start();
      await stopped;
      await again;
      await Promise.all([supervisor.restart(), supervisor.stop()]);
    }
    expect(exits).not.toContainEqual({ kind: 'code', code: 7 });
    expect(exits.length).toBeGreaterThanOrEqual(10);
  });

  test("with a patched FFmpeg's JSON channel goes forward", async () => {
    const { supervisor, parser } = await supervise(
      [
        'say',
        'ffmpeg.inputs:[{"url":"x","format":"rtsp","index":0,"stream":0,"type":"video"}]',
        'say',
        'ffmpeg.outputs:[{"url":"-","format":"null","index":0,"stream":0,"type":"video"}]',
        'say',
        'ffmpeg.progress:{"inputs":[],"outputs":[{"index":0,"stream":0,"frame":25}],"frame":25,"time":"0h0m1.00s"}',
        'wait',
      ],
      { binary: fake },
    );
    supervisor.start();
    await vi.waitUntil(() => parser.progress().timeSeconds === 1, soon);
    expect(parser.progress().outputs[0]).toMatchObject({ id: 'out', frame: 25 });
  });
});

describe.skipIf(FFMPEG === '')('the installed FFmpeg', () => {
  test('is found in PATH and tells its version', async () => {
    const ffmpeg = await openFfmpeg();
    expect(ffmpeg.binary).toMatch(/^\/.*ffmpeg$/);
    expect(ffmpeg.version).toMatch(/^\d+\.\d+\.\d+$/);
  });

  test.each([
    ['no-such-ffmpeg', /^invalid ffmpeg binary given: no-such-ffmpeg was not found$/],
    ['/bin/false', /^invalid ffmpeg binary given: \/bin\/false does not tell a version$/],
  ])('is not %s', async (name, problem) => {
    await expect(openFfmpeg(name)).rejects.toThrow(problem);
  });

  test('tells what it can do, and again after a reload', async () => {
    const ffmpeg = await openFfmpeg();
    const skills = await ffmpeg.skills();
    expect(skills.ffmpeg.libraries.map(({ name }) => name)).toContain('libavcodec');
    expect(skills.filters.length).toBeGreaterThan(100);
    expect(skills.codecs.video.find(({ id }) => id === 'h264')?.decoders).toContain('h264');
    expect(skills.codecs.audio.find(({ id }) => id === 'aac')?.encoders).toContain('aac');
    expect(skills.formats.muxers.map(({ id }) => id)).toContain('hls');
    expect(skills.formats.demuxers.map(({ id }) => id)).toContain('mov');
    expect(skills.devices.demuxers.map(({ id }) => id)).toContain('lavfi');
    expect(skills.protocols.output.map(({ id }) => id)).toContain('http');
    expect(await ffmpeg.reloadSkills()).toEqual(skills);
  });
});

describe.skipIf(FFMPEG === '')('a probe', () => {
  test.each([[[]], [['-loglevel', 'level+info']]])(
    'tells the streams of its inputs with %j',
    async (options) => {
      const ffmpeg = await openFfmpeg();
      const { streams, log: lines } = await ffmpeg.probe([
        ...options,
        ...['-f', 'lavfi', '-i', 'testsrc2=size=128x72:rate=30', '-f', 'lavfi', '-i', 'sine'],
      ]);
      expect(streams).toMatchObject([
        // rawvideo in FFmpeg 5.1, wrapped_avframe in 6.1 and newer
        {
          ...{ index: 0, stream: 0, type: 'video', width: 128, height: 72, pixFmt: 'yuv420p' },
          codec: expect.stringMatching(/^(rawvideo|wrapped_avframe)$/) as unknown,
        },
        {
          index: 1,
          stream: 0,
          type: 'audio',
          codec: 'pcm_s16le',
          samplingHz: 44100,
          layout: 'mono',
          bitrateKbps: 705,
        },
      ]);
      expect(lines.at(-1)).toMatch(/At least one output file must be specified$/);
    },
  );

  test('of nothing tells why in its log', async () => {
    const ffmpeg = await openFfmpeg();
    const { streams, log: lines } = await ffmpeg.probe(['-i', '/no/such/file']);
    expect(streams).toEqual([]);
    expect(lines.at(-1)).toMatch(/: No such file or directory$/);
  });

  test('ends when the binary is gone', async () => {
    const result = await probe(await openChildren(), '/no/such/ffmpeg', ['-i', 'x']);
    expect(result).toEqual({ streams: [], log: ['fork/exec /no/such/ffmpeg: no such file or directory'] });
  });

  test('ends when its time is up', async () => {
    const result = await probe(await openChildren(), fake, ['obey', 'say', 'waiting', 'wait'], {
      timeoutMs: 200,
    });
    expect(result.streams).toEqual([]);
  });

  test('ends with its caller', async () => {
    const children = await openChildren();
    const abort = new AbortController();
    const pids: (number | undefined)[] = [];
    const spawner: Spawner = {
      spawn: (command) => {
        const child = children.spawn(command);
        pids.push(child.pid);
        return child;
      },
    };
    const probing = probe(spawner, fake, ['ignore', 'INT', 'wait'], { signal: abort.signal });
    abort.abort(new Error('the client went away'));
    await expect(probing).rejects.toThrow('the client went away');
    expect(() => process.kill(pids[0] ?? 0, 0)).toThrow('ESRCH');
  });

  test('waits for its turn behind eight others, and all end with the server', async () => {
    const ffmpeg = await openFfmpeg();
    const endless = ['-f', 'lavfi', '-i', 'testsrc2', '-f', 'lavfi', '-re', '-i', 'sine'];
    const probes = Array.from({ length: 20 }, () => ffmpeg.probe(endless).then(() => 'done', errorText));
    await ffmpeg.close();
    for (const result of await Promise.all(probes))
      expect(result).toMatch(/^done$|^the server is shutting down$/);
    await expect(ffmpeg.probe(endless)).rejects.toThrow('the server is shutting down');
  });
});
