import { describe, expect, test } from 'vitest';
import { cut } from '../test/feed.ts';
import { TestServer } from '../test/pair.ts';
import { Encoder, PEERS, connect, large, simpleHandshake } from '../test/peers.ts';
import { TestSink, audioHeader, frame, keyFrame, sound, videoHeader } from '../test/streams.ts';
import { MessageType } from './message.ts';

describe.each(PEERS)('%s', (_name, bytes) => {
  test.each([1, 1536, Infinity])('in pieces of %d bytes', async (size) => {
    const server = new TestServer();
    const { raw, server: connection } = server.dialRaw();
    raw.resume();
    for (const piece of cut(bytes, size)) raw.write(piece);
    await expect.poll(() => server.relays.get('/live/foo')?.bytesReceived ?? 0).toBeGreaterThan(9_000);
    await expect.poll(() => connection.bytesReceived).toBe(bytes.length);
    const sink = new TestSink();
    server.relays.get('/live/foo')?.subscribe(sink);
    const messages = sink.take().filter(({ type }) => type !== MessageType.data);
    expect(messages.filter(({ body }) => !body.equals(sound(33).body))).toEqual([
      videoHeader(),
      audioHeader(),
      { ...keyFrame(0), body: large },
      sound(23),
      frame(40),
    ]);
  });
});

test('what an encoder waits for is answered before it publishes', async () => {
  const { raw } = new TestServer().dialRaw();
  let answer = '';
  raw.on('data', (bytes: Buffer) => (answer += bytes.toString('latin1')));
  raw.write(
    new Encoder()
      .raw(simpleHandshake)
      .command(0, 3, connect())
      .command(0, 3, ['releaseStream', 2, null, 'foo'])
      .command(0, 3, ['FCPublish', 3, null, 'foo'])
      .command(0, 3, ['createStream', 4, null]).bytes,
  );
  const expected = [
    '_result',
    'NetConnection.Connect.Success',
    'onBWDone',
    'onFCPublish',
    'NetStream.Publish.Start',
  ];
  for (const text of expected) await expect.poll(() => answer).toContain(text);
  expect(answer.split('_result')).toHaveLength(5);
});

test('a client of Enhanced RTMP is told what is forwarded, any other is not', async () => {
  for (const [extra, isTold] of [
    [{ fourCcList: ['hvc1'] }, true],
    [{ capsEx: 1 }, true],
    [{}, false],
  ] as const) {
    const { raw } = new TestServer().dialRaw();
    let answer = '';
    raw.on('data', (bytes: Buffer) => (answer += bytes.toString('latin1')));
    raw.write(new Encoder().raw(simpleHandshake).command(0, 3, connect(extra)).bytes);
    await expect.poll(() => answer).toContain('onBWDone');
    for (const key of ['fourCcList', 'videoFourCcInfoMap', 'audioFourCcInfoMap', 'capsEx']) {
      expect(answer.includes(key)).toBe(isTold);
    }
  }
});

test('a client that can is asked to connect again when the server ends', async () => {
  const server = new TestServer();
  const { raw } = server.dialRaw();
  let answer = '';
  raw.on('data', (bytes: Buffer) => (answer += bytes.toString('latin1')));
  raw.write(new Encoder().raw(simpleHandshake).command(0, 3, connect({ capsEx: 1 })).bytes);
  await expect.poll(() => answer).toContain('onBWDone');
  await server.rtmp.close();
  await expect.poll(() => answer).toContain('NetConnection.Connect.ReconnectRequest');
});
