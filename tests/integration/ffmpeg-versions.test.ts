import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { delimiter, join } from 'node:path';
import { tmpdir } from 'node:os';
import { promisify } from 'node:util';
import type { Probe, ProcessState, Skills } from '@millrace/api';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { NOWHERE, openServer, SOON, type Given, type ProcessClient } from './process-server.ts';

// Other versions of FFmpeg than the installed one: MILLRACE_FFMPEGS=/path/to/ffmpeg:/path/to/another
const binaries = (process.env['MILLRACE_FFMPEGS'] ?? '').split(delimiter).filter((name) => name !== '');

const PICTURE = { id: 'picture', address: 'testsrc2=size=320x180:rate=25', options: ['-re', '-f', 'lavfi'] };
const SOUND = { id: 'sound', address: 'sine=sample_rate=44100', options: ['-re', '-f', 'lavfi'] };
// Encoders that every FFmpeg has.
const ENCODE = ['-codec:v', 'mpeg4', '-g', '25', '-pix_fmt', 'yuv420p', '-codec:a', 'aac'];
const BOTH = ['-map', '0:v', '-map', '1:a', ...ENCODE];
const PLAYLIST = ['-f', 'hls', '-hls_time', '1', '-method', 'PUT'];

const SUBTITLES = [0, 2, 4, 6, 8]
  .map((second, line) => `${line + 1}\n00:00:0${second},000 --> 00:00:0${second + 1},500\nline ${line}\n`)
  .join('\n');

/** Input files, made by the installed or the tested FFmpeg alike. */
interface Media {
  /** Video, German sound, English subtitles and an attachment; 10 seconds. */
  file: string;
  /** Video and sound as HLS. */
  playlist: string;
}

async function makeMedia(binary: string, folder: string): Promise<Media> {
  const file = join(folder, 'in.mkv');
  const playlist = join(folder, 'in.m3u8');
  await writeFile(join(folder, 'in.srt'), SUBTITLES);
  const ffmpeg = (args: string[]) =>
    promisify(execFile)(binary, ['-loglevel', 'error', '-y', ...args], { cwd: folder, env: {} });
  await ffmpeg([
    ...['-f', 'lavfi', '-i', PICTURE.address, '-f', 'lavfi', '-i', SOUND.address, '-i', 'in.srt'],
    ...['-t', '10', ...BOTH, '-map', '2:s', '-codec:s', 'srt'],
    ...['-metadata:s:a:0', 'language=deu', '-metadata:s:s:0', 'language=eng'],
    ...['-attach', 'in.srt', '-metadata:s:t', 'mimetype=text/plain', file],
  ]);
  const hls = ['-f', 'hls', '-hls_segment_type', 'fmp4', '-hls_list_size', '0', playlist];
  await ffmpeg(['-i', file, '-map', '0:v', '-map', '0:a', '-codec', 'copy', ...hls]);
  return { file, playlist };
}

function fromFile(address: string) {
  return { id: 'file', address, options: ['-re'] };
}

function output(address: string, ...options: string[]) {
  return { id: 'out', address, options };
}

/** What a running process has to tell, besides that it runs. */
interface Expected {
  inputs: string[];
  outputs: string[];
  /** Whether the output has a size of its own. */
  hasSize: boolean;
  /** Whether frames are counted; some versions do not count copied ones. */
  hasFrames: boolean;
}

const RUNS: [about: string, config: (media: Media) => Given, expected: Expected][] = [
  [
    'HLS in memory, with video and sound',
    () => ({ input: [PICTURE, SOUND], output: [output('{memfs}/hls.m3u8', ...BOTH, ...PLAYLIST)] }),
    {
      inputs: ['picture video', 'sound audio'],
      outputs: ['out video', 'out audio'],
      hasSize: false,
      hasFrames: true,
    },
  ],
  [
    'the same with log flags',
    () => ({
      options: ['-loglevel', 'level+info'],
      input: [PICTURE, SOUND],
      output: [output('{memfs}/hls.m3u8', ...BOTH, ...PLAYLIST)],
    }),
    {
      inputs: ['picture video', 'sound audio'],
      outputs: ['out video', 'out audio'],
      hasSize: false,
      hasFrames: true,
    },
  ],
  [
    'a file with video and sound',
    () => ({
      options: ['-y'],
      input: [PICTURE, SOUND],
      output: [output('{diskfs}/out.flv', ...BOTH, '-codec:v', 'flv')],
    }),
    {
      inputs: ['picture video', 'sound audio'],
      outputs: ['out video', 'out audio'],
      hasSize: true,
      hasFrames: true,
    },
  ],
  [
    'sound alone',
    () => ({ options: ['-y'], input: [SOUND], output: [output('{diskfs}/out.aac', '-codec:a', 'aac')] }),
    { inputs: ['sound audio'], outputs: ['out audio'], hasSize: true, hasFrames: false },
  ],
  [
    'two outputs of one filter graph',
    () => ({
      options: ['-y', '-filter_complex', '[0:v]split[a][b]'],
      input: [PICTURE],
      output: [
        output('{diskfs}/a.flv', '-map', '[a]', '-codec:v', 'flv'),
        { ...NOWHERE, id: 'second', options: ['-map', '[b]', ...NOWHERE.options] },
      ],
    }),
    { inputs: ['picture video'], outputs: ['out video', 'second video'], hasSize: true, hasFrames: true },
  ],
  [
    'every stream of a file, its attachment and subtitles included',
    ({ file }) => ({
      options: ['-y'],
      input: [fromFile(file)],
      output: [output('{diskfs}/all.mkv', '-map', '0', ...ENCODE, '-codec:s', 'srt')],
    }),
    {
      inputs: ['file video', 'file audio', 'file subtitle'],
      outputs: ['out video', 'out audio', 'out subtitle'],
      hasSize: true,
      hasFrames: true,
    },
  ],
  [
    'a tee',
    ({ file }) => ({
      options: ['-y'],
      input: [fromFile(file)],
      output: [
        output(
          '[f=matroska]{diskfs}/a.mkv|[f=matroska]{diskfs}/b.mkv',
          ...['-map', '0:v', '-map', '0:a', '-codec', 'copy', '-f', 'tee'],
        ),
      ],
    }),
    {
      inputs: ['file video', 'file audio', 'file subtitle'],
      outputs: ['out video', 'out audio'],
      hasSize: false,
      hasFrames: false,
    },
  ],
  [
    'a copy from HLS to HLS',
    ({ playlist }) => ({
      input: [fromFile(playlist)],
      output: [output('{memfs}/copy.m3u8', '-codec', 'copy', ...PLAYLIST, '-hls_segment_type', 'mpegts')],
    }),
    {
      inputs: ['file video', 'file audio'],
      outputs: ['out video', 'out audio'],
      hasSize: false,
      hasFrames: false,
    },
  ],
];

describe.skipIf(binaries.length === 0)('FFmpeg of MILLRACE_FFMPEGS', () => {
  describe.each(binaries.length === 0 ? ['(it is not set)'] : binaries)('%s', (binary) => {
    let folder = '';
    let media: Media = { file: '', playlist: '' };

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'millrace-versions-'));
      media = await makeMedia(binary, folder);
    });

    afterAll(() => rm(folder, { recursive: true, force: true }));

    const open = () => openServer({ env: { CORE_FFMPEG_BINARY: binary } });

    async function run(config: Given): Promise<ProcessClient> {
      const client = await open();
      await client.create({ id: 'p', autostart: true, ...config });
      return client;
    }

    test('tells what it can do', async () => {
      const client = await open();
      const skills = (await client.call('GET', '/skills')).body as Skills;
      const ids = (list: { id: string }[]) => list.map(({ id }) => id);
      expect(skills.ffmpeg.version).toMatch(/^\d+\.\d+\.\d+$/);
      expect(skills.ffmpeg.libraries.length).toBeGreaterThanOrEqual(7);
      expect(ids(skills.filter)).toEqual(expect.arrayContaining(['split', 'scale', 'aresample', 'testsrc2']));
      expect(ids(skills.formats.demuxers)).toEqual(expect.arrayContaining(['hls', 'mov', 'matroska', 'flv']));
      expect(ids(skills.formats.muxers)).toEqual(expect.arrayContaining(['hls', 'mp4', 'mpegts', 'tee']));
      expect(ids(skills.devices.demuxers)).toContain('lavfi');
      expect(ids(skills.protocols.input)).toEqual(expect.arrayContaining(['file', 'http', 'rtmp']));
      expect(ids(skills.protocols.output)).toEqual(expect.arrayContaining(['file', 'http', 'rtmp']));
      expect(ids(skills.codecs.audio)).toEqual(expect.arrayContaining(['aac', 'acelp.kelvin']));
      expect(ids(skills.codecs.subtitle)).toContain('subrip');
      expect(skills.codecs.video.find(({ id }) => id === 'mpeg4')).toMatchObject({
        encoders: expect.arrayContaining(['mpeg4']) as unknown,
        decoders: expect.arrayContaining(['mpeg4']) as unknown,
      });
    });

    test.each([[[]], [['-loglevel', 'level+info']]])(
      'probes a file and a filter with %j',
      async (options) => {
        const client = await open();
        await client.create({
          ...{ id: 'p', autostart: false, options },
          ...{ input: [fromFile(media.file), PICTURE], output: [NOWHERE] },
        });
        const { streams } = (await client.call('GET', '/process/p/probe')).body as Probe;
        expect(streams).toMatchObject([
          {
            index: 0,
            stream: 0,
            type: 'video',
            codec: 'mpeg4',
            width: 320,
            height: 180,
            pix_fmt: 'yuv420p',
            fps: 25,
          },
          {
            index: 0,
            stream: 1,
            type: 'audio',
            codec: 'aac',
            language: 'deu',
            sampling_hz: 44100,
            layout: 'mono',
          },
          { index: 0, stream: 2, type: 'subtitle', codec: 'subrip', language: 'eng' },
          {
            index: 1,
            stream: 0,
            type: 'video',
            format: 'lavfi',
            width: 320,
            height: 180,
            pix_fmt: 'yuv420p',
          },
        ]);
        expect(streams[0]?.duration_sec).toBeCloseTo(10, 0);
        expect(streams[3]?.duration_sec).toBe(0);
      },
    );

    test.each(RUNS)('shows how it goes forward: %s', async (_, config, expected) => {
      const client = await run(config(media));
      let state: ProcessState | undefined;
      await vi.waitFor(async () => {
        const now = await client.state('p');
        expect(now.exec, (await client.lines('p')).join('\n')).toBe('running');
        // FFmpeg 7 and 8 tell no time if there is an attachment.
        const { frame, time } = now.progress;
        expect(expected.hasFrames ? frame / 25 : time).toBeGreaterThan(3);
        state = now;
      }, SOON);
      const { inputs, outputs, ...total } = state?.progress ?? expect.fail('no state');
      expect(inputs.map(({ id, type }) => `${id} ${type}`)).toEqual(expected.inputs);
      expect(outputs.map(({ id, type }) => `${id} ${type}`)).toEqual(expected.outputs);
      if (total.time > 0) {
        expect(total.time).toBeLessThan(9);
        expect(total.speed).toBeGreaterThan(0.3);
        expect(total.speed).toBeLessThan(3);
      }
      if (expected.hasFrames) {
        expect(total.frame).toBeGreaterThan(50);
        expect(total.fps).toBeGreaterThan(8);
        expect(total.fps).toBeLessThan(60);
      }
      if (expected.hasSize) {
        expect(total.size_kb).toBeGreaterThan(10);
        expect(total.bitrate_kbit).toBeGreaterThan(10);
        expect(total.bitrate_kbit).toBeLessThan(5_000);
      } else {
        expect(total).toMatchObject({ size_kb: 0, bitrate_kbit: 0 });
      }
      expect((await client.lines('p')).filter((line) => line.includes('speed='))).toEqual([]);
      await client.command('p', 'stop');
      expect((await client.state('p')).exec).toBe('finished');
    });

    test('puts a playlist and its segments into memory', async () => {
      const client = await run({
        input: [PICTURE, SOUND],
        output: [output('{memfs}/live.m3u8', ...BOTH, ...PLAYLIST)],
      });
      const read = (name: string) => fetch(`${client.server.base}/memfs/${name}`);
      const playlist = await vi.waitFor(async () => {
        const text = await (await read('live.m3u8')).text();
        expect(text.match(/^live\d+\.ts$/gm)?.length).toBeGreaterThan(1);
        return text;
      }, SOON);
      const [segment = ''] = /^live\d+\.ts$/m.exec(playlist) ?? [];
      const bytes = new Uint8Array(await (await read(segment)).arrayBuffer());
      expect([bytes[0], bytes[188]]).toEqual([0x47, 0x47]); // packets of MPEG-TS
    });

    test('takes a snapshot and ends', async () => {
      const client = await run({
        options: ['-y'],
        input: [{ ...fromFile(media.file), options: [] }],
        output: [output('{diskfs}/shot.jpg', '-frames:v', '1', '-f', 'image2', '-update', '1')],
      });
      await client.untilExec('p', 'finished');
      const picture = await readFile(join(client.server.folder, 'data/shot.jpg'));
      expect(picture.subarray(0, 3)).toEqual(Buffer.from([0xff, 0xd8, 0xff]));
    });

    test.each([[['-loglevel', 'error']], [['-nostats']]])(
      'runs on with %j, but tells nothing',
      async (options) => {
        const client = await run({
          options: [...options, '-y'],
          input: [PICTURE],
          output: [output('{diskfs}/quiet.flv', '-codec:v', 'flv', '-flush_packets', '1')],
        });
        await vi.waitFor(async () => {
          expect((await stat(join(client.server.folder, 'data/quiet.flv'))).size).toBeGreaterThan(20_000);
        }, SOON);
        expect(await client.state('p')).toMatchObject({ exec: 'running', progress: { frame: 0, time: 0 } });
      },
    );

    test('is left alone by the stale timeout while it goes forward', async () => {
      const client = await run({
        stale_timeout_seconds: 2,
        input: [fromFile(media.file)],
        output: [output('-', '-map', '0:v', '-map', '0:a', '-codec', 'copy', '-f', 'null')],
      });
      await client.until('p', ({ progress }) => {
        expect(progress.time).toBeGreaterThan(6);
      });
      expect(client.starts('p')).toBe(1);
    });

    test('is ended by the stale timeout when its input stands still', async () => {
      const bytes = await readFile(media.file);
      const server = createServer((_, response) => {
        response.write(bytes.subarray(0, bytes.length / 2));
      }).listen(0, '127.0.0.1');
      await once(server, 'listening');
      onTestFinished(() => {
        server.closeAllConnections();
        server.close();
      });
      const { port } = server.address() as AddressInfo;
      const client = await run({
        stale_timeout_seconds: 3,
        input: [{ ...fromFile(`http://127.0.0.1:${port}/in.mkv`), options: ['-re', '-probesize', '50000'] }],
        output: [output('-', '-map', '0:v', ...ENCODE, '-f', 'null')],
      });
      await client.until('p', ({ progress }) => {
        expect(progress.frame).toBeGreaterThan(10);
      });
      await vi.waitFor(async () => {
        expect((await client.lines('p')).join('\n')).toContain('Stale timeout after 3s');
        expect((await client.state('p')).exec).not.toMatch(/running|finishing/);
      }, SOON);
    });

    test('says why it cannot read its input', async () => {
      const client = await run({ input: [fromFile('/no/such/file')], output: [NOWHERE] });
      await client.untilExec('p', 'failed');
      expect((await client.state('p')).last_logline).toMatch(/No such file or directory$/);
    });
  });
});
