import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type CallerRequest, REJECTION, connect } from '../../packages/srt/src/index.ts';
import { h264 } from '../support/encoding.ts';
import { freePort } from '../support/ports.ts';
import { FFMPEG } from './process-server.ts';
import { Peer, Recording, sendPaced, startListener } from './srt-peer.ts';
import { PASSPHRASE, VARIATIONS, type Variation, accepting, url } from './srt-variations.ts';

/** FFmpeg's arguments for so many seconds of video. */
const video = (seconds: number) => [
  ...['-f', 'lavfi', '-i', 'testsrc2=size=320x180:rate=25', '-t', String(seconds)],
  ...[...h264(25), '-b:v', '1M', '-f', 'mpegts'],
];
const QUIET = ['-hide_banner', '-nostdin', '-loglevel', 'error', '-y'];
/** What FFmpeg sends, at the pace at which it is to be played. */
const SOURCE = [...QUIET, '-re', ...video(1.5)];

/** Does not wait for seconds of the stream to look at it. */
const QUICK = ['-probesize', '65536', '-analyzeduration', '500000'];

/** Whole MPEG-TS packets, and no others. */
function expectTransportStream(content: Buffer): void {
  expect(content.length % 188).toBe(0);
  for (let at = 0; at < content.length; at += 188) expect(content[at]).toBe(0x47);
}

async function temporaryFile(name: string): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'millrace-srt-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return path.join(folder, name);
}

function addressExtra({ address }: Variation, packets: number): number {
  return address === '::1' ? packets * 20 : 0;
}

describe('FFmpeg', () => {
  /** What FFmpeg is to play. */
  let stream: Buffer;

  beforeAll(async () => {
    const options = { encoding: 'buffer', maxBuffer: 16 * 1024 * 1024 } as const;
    const { stdout } = await promisify(execFile)(FFMPEG, [...QUIET, ...video(10), '-'], options);
    stream = stdout;
  });

  test.each(VARIATIONS)('publishes $name', async (variation) => {
    const { port, connection } = await accepting(variation);
    const target = `${url(port, variation, 1000)}&pkt_size=${variation.payload ?? 1316}${variation.query ?? ''}`;
    const ffmpeg = new Peer(FFMPEG, [...SOURCE, target]);
    const publisher = await connection;
    const recording = new Recording(publisher);
    await expect.poll(() => publisher.closeReason).toBe('shutdown');
    expect(await ffmpeg.ended).toBe(0);
    expectTransportStream(recording.content());
    const statistics = publisher.statistics();
    expect(recording.bytes).toBeGreaterThan(50_000);
    expect(statistics.recvUndecryptPkt).toBe(0);
    expect(statistics.recvUniqueBytes).toBe(
      recording.bytes + 44 * statistics.recvUniquePkt + addressExtra(variation, statistics.recvUniquePkt),
    );
    if (variation.query?.includes('kmrefreshrate')) expect(statistics.recvKmPkt).toBeGreaterThan(0);
    if (variation.latency !== undefined) expect(publisher.latency.receive).toBe(variation.latency);
  });

  test.each(VARIATIONS)('plays $name', async (variation) => {
    const { port, connection } = await accepting(variation);
    const target = await temporaryFile('played.ts');
    const ffmpeg = new Peer(FFMPEG, [
      ...[...QUIET, '-f', 'mpegts', ...QUICK],
      ...['-i', url(port, variation, 1000), '-frames:v', '50', '-c', 'copy', target],
    ]);
    const player = await connection;
    const sending = sendPaced(player, stream, { bitrate: 3_000_000, payload: variation.payload ?? 1316 });
    expect(await ffmpeg.ended).toBe(0);
    player.close();
    await sending;
    expect(player.statistics().sendDropPkt).toBe(0);
    if (variation.refresh !== undefined) expect(player.statistics().sentKmPkt).toBeGreaterThan(0);
    expect((await readFile(target)).length).toBeGreaterThan(50_000);
    expect(ffmpeg.errors).toBe('');
  });

  test('is called where it listens, to publish and to play', async () => {
    const listening = (port: number) => `srt://127.0.0.1:${port}?mode=listener&passphrase=${PASSPHRASE}`;
    const ports = [await freePort(), await freePort()] as const;
    const play = new Peer(FFMPEG, [...SOURCE, listening(ports[0])]);
    const options = { host: '127.0.0.1', passphrase: PASSPHRASE, connectTimeout: 10_000 };
    const source = await connect({ ...options, port: ports[0], keyLength: 32 });
    const recording = new Recording(source);
    await expect.poll(() => source.closeReason).toBe('shutdown');
    expect(await play.ended).toBe(0);
    expectTransportStream(recording.content());

    const target = await temporaryFile('published.ts');
    const publish = new Peer(FFMPEG, [
      ...[...QUIET, '-f', 'mpegts', ...QUICK],
      ...['-i', listening(ports[1]), '-frames:v', '30', '-c', 'copy', target],
    ]);
    const sink = await connect({ ...options, port: ports[1] });
    const sending = sendPaced(sink, stream, { bitrate: 3_000_000 });
    expect(await publish.ended).toBe(0);
    sink.close();
    await sending;
    expect((await readFile(target)).length).toBeGreaterThan(20_000);
  });

  test.each<[string, string, (request: CallerRequest) => Promise<void> | void]>([
    ['a wrong passphrase', '&passphrase=9876543210', (request) => request.unlock(PASSPHRASE)],
    ['no passphrase', '', (request) => request.unlock(PASSPHRASE)],
    ['a passphrase that is not wanted', '&passphrase=9876543210', (request) => void request.accept()],
    [
      'what does not exist',
      '&streamid=nothing',
      (request) => {
        request.reject(REJECTION.notFound);
      },
    ],
  ])('is refused for %s, with every repetition of its question', async (_title, query, decide) => {
    let questions = 0;
    const { listener, port } = await startListener(async (request) => {
      questions++;
      await decide(request);
    });
    const ffmpeg = new Peer(FFMPEG, [...SOURCE, `srt://127.0.0.1:${port}?mode=caller${query}`]);
    expect(await ffmpeg.ended).not.toBe(0);
    expect(questions).toBe(1);
    expect(listener.connectionCount).toBe(0);
  });
});
