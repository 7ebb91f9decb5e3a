import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { TestServer } from '../test/pair.ts';
import { audioHeader, frame, keyFrame, metadata, short, sound, videoHeader } from '../test/streams.ts';
import { serializeAmf0 } from './amf0.ts';
import { serializeMessage } from './chunk-writer.ts';
import type { ClientConnection } from './client-connection.ts';
import { RtmpStatusError } from './client-connection.ts';
import type { Status } from './commands.ts';
import { serializeFlvTag } from './flv.ts';
import { MessageType, peerBandwidth, u32 } from './message.ts';
import { Relay } from './relay.ts';
import { type StreamRequest, refuse } from './stream-handler.ts';

/** Media that a client got so far, in short. */
function collect(client: ClientConnection): string[] {
  const seen: string[] = [];
  client.on('media', (message) => seen.push(short(message)));
  return seen;
}

function statuses(client: ClientConnection): Status[] {
  const seen: Status[] = [];
  client.on('status', (status) => seen.push(status));
  return seen;
}

/** What a client sends by hand. */
const send = (type: number, body: Buffer) =>
  serializeMessage({ type, chunkStreamId: 3, streamId: 0 }, 0, body);
const command = (...values: Parameters<typeof serializeAmf0>[0]) =>
  send(MessageType.command, serializeAmf0(values));
const HELLO = Buffer.concat([Buffer.of(3), Buffer.alloc(2 * 1536)]);
const CHUNKS = send(MessageType.setChunkSize, Buffer.from('00010000', 'hex'));
const CONNECT = command('connect', 1, { app: 'live' });
const PING = send(MessageType.userControl, Buffer.from('000600000001', 'hex'));

test('what one client publishes, another plays', async () => {
  const server = new TestServer();
  const publisher = server.dial().client;
  await publisher.publish('foo');
  for (const message of [
    metadata({}, '@setDataFrame'),
    videoHeader(),
    audioHeader(),
    keyFrame(1000),
    sound(1010),
  ]) {
    publisher.send(message);
  }
  await expect.poll(() => server.relays.get('/live/foo')?.frames).toBe(4);

  const player = server.dial().client;
  const seen = collect(player);
  await player.play('foo');
  publisher.send(frame(1040));
  await expect
    .poll(() => seen)
    .toEqual(['onMetaData 0', 'video header 0', 'audio header 0', 'key 0', 'audio 10', 'video 40']);
});

test('a player is told that the publisher left, and the path is free', async () => {
  const server = new TestServer();
  const publisher = server.dial();
  await publisher.client.publish('foo');
  const player = server.dial();
  await player.client.play('foo');
  const told = statuses(player.client);
  const playerClosed = once(player.client, 'closed');
  publisher.client.close();
  await playerClosed;
  expect(told.map(({ code }) => code)).toEqual(['NetStream.Play.UnpublishNotify']);
  expect((await player.closed).code).toBe('unpublished');
  expect(server.relays.size).toBe(0);
  expect((await publisher.closed).code).toBe('ended');
});

test('a client can publish again on the same connection', async () => {
  const server = new TestServer();
  const { client } = server.dial();
  await client.publish('foo');
  client.command('FCUnpublish', 'foo');
  client.command('closeStream');
  await expect.poll(() => server.relays.size).toBe(0);
  client.command('publish', 'bar', 'live');
  await expect.poll(() => [...server.relays.keys()]).toEqual(['/live/bar']);
});

test.each(['publish', 'play'])('a publisher that then asks to %s goes on publishing', async (what) => {
  const server = new TestServer();
  const { client } = server.dial();
  await client.publish('foo');
  client.command(what, 'foo');
  client.command(what, 'bar');
  client.send(keyFrame(0));
  await expect.poll(() => server.relays.get('/live/foo')?.frames).toBe(1);
  expect([...server.relays.keys()]).toEqual(['/live/foo']);
});

test('a player that asks for another stream is given that one, from its beginning', async () => {
  const server = new TestServer();
  for (const [name, size] of [
    ['foo', 10],
    ['bar', 20],
  ] as const) {
    const { client } = server.dial();
    await client.publish(name);
    client.send(keyFrame(1000, size));
    await expect.poll(() => server.relays.get(`/live/${name}`)?.frames).toBe(1);
  }
  const { client } = server.dial();
  const seen: string[] = [];
  client.on('media', ({ type, timestamp, body }) => {
    if (type === MessageType.video) seen.push(`${body.length} at ${timestamp}`);
  });
  await client.play('foo');
  await expect.poll(() => seen).toEqual(['15 at 0']);
  client.command('play', 'bar');
  await expect.poll(() => seen).toEqual(['15 at 0', '25 at 0']);
  expect(server.relays.get('/live/foo')?.subscribers.size).toBe(0);
});

describe('a refusal', () => {
  test.each([
    ['publish', 'busy', 'NetStream.Publish.BadName'],
    ['publish', 'denied', 'NetStream.Publish.Denied'],
    ['play', 'not_found', 'NetStream.Play.StreamNotFound'],
    ['play', 'denied', 'NetStream.Play.Failed'],
  ] as const)('of %s, %s, is told before the end', async (what, refused, code) => {
    const server = new TestServer({}, { [what]: () => refuse(refused, 'for a reason') });
    const { client, closed } = server.dial();
    const answer = await client[what]('foo').catch((error: unknown) => error);
    expect(answer).toBeInstanceOf(RtmpStatusError);
    expect(answer).toMatchObject({ code, message: `${code}: for a reason` });
    expect(await closed).toMatchObject({ code: 'refused', message: 'for a reason' });
  });

  test('leaves the first publisher of a path alone', async () => {
    const server = new TestServer();
    const { client } = server.dial();
    await client.publish('foo');
    await expect(server.dial().client.publish('foo')).rejects.toMatchObject({
      code: 'NetStream.Publish.BadName',
    });
    client.send(keyFrame(0));
    await expect.poll(() => server.relays.get('/live/foo')?.frames).toBe(1);
  });

  test('comes for a name that is malformed, without asking', async () => {
    const server = new TestServer({}, { publish: () => expect.fail('asked') });
    await expect(server.dial().client.publish('a%2')).rejects.toMatchObject({
      code: 'NetStream.Publish.Denied',
    });
  });
});

test('the request has path, query, and the names as they were sent', async () => {
  const asked: StreamRequest[] = [];
  const server = new TestServer(
    {},
    {
      publish: (request) => {
        asked.push(request);
        return new Relay();
      },
    },
  );
  await server.dial({ app: 'live', tcUrl: 'rtmp://test/live' }).client.publish('a/b?token=x');
  expect(asked).toMatchObject([
    { app: 'live', name: 'a/b?token=x', tcUrl: 'rtmp://test/live', path: '/live/a/b' },
  ]);
  expect(asked[0]?.query.get('token')).toBe('x');
});

describe('a decision that takes its time', () => {
  test('holds what comes in the meantime', async () => {
    const decision = Promise.withResolvers<Relay>();
    const server = new TestServer({}, { publish: () => decision.promise });
    const { client } = server.dial();
    const published = client.publish('foo');
    await expect.poll(() => [...server.rtmp.connections][0]?.state).toBe('deciding');
    client.send(videoHeader());
    client.send(keyFrame(0));
    const relay = new Relay();
    decision.resolve(relay);
    await published;
    await expect.poll(() => relay.frames).toBe(2);
  });

  test('against the client is what it is told, whatever it asked for in the meantime', async () => {
    const play = vi.fn(() => Promise.resolve(refuse('not_found', 'no such stream')));
    const server = new TestServer({}, { play });
    const { raw, server: connection } = server.dialRaw();
    raw.write(
      Buffer.concat([HELLO, CONNECT, ...['foo', 'bar'].map((name) => command('play', 2, null, name))]),
    );
    await expect.poll(() => connection.isPending).toBe(false);
    let received = '';
    raw.setEncoding('latin1').on('data', (text: string) => (received += text));
    await once(raw, 'close');
    expect(received).toContain('NetStream.Play.StreamNotFound');
    expect(play).toHaveBeenCalledOnce();
  });

  test('that fails ends the connection, and nothing else', async () => {
    const server = new TestServer({}, { publish: () => Promise.reject(new Error('database')) });
    const { client, closed } = server.dial();
    await expect(client.publish('foo')).rejects.toThrow();
    expect(await closed).toMatchObject({ code: 'internal', message: 'database' });
  });

  test('for a client that has left closes what was granted', async () => {
    const decision = Promise.withResolvers<Relay>();
    const server = new TestServer({}, { publish: () => decision.promise });
    const { client, server: connection, closed } = server.dial();
    client.publish('foo').catch(() => undefined);
    await expect.poll(() => connection.state).toBe('deciding');
    connection.destroy('kicked');
    await closed;
    const relay = new Relay();
    decision.resolve(relay);
    await expect.poll(() => relay.isClosed).toBe(true);
  });

  test('thrown at once ends the connection, and nothing else', async () => {
    const server = new TestServer(
      {},
      {
        play: () => {
          throw new Error('a bug');
        },
      },
    );
    const { client, closed } = server.dial();
    await expect(client.play('foo')).rejects.toThrow();
    expect(await closed).toMatchObject({ code: 'internal', message: 'a bug' });
  });
});

test('a player can pause and go on', async () => {
  const server = new TestServer();
  const publisher = server.dial().client;
  await publisher.publish('foo');
  publisher.send(keyFrame(0));
  const player = server.dial().client;
  const seen = collect(player);
  const told = statuses(player);
  await player.play('foo');
  await expect.poll(() => seen.at(-1)).toBe('key 0');
  player.command('pause', true, 0);
  await expect.poll(() => told.map(({ code }) => code)).toEqual(['NetStream.Pause.Notify']);
  publisher.send(keyFrame(40));
  await expect.poll(() => server.relays.get('/live/foo')?.frames).toBe(2);
  player.command('pause', false, 0);
  await expect.poll(() => told.length).toBe(2);
  publisher.send(keyFrame(80));
  await expect.poll(() => seen.at(-1)).toBe('key 80');
  expect(seen).not.toContain('key 40');
});

test('a publisher is acknowledged, with the total', async () => {
  const server = new TestServer();
  const { client, server: connection } = server.dial();
  await client.publish('foo');
  const before = connection.bytesSent;
  for (let i = 0; i < 30; i++) client.send(frame(i * 40, 100_000));
  await expect.poll(() => connection.bytesReceived).toBeGreaterThan(3_000_000);
  expect(connection.bytesSent - before).toBe(2 * 16);
});

test('who asks for a stream is given one, whatever the number of the request', async () => {
  const { raw } = new TestServer().dialRaw();
  let received = Buffer.alloc(0);
  raw.on('data', (bytes: Buffer) => {
    received = Buffer.concat([received, bytes]);
  });
  raw.write(Buffer.concat([HELLO, CONNECT, command('createStream', 0, null)]));
  await expect.poll(() => received.includes(serializeAmf0(['_result', 0, null, 1]))).toBe(true);
});

test('who limits the bandwidth is told the window, each time that it changes', async () => {
  const server = new TestServer();
  const { raw } = server.dialRaw();
  let received = Buffer.alloc(0);
  raw.on('data', (bytes: Buffer) => {
    received = Buffer.concat([received, bytes]);
  });
  raw.write(HELLO);
  for (const bytes of [100_000, 100_000, 200_000]) {
    raw.write(send(MessageType.setPeerBandwidth, peerBandwidth(bytes)));
  }
  const told = [100_000, 200_000].map((bytes) =>
    serializeMessage(
      { type: MessageType.windowAcknowledgementSize, chunkStreamId: 2, streamId: 0 },
      0,
      u32(bytes),
    ),
  );
  await expect.poll(() => received.subarray(3073).toString('hex')).toBe(Buffer.concat(told).toString('hex'));
});

describe('shutdown', () => {
  test('is told to publishers and players', async () => {
    const server = new TestServer();
    const publisher = server.dial().client;
    await publisher.publish('foo');
    const told = statuses(publisher);
    await server.rtmp.close();
    expect(told).toMatchObject([{ level: 'error', code: 'NetConnection.Connect.AppShutdown' }]);
    expect(server.relays.size).toBe(0);
    expect([...server.rtmp.connections]).toEqual([]);
  });

  test('of a server without connections is immediate', async () => {
    await new TestServer().rtmp.close();
  });
});

describe('connections beyond the limit', () => {
  test('are closed', () => {
    const server = new TestServer({ connections: { total: 2 } });
    server.dialRaw();
    server.dialRaw();
    expect(() => server.dialRaw()).toThrow('not accepted');
  });

  test('that do nothing do not keep others from playing', async () => {
    const server = new TestServer({ connections: { pending: 1 } });
    const { client } = server.dial();
    expect(() => server.dialRaw()).toThrow('not accepted');
    await client.publish('foo');
    server.dialRaw();
  });
});

describe('a hostile client', () => {
  test.each<[string, Buffer]>([
    ['HTTP', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
    [
      'an array that announces 4 billion elements',
      Buffer.concat([HELLO, send(20, Buffer.from('0affffffff', 'hex'))]),
    ],
    ['no command name', Buffer.concat([HELLO, send(20, Buffer.of(5))])],
    ['connect without an app', Buffer.concat([HELLO, command('connect', 1, {})])],
    ['a command before connect', Buffer.concat([HELLO, command('publish', 1, null, 'foo')])],
    [
      'many commands',
      Buffer.concat([HELLO, CONNECT, ...Array.from({ length: 60 }, () => command('x', 0, null))]),
    ],
    ['a large command', Buffer.concat([HELLO, CHUNKS, send(20, Buffer.alloc(65_537, 5))])],
    [
      'much before publishing',
      Buffer.concat([
        HELLO,
        CHUNKS,
        CONNECT,
        ...Array.from({ length: 5 }, () => send(8, Buffer.alloc(60_000))),
      ]),
    ],
  ])('%s ends the connection', async (_name, bytes) => {
    const { raw, closed } = new TestServer().dialRaw();
    raw.resume();
    raw.write(bytes);
    expect((await closed).code).toBe('protocol');
  });

  test('a flood of tiny messages ends the connection', async () => {
    const server = new TestServer();
    const { client, closed } = server.dial();
    await client.publish('foo');
    for (let i = 0; i < 2_100; i++)
      client.send({ type: MessageType.audio, timestamp: i, body: Buffer.of(0xaf) });
    expect(await closed).toMatchObject({ code: 'protocol', message: 'a flood of tiny messages' });
  });

  test('a flood of tiny messages in one aggregate ends the connection', async () => {
    const server = new TestServer();
    const { client, closed } = server.dial();
    await client.publish('foo');
    const body = Buffer.concat(Array.from({ length: 2_100 }, (_, i) => serializeFlvTag(sound(i, 0))));
    client.send({ type: MessageType.aggregate, timestamp: 0, body });
    expect(await closed).toMatchObject({ code: 'protocol', message: 'a flood of tiny messages' });
  });

  test.each(['publish', 'play'] as const)(
    'who asks and asks and takes no answer is gone, also when it may %s',
    async (what) => {
      const server = new TestServer();
      await server.dial().client.publish('foo');
      const { raw, server: connection, closed } = server.dialRaw();
      raw.write(Buffer.concat([HELLO, CONNECT, command(what, 3, null, what === 'play' ? 'foo' : 'bar')]));
      await expect.poll(() => connection.isPending).toBe(false);
      for (let i = 0; i < 10_000; i++) raw.write(PING);
      expect(await closed).toEqual({ code: 'protocol', message: 'answers not taken' });
    },
  );

  test('who takes answers late, but takes them, may go on asking', async () => {
    const { raw, server: connection } = new TestServer().dialRaw();
    raw.write(Buffer.concat([HELLO, CONNECT, command('publish', 3, null, 'foo')]));
    const ask = async () => {
      for (let i = 0; i < 100; i++) raw.write(PING);
      await new Promise(setImmediate);
    };
    while (connection.backlog < 10_000) await ask();
    for (let round = 0; round < 200; round++) {
      await ask();
      expect(connection.backlog).toBeGreaterThan(0);
      raw.read(1_800);
    }
    expect(connection.state).toBe('publishing');
  });

  test('a data message of a publisher that cannot be read does not end the stream', async () => {
    const server = new TestServer();
    const { client } = server.dial();
    await client.publish('foo');
    client.send({ type: MessageType.data, timestamp: 0, body: Buffer.from('0affffffff', 'hex') });
    client.send(keyFrame(0));
    await expect.poll(() => server.relays.get('/live/foo')?.frames).toBe(1);
  });
});

describe('in time', () => {
  beforeEach(() => {
    vi.useFakeTimers({
      toFake: ['setInterval', 'clearInterval', 'setTimeout', 'clearTimeout', 'performance'],
    });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  const settle = () => new Promise(setImmediate);

  test('who does not shake hands is gone after 5 seconds, also if bytes trickle in', async () => {
    const { raw, server } = new TestServer().dialRaw();
    raw.write(Buffer.of(3));
    for (let second = 1; second <= 5; second++) {
      expect(server.state).toBe('handshake');
      raw.write(Buffer.of(0));
      await settle();
      vi.advanceTimersByTime(1000);
    }
    await settle();
    expect(server.state).toBe('closed');
  });

  test('who neither publishes nor plays is gone after 10 seconds', async () => {
    const { raw, server, closed } = new TestServer().dialRaw();
    raw.resume();
    raw.write(Buffer.concat([Buffer.of(3), Buffer.alloc(2 * 1536)]));
    await settle();
    vi.advanceTimersByTime(9_000);
    await settle();
    expect(server.state).toBe('connected');
    vi.advanceTimersByTime(1_000);
    expect(await closed).toMatchObject({ code: 'timeout' });
  });

  test('a publisher that sends no whole message for 10 seconds is gone, and its path is free', async () => {
    const server = new TestServer();
    const { client, closed } = server.dial();
    await client.publish('foo');
    for (let second = 0; second < 30; second++) {
      client.send(frame(second * 1000));
      await settle();
      vi.advanceTimersByTime(1000);
    }
    expect(server.relays.size).toBe(1);
    vi.advanceTimersByTime(11_000);
    expect(await closed).toEqual({ code: 'timeout', message: 'i/o timeout' });
    expect(server.relays.size).toBe(0);
  });

  test('a publisher that takes nothing of what it is told goes on', async () => {
    const server = new TestServer();
    const { raw, server: connection } = server.dialRaw();
    raw.write(Buffer.concat([HELLO, CHUNKS, CONNECT, command('publish', 2, null, 'foo')]));
    const tick = async () => {
      await settle();
      await settle();
      vi.advanceTimersByTime(1000);
    };
    // Up to where the network takes no answer.
    while (connection.backlog < 2000) {
      for (let i = 0; i < 500; i++) raw.write(PING);
      await tick();
    }
    const { backlog } = connection;
    for (let second = 0; second < 30; second++) {
      raw.write(send(MessageType.video, keyFrame(0, 1_000_000).body));
      await tick();
    }
    expect(server.relays.get('/live/foo')?.frames).toBe(30);
    expect(connection.state).toBe('publishing');
    expect(connection.backlog).toBe(backlog);
  });

  test('a player that takes nothing for 10 seconds is gone', async () => {
    const server = new TestServer();
    const publisher = server.dial().client;
    await publisher.publish('foo');
    const { client, closed } = server.dial();
    await client.play('foo');
    client.isPaused = true;
    for (let second = 0; second < 13; second++) {
      for (let i = 0; i < 10; i++)
        publisher.send(i === 0 ? keyFrame(second * 1000, 50_000) : frame(second * 1000 + i * 100, 50_000));
      await settle();
      await settle();
      vi.advanceTimersByTime(1000);
    }
    expect(await closed).toEqual({ code: 'timeout', message: 'i/o timeout' });
    expect(server.relays.size).toBe(1);
  });

  test('a player is pinged, and one that no longer answers is gone', async () => {
    const server = new TestServer();
    const publisher = server.dial().client;
    await publisher.publish('foo');
    const { client, server: connection, closed } = server.dial();
    await client.play('foo');
    const run = async (seconds: number) => {
      for (let second = 0; second < seconds; second++) {
        publisher.send({
          type: MessageType.audio,
          timestamp: second * 1000,
          body: Buffer.from('af0121', 'hex'),
        });
        await settle();
        vi.advanceTimersByTime(1000);
        await settle();
      }
    };
    await run(100);
    expect(connection.state).toBe('playing');
    client.check = () => undefined;
    client.isPaused = true;
    await run(100);
    expect(await closed).toMatchObject({ code: 'timeout', message: 'pings are not answered' });
  });

  test('a publisher that sends a file is read more slowly, and loses nothing', async () => {
    const server = new TestServer();
    const { client, server: connection } = server.dial();
    await client.publish('foo');
    for (let i = 0; i < 5_000; i++) client.send(frame(i * 40, 200));
    await settle();
    const relay = server.relays.get('/live/foo');
    for (let second = 0; second < 5 && (relay?.frames ?? 0) < 5_000; second++) {
      for (let i = 0; i < 50; i++) await settle();
      vi.advanceTimersByTime(1000);
    }
    expect(relay?.frames).toBe(5_000);
    expect(connection.state).toBe('publishing');
  });

  test('no timer runs without connections', async () => {
    const server = new TestServer();
    const { client, closed } = server.dial();
    await client.publish('foo');
    const clientClosed = once(client, 'closed');
    client.close();
    await Promise.all([closed, clientClosed]);
    expect(vi.getTimerCount()).toBe(0);
  });
});
