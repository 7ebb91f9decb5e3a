import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, type Server, type Socket, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { promisify } from 'node:util';
import {
  type ClientConnection,
  type CloseReason,
  FlvPlayer,
  type Message,
  MessageType,
  Relay,
  RtmpServer,
  type RtmpServerOptions,
  openClient,
  refuse,
} from '@millrace/rtmp';
import { describe, expect, onTestFinished, test } from 'vitest';
import { frame, keyFrame, sound, videoHeader } from '../../packages/rtmp/test/streams.ts';
import { h264 } from '../support/encoding.ts';
import { freePort } from '../support/ports.ts';
import { selfSignedCertificate } from './certificate.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const run = promisify(execFile);

/** Other versions of FFmpeg than the installed one, of which those from 6.1 on know Enhanced RTMP. */
const OTHERS = (process.env['MILLRACE_FFMPEGS'] ?? '').split(path.delimiter).filter((name) => name !== '');

const PICTURE = ['-re', '-f', 'lavfi', '-i', 'testsrc2=size=320x240:rate=25'];
const SOUND = ['-re', '-f', 'lavfi', '-i', 'sine=sample_rate=44100'];
const H264 = [...h264(25), '-pix_fmt', 'yuv420p'];
const AAC = ['-c:a', 'aac'];

/** The library as a server on loopback, and its streams by path. */
class LiveServer {
  readonly relays = new Map<string, Relay>();
  readonly rtmp: RtmpServer;
  readonly #listeners: Server[] = [];
  /** How connections ended, in order. */
  readonly closed: CloseReason[] = [];

  constructor(options: RtmpServerOptions = {}) {
    this.rtmp = new RtmpServer(
      {
        publish: ({ path }) => {
          if (this.relays.has(path)) return refuse('busy', 'already publishing');
          const relay = new Relay().once('closed', () => this.relays.delete(path));
          this.relays.set(path, relay);
          return relay;
        },
        play: ({ path }) => this.relays.get(path) ?? refuse('not_found', 'no such stream'),
      },
      options,
    );
    onTestFinished(async () => {
      for (const listener of this.#listeners) listener.close();
      await this.rtmp.close();
    });
  }

  /** Listens, with TLS if there is a certificate; returns the address of a stream. */
  async listen(stream: string, certificate?: { key: string; cert: string }): Promise<string> {
    const accept = (socket: Parameters<RtmpServer['accept']>[0]) => {
      this.rtmp.accept(socket)?.once('closed', (reason) => this.closed.push(reason));
    };
    const listener = certificate ? createTlsServer(certificate, accept) : createServer(accept);
    this.#listeners.push(listener);
    listener.listen(0, '127.0.0.1');
    await once(listener, 'listening');
    const { port } = listener.address() as AddressInfo;
    return `${certificate ? 'rtmps' : 'rtmp'}://127.0.0.1:${port}/live/${stream}`;
  }

  async relay(path: string, isReady: (relay: Relay) => boolean = ({ frames }) => frames > 0): Promise<Relay> {
    const found = () => {
      const relay = this.relays.get(path);
      return relay && isReady(relay) ? relay : undefined;
    };
    await expect.poll(found).toBeDefined();
    return found() ?? expect.fail();
  }
}

async function serve(stream = 'foo', options?: RtmpServerOptions) {
  const server = new LiveServer(options);
  return { server, address: await server.listen(stream), path: `/live/${stream}` };
}

/** A server with a stream that is published and played. */
async function servePlayed(...args: Parameters<typeof serve>) {
  const { server, address, path } = await serve(...args);
  const publisher = publish(address, [...PICTURE, ...H264]);
  await server.relay(path);
  const player = decode(address, ['-c', 'copy']);
  await expect.poll(() => server.relays.get(path)?.subscribers.size).toBe(1);
  return { server, publisher, player };
}

/** An endless publisher in real time; ends with the test. */
function publish(address: string, args: string[], binary = 'ffmpeg'): ChildProcess {
  const child = spawn(binary, ['-hide_banner', '-loglevel', 'error', ...args, '-f', 'flv', address], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  return child;
}

/** A stream of one kind is looked at for as long as the player may wait for the other kind. */
const PATIENCE = ['-rw_timeout', '15000000', '-analyzeduration', '1000000'];

interface Probed {
  streams: { codec_name: string; width?: number; start_time: string }[];
  packets: { stream_index: number; pts_time?: string; flags: string }[];
}

/** What a player sees in the first seconds. */
async function probe(address: string, binary = 'ffprobe'): Promise<Probed> {
  const { stdout } = await run(
    binary,
    [
      ...['-loglevel', 'error', '-of', 'json', ...PATIENCE, '-read_intervals', '%+#40'],
      ...['-show_streams', '-show_packets', address],
    ],
    { maxBuffer: 1e8 },
  );
  return JSON.parse(stdout) as Probed;
}

/** Decodes some frames, which fails if there are none or they are broken. */
async function decode(address: string, args: string[], binary = 'ffmpeg'): Promise<void> {
  const { stderr } = await run(binary, [
    ...['-hide_banner', '-loglevel', 'error', '-xerror', ...PATIENCE],
    ...['-i', address, ...args, '-f', 'null', '-'],
  ]);
  expect(stderr).toBe('');
}

describe('FFmpeg', { timeout: 90_000 }, () => {
  test('publishes, and three players who come one after the other begin with a key frame at 0', async () => {
    const { server, address, path } = await serve();
    publish(address, [...PICTURE, ...SOUND, ...H264, ...AAC]);
    const relay = await server.relay(path, ({ gopLength }) => gopLength !== undefined);
    expect(relay.gopLength).toBe(1000);
    for (let i = 0; i < 3; i++) {
      const { streams, packets } = await probe(address);
      expect(streams.map(({ codec_name: codec }) => codec).sort()).toEqual(['aac', 'h264']);
      expect(Math.min(...streams.map(({ start_time: start }) => Number(start)))).toBeLessThan(0.05);
      const video = streams.findIndex(({ codec_name: codec }) => codec === 'h264');
      const first = packets.find(({ stream_index: index }) => index === video);
      expect(first?.flags).toContain('K');
      expect(Number(first?.pts_time)).toBeLessThan(0.05);
    }
    await decode(address, ['-frames:v', '30']);
    expect(relay.tracks.map(({ codec }) => codec)).toEqual(['H264', 'AAC']);
    expect(relay.bitrate).toBeGreaterThan(0);
  });

  test.each([
    ['picture alone', [...PICTURE, ...H264], ['h264']],
    ['sound alone', [...SOUND, ...AAC], ['aac']],
    ['MP3', [...SOUND, '-c:a', 'libmp3lame'], ['mp3']],
    ['an odd codec', [...PICTURE, '-c:v', 'flv'], ['flv1']],
  ])('%s is played', async (_name, args, codecs) => {
    const { server, address, path } = await serve();
    publish(address, args);
    await server.relay(path, ({ frames }) => frames > 40);
    const { streams } = await probe(address);
    expect(streams.map(({ codec_name: codec }) => codec)).toEqual(codecs);
  });

  test('is told why it may not publish or play', async () => {
    const { server, address, path } = await serve();
    publish(address, [...PICTURE, ...H264]);
    await server.relay(path);
    const second = publish(address, [...PICTURE, ...H264]);
    let error = '';
    second.stderr?.on('data', (text: Buffer) => (error += text.toString()));
    await once(second, 'exit');
    expect(error).toContain('already publishing');
    await expect(decode(`${address}x`, [])).rejects.toThrow('no such stream');
    expect(server.closed.map(({ code }) => code)).toEqual(['refused', 'refused']);
  });

  test('that is killed frees its path, and its players end', async () => {
    const { server, publisher, player } = await servePlayed();
    publisher.kill('SIGKILL');
    await player;
    expect(server.relays.size).toBe(0);
  });

  test('that stalls frees its path after the time for it, and its players end', async () => {
    const { server, publisher, player } = await servePlayed('foo', { limits: { idleMs: 1_000 } });
    publisher.kill('SIGSTOP');
    await player;
    expect(server.relays.size).toBe(0);
    expect(server.closed.map(({ code, message }) => `${code}: ${message}`)).toContain('timeout: i/o timeout');
  });

  test('publishes over TLS and plays without', async () => {
    const { server, address, path } = await serve();
    const secure = await server.listen('foo', selfSignedCertificate());
    publish(secure, [...PICTURE, ...H264]);
    await server.relay(path);
    await decode(address, ['-frames:v', '20']);
    await decode(secure, ['-frames:v', '20']);
  });

  test('plays over HTTP as FLV', async () => {
    const { server, address, path } = await serve();
    publish(address, [...PICTURE, ...SOUND, ...H264, ...AAC]);
    const relay = await server.relay(path, ({ gopLength }) => gopLength !== undefined);
    const http = createHttpServer((_request, response) => new FlvPlayer(relay, response, server.rtmp.sweep));
    http.listen(0, '127.0.0.1');
    await once(http, 'listening');
    onTestFinished(() => {
      http.closeAllConnections();
      http.close();
    });
    const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}/`;
    const { streams } = await probe(url);
    expect(streams.map(({ codec_name: codec }) => codec).sort()).toEqual(['aac', 'h264']);
    await expect.poll(() => relay.subscribers.size).toBe(0);
  });

  test('plays what our client pulls from one server and pushes to another', async () => {
    const first = await serve();
    const second = await serve('bar');
    publish(first.address, [...PICTURE, ...SOUND, ...H264, ...AAC]);
    await first.server.relay(first.path);
    const push = openClient(second.address);
    const pull = openClient(first.address);
    await push.connection.publish(push.name);
    pull.connection.on('media', (message) => {
      push.connection.send(message);
    });
    await pull.connection.play(pull.name);
    await second.server.relay(second.path, ({ frames }) => frames > 20);
    await decode(second.address, ['-frames:v', '20']);
    push.connection.close();
    pull.connection.close();
  });
});

const hasRtmpdump = has('rtmpdump');
test.skipIf(!hasRtmpdump)('rtmpdump (librtmp) plays', { timeout: 90_000 }, async () => {
  const { server, address, path: name } = await serve();
  publish(address, [...PICTURE, ...SOUND, ...H264, ...AAC]);
  await server.relay(name, ({ gopLength }) => gopLength !== undefined);
  const folder = await mkdtemp(path.join(tmpdir(), 'millrace-rtmp-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = path.join(folder, 'out.flv');
  const app = address.slice(0, address.lastIndexOf('/'));
  const player = spawn('rtmpdump', ['-q', '-r', app, '-y', 'foo', '-v', '-o', file], { stdio: 'ignore' });
  const ended = once(player, 'exit');
  onTestFinished(() => {
    player.kill('SIGKILL');
  });
  const size = () =>
    stat(file).then(
      (found) => found.size,
      () => 0,
    );
  await expect.poll(size).toBeGreaterThan(100_000);
  player.kill('SIGINT');
  await ended;
  expect((await probe(file)).streams.map(({ codec_name: codec }) => codec).sort()).toEqual(['aac', 'h264']);
});

describe.skipIf(OTHERS.length === 0)(
  'Enhanced RTMP, with the FFmpegs of MILLRACE_FFMPEGS',
  { timeout: 120_000 },
  () => {
    const CODECS: [name: string, args: string[], codec: string, label: string, fourCc?: number][] = [
      [
        'HEVC with B-frames',
        [
          ...PICTURE,
          '-c:v',
          'libx265',
          '-preset',
          'ultrafast',
          '-x265-params',
          'keyint=25:bframes=2:log-level=error',
        ],
        'hevc',
        'HEVC',
        1_752_589_105,
      ],
      [
        'AV1',
        [...PICTURE, '-c:v', 'libaom-av1', '-cpu-used', '8', '-usage', 'realtime', '-g', '25'],
        'av1',
        'AV1',
        1_635_135_537,
      ],
      [
        'VP9',
        [...PICTURE, '-c:v', 'libvpx-vp9', '-deadline', 'realtime', '-cpu-used', '8', '-g', '25'],
        'vp9',
        'VP9',
        1_987_063_865,
      ],
      ['Opus', [...SOUND, '-c:a', 'libopus', '-ar', '48000'], 'opus', 'OPUS'],
    ];

    for (const binary of OTHERS.length === 0 ? ['(it is not set)'] : OTHERS) {
      test.for(CODECS)(
        `%s, by ${path.basename(binary)}`,
        async ([, args, codec, label, fourCc], { skip }) => {
          const { server, address, path: name } = await serve();
          const publisher = publish(address, args, binary);
          const outcome = await Promise.race([
            server.relay(name, ({ frames }) => frames > 10).then(() => 'published'),
            once(publisher, 'exit').then(() => 'unable'),
          ]);
          // Enhanced audio came later than video, and older versions have neither.
          skip(outcome === 'unable', `${path.basename(binary)} cannot publish ${codec}`);
          const relay = await server.relay(name);
          expect(relay.tracks).toMatchObject([
            { codec: label, ...(fourCc === undefined ? {} : { codecId: fourCc }) },
          ]);
          await decode(address, args.includes('-c:v') ? ['-frames:v', '10'] : ['-frames:a', '10'], binary);
        },
      );
    }
  },
);

describe('a slow player', { timeout: 60_000 }, () => {
  test('goes on with a key frame when it reads again', async () => {
    const { server, address, path } = await serve();
    const publisher = openClient(address);
    await publisher.connection.publish(publisher.name);
    publisher.connection.send(videoHeader());
    publisher.connection.send(keyFrame(0));
    const relay = await server.relay(path);
    const { connection, name } = openClient(address);
    const seen: Message[] = [];
    connection.on('media', (message) => seen.push(message));
    await connection.play(name);
    await expect.poll(() => seen.length).toBeGreaterThan(0);
    const [subscription] = relay.subscribers;
    connection.isPaused = true;
    let time = 0;
    const step = () => {
      time += 40;
      const isKey = time % 1000 === 0;
      publisher.connection.send(isKey ? keyFrame(time, 60_000) : frame(time, 60_000));
      publisher.connection.send(sound(time));
    };
    await expect.poll(() => (step(), subscription?.isLagging)).toBe(true);
    await expect.poll(() => (step(), subscription?.droppedFrames ?? 0)).toBeGreaterThan(10);
    connection.isPaused = false;
    await expect.poll(() => (step(), subscription?.isLagging)).toBe(false);
    await expect.poll(() => seen.at(-1)?.timestamp).toBeGreaterThanOrEqual(time - 40);
    const frames = seen.filter(({ type, body }) => type === MessageType.video && body[1] === 1);
    const gaps = frames.filter(
      ({ timestamp }, i) => timestamp - (frames[i - 1]?.timestamp ?? timestamp) > 40,
    );
    expect(gaps.length).toBeGreaterThan(0);
    for (const { body } of gaps) expect(body[0]).toBe(0x17);
  });

  test('that takes nothing is closed, and the others do not notice', async () => {
    const { server, address, path } = await serve('foo', { limits: { writeStallMs: 1_000 } });
    const publisher = openClient(address);
    await publisher.connection.publish(publisher.name);
    publisher.connection.send(keyFrame(0));
    await server.relay(path);
    const stuck = openClient(address);
    await stuck.connection.play(stuck.name);
    stuck.connection.isPaused = true;
    const other = openClient(address);
    let seen = 0;
    other.connection.on('media', ({ type }) => (seen += type === MessageType.video ? 1 : 0));
    await other.connection.play(other.name);
    let sent = 1;
    const step = () => {
      publisher.connection.send(sent % 25 === 0 ? keyFrame(sent * 40, 60_000) : frame(sent * 40, 60_000));
      sent++;
    };
    await expect.poll(() => (step(), server.closed.length)).toBe(1);
    expect(server.closed[0]).toEqual({ code: 'timeout', message: 'i/o timeout' });
    await expect.poll(() => seen).toBe(sent);
  });
});

test('a hostile crowd leaves memory as it was', { timeout: 60_000 }, async () => {
  const { server, address, path } = await serve('foo', { connections: { pendingPerAddress: 1_000 } });
  const good = openClient(address);
  await good.connection.publish(good.name);
  const before = process.memoryUsage();
  const hello = Buffer.concat([Buffer.of(3), Buffer.alloc(2 * 1536)]);
  // Headers of 60 messages of 8 MiB, of which none ever comes.
  const promises = Buffer.concat(
    Array.from({ length: 60 }, (_, i) =>
      Buffer.concat([Buffer.of(3 + i), Buffer.from('0000007fffff0901000000ff', 'hex')]),
    ),
  );
  const smallChunks = Buffer.from('02000000000004010000000000000001', 'hex');
  const port = Number(new URL(address).port);
  const crowd = Array.from({ length: 200 }, () => {
    const socket = silent(connect({ port, host: '127.0.0.1' }));
    socket.write(Buffer.concat([hello, smallChunks, promises]));
    return socket;
  });
  await expect.poll(() => [...server.rtmp.connections].length).toBeGreaterThan(200);
  await expect
    .poll(() => [...server.rtmp.connections].filter((one) => one.state === 'connected').length)
    .toBe(200);
  const after = process.memoryUsage();
  expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(64 * 1024 * 1024);
  good.connection.send(keyFrame(0));
  await server.relay(path);
  for (const socket of crowd) socket.destroy();
  await expect.poll(() => [...server.rtmp.connections].length).toBe(1);
  good.connection.close();
});

test('the server of the README runs as it stands there', { timeout: 60_000 }, async () => {
  const readme = await readFile(path.join(ROOT, 'packages/rtmp/README.md'), 'utf8');
  const code = /```ts\n([^`]*RtmpServer[^`]*)```/.exec(readme)?.[1] ?? expect.fail('no example');
  expect(code.trimEnd().split('\n').length).toBeLessThanOrEqual(15);
  const folder = await mkdtemp(path.join(tmpdir(), 'millrace-readme-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  await symlink(path.join(ROOT, 'node_modules'), path.join(folder, 'node_modules'));
  await writeFile(path.join(folder, 'server.ts'), code);
  await writeFile(path.join(folder, 'package.json'), '{"type":"module"}');
  const port = await freePort();
  const server = spawn(process.execPath, ['--conditions=source', 'server.ts'], {
    cwd: folder,
    env: { ...process.env, PORT: String(port) },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  onTestFinished(() => {
    server.kill('SIGKILL');
  });
  const address = `rtmp://127.0.0.1:${port}/live/stream`;
  const attempt = async () => {
    const { connection, name } = openClient(address);
    await connection.publish(name);
    return connection;
  };
  let publisher: ClientConnection | undefined;
  await expect.poll(async () => (publisher = await attempt().catch(() => undefined))).toBeDefined();
  publisher?.send(keyFrame(0));
  const { connection, name } = openClient(address);
  const seen: number[] = [];
  connection.on('media', ({ type }) => seen.push(type));
  await connection.play(name);
  await expect.poll(() => seen).toContain(MessageType.video);
  const again = openClient(address);
  await expect(again.connection.publish(again.name)).rejects.toThrow('somebody publishes here already');
  connection.close();
  publisher?.close();

  const other = `rtmp://127.0.0.1:${port}/live/other`;
  publish(other, [...PICTURE, ...SOUND, ...H264, ...AAC]);
  // There is nothing to play until FFmpeg has come.
  await expect
    .poll(
      async () =>
        (await probe(other).catch(() => undefined))?.streams.map((stream) => stream.codec_name).sort(),
      {
        timeout: 40_000,
      },
    )
    .toEqual(['aac', 'h264']);
});

/** A socket whose end is nobody's business. */
function silent(socket: Socket): Socket {
  return socket.on('error', () => undefined).resume();
}

function has(program: string): boolean {
  try {
    execFileSync('which', [program], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
