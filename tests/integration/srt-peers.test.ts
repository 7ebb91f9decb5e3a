import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  type CallerRequest,
  type Connection,
  type KeyLength,
  REJECTION,
  connect,
} from '../../packages/srt/src/index.ts';
import { h264 } from '../support/encoding.ts';
import { LossyProxy } from '../support/lossy-proxy.ts';
import { freePort } from '../support/ports.ts';
import { FFMPEG } from './process-server.ts';
import {
  Peer,
  Recording,
  SRT_LIVE_TRANSMIT,
  sendPaced,
  startListener,
  transportPackets,
} from './srt-peer.ts';

const PASSPHRASE = '0123456789ab';
/** As much as the kernel's usual buffers nearly hold: a peer that gets no time for a while loses nothing. */
const STREAM = transportPackets(1050);
const BITRATE = 1_500_000;

const SOURCE = [
  ...['-hide_banner', '-nostdin', '-loglevel', 'error', '-re'],
  ...['-f', 'lavfi', '-i', 'testsrc2=size=320x180:rate=25', '-t', '1.5'],
  ...[...h264(25), '-b:v', '1M', '-f', 'mpegts'],
];

/** Does not wait for seconds of the stream to look at it. */
const QUICK = ['-probesize', '65536', '-analyzeduration', '500000'];

interface Variation {
  name: string;
  /** Of FFmpeg's address. */
  query?: string;
  passphrase?: string;
  keyLength?: KeyLength;
  address?: string;
  latency?: number;
  payload?: number;
  /** Packets sent with one key. */
  refresh?: number;
}

const VARIATIONS: Variation[] = [
  { name: 'in the clear' },
  { name: 'AES-128', passphrase: PASSPHRASE, keyLength: 16 },
  { name: 'AES-192', passphrase: PASSPHRASE, keyLength: 24 },
  { name: 'AES-256', passphrase: PASSPHRASE, keyLength: 32 },
  {
    name: 'with keys that change every 50 packets',
    passphrase: PASSPHRASE,
    query: '&kmrefreshrate=50&kmpreannounce=20',
    refresh: 50,
  },
  { name: 'over IPv6', address: '::1' },
  { name: 'with a latency of 20 ms', latency: 20 },
  { name: 'with a latency of 2 s', latency: 2000 },
  { name: 'with payloads of 188 bytes', payload: 188 },
  { name: 'with payloads of 1456 bytes', payload: 1456 },
];

/** FFmpeg's and srt-live-transmit's form of an address, in their units. */
function url(
  port: number,
  { address = '127.0.0.1', passphrase, keyLength, latency }: Variation,
  unit: number,
) {
  const query = [
    latency !== undefined && `latency=${latency * unit}`,
    passphrase !== undefined && `passphrase=${passphrase}`,
    keyLength !== undefined && `pbkeylen=${keyLength}`,
  ].filter((part) => part !== false);
  return `srt://${address === '::1' ? '[::1]' : address}:${port}?${query.join('&')}`;
}

/** A listener that lets the first caller in. */
async function accepting({ address, passphrase, latency, refresh }: Variation) {
  const accepted = Promise.withResolvers<Connection>();
  const { port } = await startListener(
    async (request) => {
      if (passphrase !== undefined) await request.unlock(passphrase);
      accepted.resolve(request.accept());
    },
    {
      ...(latency !== undefined && { receiveLatency: latency, sendLatency: latency }),
      ...(refresh !== undefined && { keyRefresh: { after: refresh, preannounce: refresh / 2 } }),
    },
    address,
  );
  return { port, connection: accepted.promise };
}

/** Whole MPEG-TS packets, and no others. */
function expectTransportStream(content: Buffer): void {
  expect(content.length % 188).toBe(0);
  for (let at = 0; at < content.length; at += 188) expect(content[at]).toBe(0x47);
}

/** Ten seconds of video. */
async function transportFile(): Promise<Buffer> {
  const file = await temporaryFile('source.ts');
  const longer = SOURCE.map((part) => (part === '1.5' ? '10' : part)).filter((part) => part !== '-re');
  expect(await new Peer(FFMPEG, [...longer, file]).ended).toBe(0);
  return readFile(file);
}

async function temporaryFile(name: string): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'millrace-srt-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return path.join(folder, name);
}

describe('FFmpeg', () => {
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
    const source = await transportFile();
    const { port, connection } = await accepting(variation);
    const target = await temporaryFile('played.ts');
    const ffmpeg = new Peer(FFMPEG, [
      ...['-hide_banner', '-nostdin', '-loglevel', 'error', '-y', '-f', 'mpegts', ...QUICK],
      ...['-i', url(port, variation, 1000), '-frames:v', '50', '-c', 'copy', target],
    ]);
    const player = await connection;
    const sending = sendPaced(player, source, { bitrate: 3_000_000, payload: variation.payload ?? 1316 });
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
      ...['-hide_banner', '-nostdin', '-loglevel', 'error', '-y', '-f', 'mpegts', ...QUICK],
      ...['-i', listening(ports[1]), '-frames:v', '30', '-c', 'copy', target],
    ]);
    const sink = await connect({ ...options, port: ports[1] });
    const sending = sendPaced(sink, await transportFile(), { bitrate: 3_000_000 });
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

function addressExtra({ address }: Variation, packets: number): number {
  return address === '::1' ? packets * 20 : 0;
}

describe.skipIf(SRT_LIVE_TRANSMIT === undefined)('srt-live-transmit', () => {
  const program = SRT_LIVE_TRANSMIT ?? '';

  test.each([...VARIATIONS, { name: 'with a latency of 8 s', latency: 8000 }])(
    'plays every byte $name',
    async (variation) => {
      const { port, connection } = await accepting(variation);
      const peer = new Peer(program, ['-q', '-a:no', url(port, variation, 1), 'file://con']);
      const player = await connection;
      await sendPaced(player, STREAM, { bitrate: BITRATE, payload: variation.payload ?? 1316 });
      await expectWhole(peer, player);
      const { sendDropPkt, sentKmPkt } = player.statistics();
      expect(sendDropPkt).toBe(0);
      if (variation.refresh !== undefined) expect(sentKmPkt).toBeGreaterThan(0);
    },
  );

  test.each(VARIATIONS)('publishes every byte $name', async (variation) => {
    const { port, connection } = await accepting(variation);
    const target = `${url(port, variation, 1)}${variation.query ?? ''}`;
    const peer = new Peer(program, [
      '-q',
      '-a:no',
      '-c',
      String(variation.payload ?? 1316),
      'file://con',
      target,
    ]);
    const publisher = await connection;
    const recording = new Recording(publisher);
    await writePaced(peer, STREAM);
    // The program keeps what does not fill its buffers.
    await expect.poll(() => recording.bytes).toBeGreaterThanOrEqual(STREAM.length - 16_384);
    expect(recording.content().equals(STREAM.subarray(0, recording.bytes))).toBe(true);
    expect(publisher.statistics().recvUndecryptPkt).toBe(0);
  });

  test.each<[title: string, keyMessages: number, passphrase: string | undefined, query: string]>([
    ['in the clear', 0, undefined, ''],
    ['encrypted', 1, PASSPHRASE, `&passphrase=${PASSPHRASE}&pbkeylen=24`],
    [
      'encrypted, with keys that change',
      2,
      PASSPHRASE,
      `&passphrase=${PASSPHRASE}&kmrefreshrate=100&kmpreannounce=40`,
    ],
  ])(
    'publishes every byte in version 4 of the handshake, %s',
    async (_title, keyMessages, passphrase, query) => {
      const { port, connection } = await accepting({
        name: '',
        ...(passphrase !== undefined && { passphrase }),
      });
      const proxy = await LossyProxy.start({ target: port, down: { filter: offerVersion4 } });
      onTestFinished(() => {
        proxy.close();
      });
      const target = `srt://127.0.0.1:${proxy.port}?latency=300${query}`;
      const peer = new Peer(program, ['-q', '-a:no', '-c', '1316', 'file://con', target]);
      const publisher = await connection;
      expect(publisher.handshakeVersion).toBe(4);
      const recording = new Recording(publisher);
      await writePaced(peer, STREAM);
      // In this version the keys follow the first data, which waits for them.
      await expect.poll(() => recording.bytes).toBeGreaterThanOrEqual(STREAM.length - 16_384);
      expect(recording.content().equals(STREAM.subarray(0, recording.bytes))).toBe(true);
      expect(publisher.statistics().recvUndecryptPkt).toBe(0);
      expect(publisher.latency.receive).toBe(300);
      expect(publisher.statistics().recvKmPkt).toBeGreaterThanOrEqual(keyMessages);
    },
  );

  test('is called where it listens', async () => {
    const port = await freePort();
    const peer = new Peer(program, [
      '-q',
      `srt://127.0.0.1:${port}?mode=listener&passphrase=${PASSPHRASE}`,
      'file://con',
    ]);
    const publisher = await connect({
      host: '127.0.0.1',
      port,
      passphrase: PASSPHRASE,
      keyLength: 24,
      connectTimeout: 10_000,
    });
    await sendPaced(publisher, STREAM, { bitrate: BITRATE });
    // It goes on listening, with what does not fill its buffer.
    await expect.poll(() => peer.outputBytes).toBeGreaterThan(STREAM.length - 4096);
    expect(peer.output().equals(STREAM.subarray(0, peer.outputBytes))).toBe(true);
  });

  test('refuses a wrong passphrase when it is called', async () => {
    const port = await freePort();
    new Peer(program, [
      '-q',
      '-a:no',
      `srt://127.0.0.1:${port}?mode=listener&passphrase=${PASSPHRASE}`,
      'file://con',
    ]);
    const call = connect({ host: '127.0.0.1', port, passphrase: 'something else', connectTimeout: 10_000 });
    await expect(call).rejects.toMatchObject({ code: REJECTION.badSecret });
  });
});

/** Makes an answer to an induction what a listener gives that knows no version 5: whoever calls it falls back. */
function offerVersion4(datagram: Buffer): boolean {
  const isHandshake = datagram.readUInt32BE(0) === 0x8000_0000;
  if (isHandshake && datagram.readUInt32BE(36) === 1) {
    datagram.writeUInt32BE(4, 16);
    datagram.writeUInt32BE(2, 20);
  }
  return true;
}

/** Gives a program its input at the same pace. */
function writePaced(peer: Peer, stream: Buffer): Promise<void> {
  let written = 0;
  return new Promise((resolve) => {
    const timer = setInterval(() => {
      const chunk = stream.subarray(written, written + 1316 * 2);
      written += chunk.length;
      peer.process.stdin?.write(chunk);
      if (written < stream.length) return;
      clearInterval(timer);
      resolve();
    }, 14);
  });
}

/** The program wrote the whole stream. What does not fill its buffer it writes when the connection has ended. */
async function expectWhole(peer: Peer, connection: Connection): Promise<void> {
  await expect.poll(() => peer.outputBytes).toBeGreaterThan(STREAM.length - 4096);
  connection.close();
  await peer.ended;
  expect(peer.output().equals(STREAM.subarray(0, peer.outputBytes))).toBe(true);
  expect(peer.outputBytes).toBe(STREAM.length);
}
