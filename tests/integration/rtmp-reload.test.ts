import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer } from 'node:net';
import path from 'node:path';
import type { ConfigStatus } from '@millrace/api';
import { describe, expect, onTestFinished, test } from 'vitest';
import { freePort } from '../support/ports.ts';
import { type TestServer, startServer } from '../support/server.ts';
import { makeFolder } from './process-server.ts';
import { TestPlayer, TestPublisher, play, publish, refusal } from './rtmp-client.ts';

/** A server whose RTMP is set in its file, so that it can be changed. */
class ChangingServer {
  readonly #server: TestServer;
  readonly #port: number;

  private constructor(server: TestServer, port: number) {
    this.#server = server;
    this.#port = port;
  }

  static async forTest(rtmp: object = {}): Promise<ChangingServer> {
    const folder = await makeFolder();
    const port = await freePort();
    const config = {
      version: 3,
      rtmp: { enable: true, address: `127.0.0.1:${port}`, app: '/live', ...rtmp },
    };
    await writeFile(path.join(folder, 'config.json'), JSON.stringify(config));
    const server = await startServer({ folder, env: { CORE_SESSIONS_IP_IGNORELIST: '' } });
    onTestFinished(() => server.close());
    return new ChangingServer(server, port);
  }

  url(streamPath: string, port = this.#port): string {
    return `rtmp://127.0.0.1:${port}${streamPath}`;
  }

  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  get port(): number {
    return this.#port;
  }

  /** Changes the configuration; why that failed, empty if it did not. */
  async change(config: object): Promise<string> {
    const put = await this.#server.api('PUT', '/v3/config', { version: 3, ...config });
    expect([put.status, put.body]).toEqual([200, 'OK']);
    await this.#server.app.reload();
    const { body } = await this.#server.api('GET', '/v3/config/status');
    return (body as ConfigStatus).reload?.error ?? '';
  }

  async names(): Promise<unknown> {
    const { status, body } = await this.#server.api('GET', '/v3/rtmp');
    return status === 200 ? (body as { name: string }[]).map(({ name }) => name) : status;
  }

  log(): string {
    return this.#server.log();
  }

  /** A stream with a player. */
  async stream(streamPath = '/live/foo'): Promise<{ publisher: TestPublisher; player: TestPlayer }> {
    const publisher = await publish(this.url(streamPath));
    await expect.poll(() => this.names()).toEqual(['/live/foo']);
    return { publisher, player: await play(this.url(streamPath)) };
  }
}

/** Fails unless the player gets more frames from now on. */
async function goesOn(player: TestPlayer): Promise<void> {
  await player.untilFrames(player.frames.length + 10);
  const times = player.frames.map(({ timestamp }) => timestamp);
  expect(times.slice(2).every((time, i) => time - (times[i + 1] ?? 0) === 40)).toBe(true);
}

describe('a reload', () => {
  test('that does not concern RTMP leaves its streams alone', async () => {
    const server = await ChangingServer.forTest();
    const { player } = await server.stream();
    expect(await server.change({ name: 'other', sessions: { session_timeout_sec: 20 } })).toBe('');
    await goesOn(player);
    expect(server.log().match(/msg="Server started" address="127[^"]*"\n/g)?.length).toBe(2);
  });

  test('changes token and keys for those who come, not for those who are there', async () => {
    const server = await ChangingServer.forTest({ token: 'first' });
    const { player } = await server.stream('/live/foo/first');
    expect(await server.change({ rtmp: { token: 'second', keys: { '/live/bar': 'key-of-bar' } } })).toBe('');
    expect(await refusal(new TestPlayer(server.url('/live/foo/first')))).toBe('NetStream.Play.Failed');
    await (await play(server.url('/live/foo/second'))).untilFrames(2);
    expect(await refusal(new TestPublisher(server.url('/live/bar/second')))).toBe('NetStream.Publish.Denied');
    await publish(server.url('/live/key-of-bar'));
    await expect.poll(() => server.names()).toEqual(['/live/bar', '/live/foo']);
    await goesOn(player);
  });

  test('moves the listener, and streams go on', async () => {
    const server = await ChangingServer.forTest();
    const { player } = await server.stream();
    const port = await freePort();
    expect(await server.change({ rtmp: { address: `127.0.0.1:${port}` } })).toBe('');
    await (await play(server.url('/live/foo', port))).untilFrames(2);
    await expect.poll(() => isOpen(server.port)).toBe(false);
    await goesOn(player);
    expect(server.log()).toMatch(`msg="Server started" address="127.0.0.1:${port}"`);
  });

  test('moves to other interfaces on the same port', async () => {
    const server = await ChangingServer.forTest();
    const { player } = await server.stream();
    expect(await server.change({ rtmp: { address: `:${server.port}` } })).toBe('');
    await (await play(server.url('/live/foo'))).untilFrames(2);
    await goesOn(player);
    expect(await server.change({ rtmp: { address: server.address } })).toBe('');
    await (await play(server.url('/live/foo'))).untilFrames(2);
    await goesOn(player);
  });

  test('to an address that is taken changes nothing, and says why', async () => {
    const server = await ChangingServer.forTest({ token: 'first' });
    const { player } = await server.stream('/live/foo/first');
    const other = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void other.close());
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    expect(await server.change({ rtmp: { address: `127.0.0.1:${port}`, token: 'second' } })).toMatch(
      `RTMP server: can't listen on 127.0.0.1:${port}: `,
    );
    await (await play(server.url('/live/foo/first'))).untilFrames(2);
    await goesOn(player);
  });

  test('switches RTMP off and on', async () => {
    const server = await ChangingServer.forTest();
    const { publisher, player } = await server.stream();
    expect(await server.change({ rtmp: { enable: false } })).toBe('');
    await Promise.all([publisher.closed, player.closed]);
    expect(await server.names()).toBe(404);
    expect(await isOpen(server.port)).toBe(false);
    expect(await server.change({ rtmp: { enable: true } })).toBe('');
    await server.stream();
  });
});

test('a server whose port is taken does not start, and says why', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void other.close());
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  const starting = startServer({
    env: { CORE_RTMP_ENABLE: 'true', CORE_RTMP_ADDRESS: `127.0.0.1:${port}` },
  });
  await expect(starting).rejects.toThrow(`RTMP server: can't listen on 127.0.0.1:${port}: `);
});

async function isOpen(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
