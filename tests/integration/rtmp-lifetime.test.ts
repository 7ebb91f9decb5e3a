import { MessageType } from '@millrace/rtmp';
import { describe, expect, test, vi } from 'vitest';
import { TestPlayer, TestPublisher, play, publish, refusal } from './rtmp-client.ts';
import { RtmpTestServer, SOURCES } from './rtmp-server.ts';
import { FFMPEG, SOON } from './process-server.ts';

/** Longer than the server waits for a sign of life. */
const PATIENCE = { timeout: 25_000, interval: 50 };

test('a player who comes later begins with the headers and the last key frame, at 0', async () => {
  const rtmp = await RtmpTestServer.forTest();
  const publisher = new TestPublisher(rtmp.url('/live/foo'));
  await publisher.open();
  expect(await rtmp.names()).toEqual([]);
  publisher.begin();
  for (let frame = 0; frame < 5; frame++) publisher.frame();
  publisher.frame(1000, true);
  publisher.frame();
  await rtmp.untilNames('/live/foo');
  await vi.waitFor(async () => {
    expect((await rtmp.channel('/live/foo'))?.gop_sec).toBe(0.24);
  }, SOON);
  const player = await play(rtmp.url('/live/foo'));
  await player.untilFrames(3);
  expect(player.messages.map(({ type, timestamp, body }) => [type, timestamp, body[0]])).toEqual([
    [MessageType.data, 0, 2],
    [MessageType.video, 0, 0x17],
    [MessageType.video, 0, 0x17],
    [MessageType.video, 40, 0x27],
  ]);
});

test('a header that changes in the middle reaches present and later players', async () => {
  const rtmp = await RtmpTestServer.forTest();
  const publisher = new TestPublisher(rtmp.url('/live/foo'));
  await publisher.open();
  publisher.begin();
  await rtmp.untilNames('/live/foo');
  const present = await play(rtmp.url('/live/foo'));
  await present.untilFrames(2);
  const other = Buffer.from('17000000000142c01effe1', 'hex');
  publisher.video(other);
  publisher.frame(1000, true);
  await present.untilFrames(4);
  const later = await play(rtmp.url('/live/foo'));
  await later.untilFrames(2);
  expect(present.frames[2]?.body).toEqual(other);
  expect(later.frames[0]?.body).toEqual(other);
});

test('who comes first publishes, until it is gone', async () => {
  const rtmp = await RtmpTestServer.forTest();
  const first = await publish(rtmp.url('/live/foo'));
  await rtmp.untilNames('/live/foo');
  expect(await refusal(new TestPublisher(rtmp.url('/live/foo')))).toBe('NetStream.Publish.BadName');
  // The connection is cut, without a goodbye.
  first.connection.destroy();
  await rtmp.untilNames();
  await publish(rtmp.url('/live/foo'));
  await rtmp.untilNames('/live/foo');
});

test('a connection that publishes again counts anew', async () => {
  const rtmp = await RtmpTestServer.forTest();
  const publisher = new TestPublisher(rtmp.url('/live/foo'));
  await publisher.open();
  publisher.begin(200_000);
  await vi.waitFor(async () => {
    expect((await rtmp.channel('/live/foo'))?.bytes_rx).toBeGreaterThan(200_000);
  }, SOON);
  publisher.connection.command('FCUnpublish', 'foo');
  publisher.connection.command('publish', 'bar', 'live');
  publisher.begin();
  await rtmp.untilNames('/live/bar');
  expect((await rtmp.channel('/live/bar'))?.bytes_rx).toBeLessThan(10_000);
  publisher.frame(2_000);
  await vi.waitFor(async () => {
    const [session, ...others] = await rtmp.sessions();
    expect(others).toEqual([]);
    expect(session).toMatchObject({ id: '/live/bar' });
    expect(session?.bytes_rx).toBeGreaterThan(2_000);
    expect(session?.bytes_rx).toBeLessThan(10_000);
  }, SOON);
});

test('a publisher that changes its codec all the time does not fill the log', async () => {
  const rtmp = await RtmpTestServer.forTest();
  const publisher = new TestPublisher(rtmp.url('/live/foo'));
  await publisher.open();
  publisher.begin();
  for (let i = 0; i < 200; i++) {
    publisher.video(Buffer.concat([Buffer.of(0x90), Buffer.from(`x${100 + i}`), Buffer.alloc(200)]));
  }
  publisher.connection.close();
  await rtmp.untilLogged(/PUBLISH.*STOP|STOP.*PUBLISH/);
  expect(rtmp.lines().filter((line) => line.includes('STREAM')).length).toBeLessThanOrEqual(64);
});

test('a path is busy before anything came, and is not to be played yet', async () => {
  const rtmp = await RtmpTestServer.forTest();
  const silent = new TestPublisher(rtmp.url('/live/foo'));
  await silent.open();
  expect(await refusal(new TestPublisher(rtmp.url('/live/foo')))).toBe('NetStream.Publish.BadName');
  expect(await refusal(new TestPlayer(rtmp.url('/live/foo')))).toBe('NetStream.Play.StreamNotFound');
});

test('the end of the server is told to those who publish and play', async () => {
  const rtmp = await RtmpTestServer.forTest();
  const publisher = await publish(rtmp.url('/live/foo'));
  const player = await play(rtmp.url('/live/foo'));
  const viewer = await fetch(`${rtmp.server.base}/rtmp/live/foo.flv`);
  await player.untilFrames(2);
  await rtmp.server.close();
  await Promise.all([publisher.closed, player.closed, viewer.arrayBuffer()]);
  expect(publisher.statuses).toContain('NetConnection.Connect.AppShutdown');
  expect(player.statuses).toContain('NetConnection.Connect.AppShutdown');
  expect(rtmp.lines().map((line) => /msg="([^"]*)"/.exec(line)?.[1])).toEqual(
    expect.arrayContaining(['Server started', 'Stopping ...', 'Server exited']),
  );
});

describe.skipIf(FFMPEG === '')('FFmpeg', () => {
  test('that is killed frees its path at once', async () => {
    const rtmp = await RtmpTestServer.forTest();
    const publisher = await rtmp.published('/live/foo', SOURCES.video);
    const player = await play(rtmp.url('/live/foo'));
    publisher.child.kill('SIGKILL');
    await player.closed;
    expect(player.statuses).toContain('NetStream.Play.UnpublishNotify');
    await rtmp.untilNames();
    await rtmp.published('/live/foo', SOURCES.video);
  });

  test('and others who give no sign of life are cut off, and disturb nobody', async () => {
    const rtmp = await RtmpTestServer.forTest();
    const heavy = await publish(rtmp.url('/live/heavy'), 100_000);
    await rtmp.untilNames('/live/heavy');
    const healthy = await play(rtmp.url('/live/heavy'));
    const stalled = await play(rtmp.url('/live/heavy'));
    await stalled.untilFrames(2);
    stalled.connection.isPaused = true;
    const viewer = await fetch(`${rtmp.server.base}/rtmp/live/heavy.flv`);
    const silent = new TestPublisher(rtmp.url('/live/silent'));
    await silent.open();
    const stopped = await rtmp.published('/live/stopped', SOURCES.video);
    const waiting = await play(rtmp.url('/live/stopped'));
    stopped.child.kill('SIGSTOP');

    await Promise.all([waiting.closed, silent.closed]);
    await vi.waitFor(async () => {
      expect(await rtmp.channels()).toMatchObject([{ name: '/live/heavy', players: [{ protocol: 'rtmp' }] }]);
    }, PATIENCE);
    const log = rtmp.lines().join('\n');
    expect(log).toMatch(
      /level=ERROR .*msg="i\/o timeout" action="ERROR" .* path="\/live\/stopped" who="PUBLISH"/,
    );
    expect(log.match(/level=ERROR .*msg="i\/o timeout" .* path="\/live\/heavy" who="PLAY"/g)).toHaveLength(2);
    await viewer.body?.cancel();

    const times = healthy.frames.map(({ timestamp }) => timestamp);
    expect(times.length).toBeGreaterThan(200);
    expect(times.slice(2).every((time, i) => time - (times[i + 1] ?? 0) === 40)).toBe(true);
    expect(heavy.connection.backlog).toBeLessThan(1_000_000);
  }, 60_000);
});
