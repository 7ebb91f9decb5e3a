import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import process from 'node:process';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { DEFAULT_CONNECTION_LIMITS, MessageType, serializeAmf0 } from '@millrace/rtmp';
import { serializeMessage } from '../../packages/rtmp/src/chunk-writer.ts';
import { Listeners } from '../../packages/server/src/rtmp/listeners.ts';
import { freePort } from '../support/ports.ts';
import { type TestServer, startServer } from '../support/server.ts';
import { selfSignedCertificate } from './certificate.ts';
import { play, publish } from './rtmp-client.ts';

const HELLO = Buffer.concat([Buffer.of(3), Buffer.alloc(1536)]);
const SHAKEN = Buffer.concat([HELLO, Buffer.alloc(1536)]);
const PATIENCE = 20_000;

const command = (...values: Parameters<typeof serializeAmf0>[0]) =>
  message(MessageType.command, serializeAmf0(values));
const message = (type: number, body: Buffer, streamId = 0) =>
  serializeMessage({ chunkStreamId: 3, type, streamId }, 0, body);
const CONNECT = command('connect', 1, { app: 'live' });
const PUBLISH = Buffer.concat([
  SHAKEN,
  CONNECT,
  command('createStream', 2, null),
  command('publish', 3, null, 'evil'),
]);
/** The header of a chunk of a new message: type, claimed length, and the chunk stream. */
const chunk = (chunkStream: number, length: number, type: number) =>
  Buffer.from([chunkStream, 0, 0, 0, length >> 16, length >> 8, length, type, 1, 0, 0, 0]);

const ATTACKS: [name: string, bytes: Buffer][] = [
  ['HTTP', Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n')],
  ['encrypted RTMP', Buffer.of(6, ...HELLO.subarray(1))],
  ['a chunk size of 0', Buffer.concat([SHAKEN, message(MessageType.setChunkSize, Buffer.alloc(4))])],
  [
    'a chunk size beyond all',
    Buffer.concat([SHAKEN, message(MessageType.setChunkSize, Buffer.alloc(4, 0xff))]),
  ],
  [
    'an array of four billion elements',
    Buffer.concat([SHAKEN, message(MessageType.command, Buffer.from('0affffffff', 'hex'))]),
  ],
  [
    'arrays in arrays',
    Buffer.concat([SHAKEN, message(MessageType.command, Buffer.from('0a00000001'.repeat(10_000), 'hex'))]),
  ],
  ['a command before connect', Buffer.concat([SHAKEN, command('publish', 1, null, 'x')])],
  ['no app', Buffer.concat([SHAKEN, command('connect', 1, {})])],
  [
    'endless commands',
    Buffer.concat([SHAKEN, CONNECT, ...Array.from({ length: 100 }, () => command('x', 0, null))]),
  ],
  [
    'a message of 16 MiB before anything is granted',
    Buffer.concat([SHAKEN, CONNECT, chunk(4, 0xff_ffff, MessageType.command)]),
  ],
  [
    'a hundred chunk streams',
    Buffer.concat([
      PUBLISH,
      ...Array.from({ length: 61 }, (_, i) =>
        Buffer.concat([chunk(i + 3, 1000, MessageType.video), Buffer.alloc(128)]),
      ),
      ...Array.from({ length: 40 }, (_, i) =>
        Buffer.concat([Buffer.of(0, i), chunk(0, 1000, MessageType.video).subarray(1), Buffer.alloc(128)]),
      ),
    ]),
  ],
  ['a chunk without a beginning', Buffer.concat([SHAKEN, Buffer.of(0xc5, 1, 2, 3)])],
  ['noise', Buffer.concat([SHAKEN, Buffer.from(Array.from({ length: 50_000 }, (_, i) => (i * 7919) % 251))])],
];

describe('a server that is attacked', () => {
  let server: TestServer;
  let port: number;

  beforeAll(async () => {
    port = await freePort();
    server = await startServer({
      env: { CORE_RTMP_ENABLE: 'true', CORE_RTMP_ADDRESS: `127.0.0.1:${port}`, CORE_LOG_LEVEL: 'debug' },
    });
  });

  afterAll(() => server.close());

  function attack(bytes: Buffer): Socket {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined).resume();
    socket.write(bytes);
    onTestFinished(() => {
      socket.destroy();
    });
    return socket;
  }

  async function serves(): Promise<void> {
    const url = `rtmp://127.0.0.1:${port}/live/foo`;
    const publisher = await publish(url);
    await expect
      .poll(async () => (await server.api('GET', '/v3/rtmp')).body)
      .toMatchObject([{ name: '/live/foo' }]);
    await (await play(url)).untilFrames(3);
    publisher.connection.close();
    await expect.poll(async () => (await server.api('GET', '/v3/rtmp')).body).toEqual([]);
  }

  test.each(ATTACKS)('ends who comes with %s, and serves the others', async (_name, bytes) => {
    const socket = attack(bytes);
    await once(socket, 'close');
    await serves();
    expect(server.log()).not.toMatch(/Connection failed|worker has ended|A call failed/);
  });

  test('takes no memory for what is only announced', async () => {
    const announce = Array.from({ length: 60 }, (_, i) =>
      Buffer.concat([chunk(i + 3, 8_000_000, MessageType.video), Buffer.alloc(128)]),
    );
    const before = process.memoryUsage.rss();
    const sockets = Array.from({ length: 50 }, () => attack(Buffer.concat([SHAKEN, CONNECT, ...announce])));
    await serves();
    expect(process.memoryUsage.rss() - before).toBeLessThan(200 * 1024 * 1024);
    for (const socket of sockets) socket.destroy();
  });

  test('does not wait for those who never finish', async () => {
    const started = performance.now();
    const half = attack(HELLO.subarray(0, 700));
    const trickle = attack(HELLO.subarray(0, 1));
    const drip = setInterval(() => trickle.write(Buffer.of(0)), 500);
    onTestFinished(() => {
      clearInterval(drip);
    });
    const idle = attack(Buffer.concat([SHAKEN, CONNECT]));
    await Promise.all([half, trickle, idle].map((socket) => once(socket, 'close')));
    expect(performance.now() - started).toBeLessThan(PATIENCE);
    await serves();
  });

  test('keeps a line of the log one line, whatever the name of a stream', async () => {
    const forged = 'ts=2020 level=ERROR component="Core" msg="forged"';
    for (const name of [`x\r\n${forged}`, `y\u2028\u202e${forged}`]) {
      const encoded = encodeURIComponent(name);
      attack(
        Buffer.concat([SHAKEN, CONNECT, command('createStream', 2, null), command('play', 3, null, encoded)]),
      );
    }
    await expect
      .poll(() => server.log())
      .toMatch(/action="NOTFOUND" .* path="\/live\/y\\+u\{2028\}\\+u\{202e\}ts=2020/);
    expect(server.log()).not.toMatch(/^ts=2020/m);
    expect(server.log()).not.toMatch(/\u202e|\u2028/);
  });
});

test('those who never finish the handshake of TLS take only so many places', async () => {
  const { cert, key } = selfSignedCertificate();
  let accepted = 0;
  const listeners = new Listeners(
    () => accepted++,
    () => undefined,
  );
  onTestFinished(() => {
    listeners.closeAll();
  });
  await listeners.open({
    address: '127.0.0.1:0',
    addressTls: '127.0.0.1:0',
    access: { app: '/', token: '', keys: {} },
    certificates: { main: { cert, key }, byHost: new Map() },
  });
  const port = listeners.port('rtmps') ?? 0;
  const limit = DEFAULT_CONNECTION_LIMITS.pendingPerAddress;
  const secure = async () => {
    const peer = connectTls({ port, ca: cert, host: '127.0.0.1' });
    onTestFinished(() => {
      peer.destroy();
    });
    await once(peer, 'secureConnect');
  };
  // Who is through takes none.
  for (let i = 0; i < 3; i++) await secure();
  await expect.poll(() => accepted).toBe(3);

  let closed = 0;
  const silent = Array.from({ length: limit + 5 }, () => {
    const socket = connect(port, '127.0.0.1').on('error', () => undefined);
    return socket.resume().on('close', () => closed++);
  });
  onTestFinished(() => {
    for (const socket of silent) socket.destroy();
  });
  await expect.poll(() => closed).toBe(5);

  for (const socket of silent) socket.destroy();
  await vi.waitFor(secure, { timeout: PATIENCE });
});
