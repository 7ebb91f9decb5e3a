import { describe, expect, test } from 'vitest';
import { TestPlayer, TestPublisher, play, publish, refusal } from './rtmp-client.ts';
import { RtmpTestServer } from './rtmp-server.ts';

const TOKEN = 'tok/en 1';
const ENCODED = encodeURIComponent(TOKEN);

describe('a token', () => {
  test.each(['/live/foo?token=', '/live/foo/'])('in the form %s lets publish and play', async (form) => {
    const rtmp = await RtmpTestServer.forTest({ CORE_RTMP_TOKEN: TOKEN });
    await publish(rtmp.url(form + ENCODED));
    await rtmp.untilNames('/live/foo');
    for (const other of ['/live/foo?token=', '/live/foo/']) {
      const player = await play(rtmp.url(other + ENCODED));
      await player.untilFrames(2);
    }
    expect(await rtmp.sessions()).toMatchObject([
      { id: '/live/foo', reference: 'foo', local: 'publish:/live/foo' },
      { reference: 'foo', local: 'play:/live/foo' },
      { reference: 'foo', local: 'play:/live/foo' },
    ]);
  });

  test('that is wrong or missing is refused, and told to nobody', async () => {
    const rtmp = await RtmpTestServer.forTest({ CORE_RTMP_TOKEN: TOKEN });
    await publish(rtmp.url(`/live/foo/${ENCODED}`));
    await rtmp.untilNames('/live/foo');
    const codes = await Promise.all([
      refusal(new TestPublisher(rtmp.url('/live/bar?token=guess-1'))),
      refusal(new TestPublisher(rtmp.url('/live/bar/guess-2'))),
      refusal(new TestPlayer(rtmp.url('/live/foo?token='))),
      refusal(new TestPlayer(rtmp.url('/live/foo/guess-3'))),
    ]);
    expect(codes).toEqual([
      'NetStream.Publish.Denied',
      'NetStream.Publish.Denied',
      'NetStream.Play.Failed',
      'NetStream.Play.Failed',
    ]);
    const log = rtmp.lines().join('\n');
    expect(log).toMatch(
      /msg="invalid streamkey \(\*\*\*\)" action="FORBIDDEN" .* path="\/live\/bar" who="PUBLISH"/,
    );
    expect(log).toMatch(/msg="no streamkey provided" action="FORBIDDEN" .* path="\/live\/foo" who="PLAY"/);
    expect(rtmp.server.log()).not.toMatch(/guess-|tok\/en|tok%2Fen/);
  });

  test('that is wrong counts in the metrics', async () => {
    const rtmp = await RtmpTestServer.forTest({
      CORE_RTMP_TOKEN: TOKEN,
      CORE_METRICS_ENABLE_PROMETHEUS: 'true',
      CORE_METRICS_EXTENDED: 'true',
    });
    await refusal(new TestPublisher(rtmp.url('/live/bar/guess')));
    await expect
      .poll(async () => (await fetch(`${rtmp.server.base}/metrics`)).text())
      .toMatch(/^stream_clients_total\{core="[^"]+",protocol="rtmp",who="publish",action="forbidden"\} 1$/m);
  });

  test('does not make another path of the same', async () => {
    const rtmp = await RtmpTestServer.forTest({ CORE_RTMP_TOKEN: TOKEN });
    const first = await publish(rtmp.url(`/live/foo/${ENCODED}`));
    await rtmp.untilNames('/live/foo');
    for (const form of ['/live/foo/', '/live/foo?token=', '//live//foo?token=']) {
      expect(await refusal(new TestPublisher(rtmp.url(form + ENCODED)))).toBe('NetStream.Publish.BadName');
    }
    expect(await rtmp.names()).toEqual(['/live/foo']);
    await rtmp.untilLogged(/msg="already publishing" action="CONFLICT"/);
    first.connection.close();
    await rtmp.untilNames();
    await publish(rtmp.url(`/live/foo?token=${ENCODED}`));
    await rtmp.untilNames('/live/foo');
  });
});

test('publishers stay within the app, players need not', async () => {
  const rtmp = await RtmpTestServer.forTest();
  expect(await refusal(new TestPublisher(rtmp.url('/other/foo')))).toBe('NetStream.Publish.Denied');
  await rtmp.untilLogged(/msg="invalid app" action="FORBIDDEN"/);
  expect(await refusal(new TestPlayer(rtmp.url('/other/foo')))).toBe('NetStream.Play.StreamNotFound');
  await rtmp.untilLogged(/level=WARN .*action="NOTFOUND" .* path="\/other\/foo" who="PLAY"/);
});

describe('a key', () => {
  const env = { CORE_RTMP_TOKEN: TOKEN, CORE_RTMP_KEYS: '/live/cam:key-of-cam /live/other:key-of-other' };

  test('publishes its path without the token, and does not play it', async () => {
    const rtmp = await RtmpTestServer.forTest(env);
    await publish(rtmp.url('/live/key-of-cam'));
    await rtmp.untilNames('/live/cam');
    expect(await refusal(new TestPlayer(rtmp.url('/live/cam?token=key-of-cam')))).toBe(
      'NetStream.Play.Failed',
    );
    const player = await play(rtmp.url(`/live/cam?token=${ENCODED}`));
    await player.untilFrames(2);
    expect(rtmp.server.log() + JSON.stringify([await rtmp.channels(), await rtmp.sessions()])).not.toContain(
      'key-of-cam',
    );
  });

  test('is needed for its path', async () => {
    const rtmp = await RtmpTestServer.forTest(env);
    for (const path of [`/live/cam?token=${ENCODED}`, '/live/cam?token=key-of-other', '/live/x/key-of-cam']) {
      expect(await refusal(new TestPublisher(rtmp.url(path)))).toBe('NetStream.Publish.Denied');
    }
    await publish(rtmp.url(`/live/free?token=${ENCODED}`));
    await rtmp.untilNames('/live/free');
    expect(rtmp.server.log()).not.toMatch(/key-of-/);
  });

  test('is not shown by the API', async () => {
    const rtmp = await RtmpTestServer.forTest(env);
    const { body } = await rtmp.server.api('GET', '/v3/config');
    expect(body).toMatchObject({ config: { rtmp: { keys: { '/live/cam': '***', '/live/other': '***' } } } });
  });
});

describe('kicking', () => {
  test('a publisher ends its stream', async () => {
    const rtmp = await RtmpTestServer.forTest();
    const publisher = await publish(rtmp.url('/live/a%20b.stream'));
    const player = await play(rtmp.url('/live/a%20b.stream'));
    await player.untilFrames(2);
    expect(await rtmp.server.api('DELETE', '/v3/rtmp/live/a%20b.stream')).toMatchObject({
      status: 200,
      body: 'OK',
    });
    await Promise.all([publisher.closed, player.closed]);
    expect(player.statuses).toContain('NetStream.Play.UnpublishNotify');
    await rtmp.untilNames();
    expect(await rtmp.server.api('DELETE', '/v3/rtmp/live/a%20b.stream')).toMatchObject({
      status: 404,
      body: { code: 404, message: 'Unknown stream', details: ['/live/a b.stream'] },
    });
  });

  test('a player leaves the others alone', async () => {
    const rtmp = await RtmpTestServer.forTest();
    await publish(rtmp.url('/live/foo'));
    const [one, other] = [await play(rtmp.url('/live/foo')), await play(rtmp.url('/live/foo'))];
    await other.untilFrames(2);
    const [first] = (await rtmp.channel('/live/foo'))?.players ?? [];
    expect(first).toMatchObject({ protocol: 'rtmp' });
    const url = `/v3/rtmp/live/foo?remote=${encodeURIComponent(first?.remote ?? '')}`;
    expect(await rtmp.server.api('DELETE', url)).toMatchObject({ status: 200 });
    await one.closed;
    const { length } = other.frames;
    await other.untilFrames(length + 5);
    expect((await rtmp.channel('/live/foo'))?.players).toHaveLength(1);
    expect(await rtmp.server.api('DELETE', url)).toMatchObject({ status: 404 });
  });

  test('is not for a read-only server', async () => {
    const rtmp = await RtmpTestServer.forTest({ CORE_API_READ_ONLY: 'true' });
    expect(await rtmp.server.api('DELETE', '/v3/rtmp/live/foo')).toMatchObject({ status: 404 });
    expect(await rtmp.channels()).toEqual([]);
  });
});

test('without RTMP there is nothing to list or to play', async () => {
  const rtmp = await RtmpTestServer.forTest({ CORE_RTMP_ENABLE: 'false' });
  const nothing = { status: 404, body: { code: 404, message: 'Not Found', details: ['Not Found'] } };
  expect(await rtmp.server.api('GET', '/v3/rtmp')).toMatchObject(nothing);
  expect(await rtmp.server.api('DELETE', '/v3/rtmp/live/foo')).toMatchObject(nothing);
  expect((await fetch(`${rtmp.server.base}/rtmp/live/foo.flv`)).status).toBe(404);
});

describe('limits of the sessions', () => {
  test("of their number hold for players, and publishers take nobody's place", async () => {
    const rtmp = await RtmpTestServer.forTest({ CORE_SESSIONS_MAX_SESSIONS: '2' });
    await publish(rtmp.url('/live/foo'));
    await rtmp.untilNames('/live/foo');
    // All at once: whoever is admitted counts for the next one.
    const players = Array.from({ length: 6 }, () => new TestPlayer(rtmp.url('/live/foo')));
    const codes = await Promise.all(players.map(refusal));
    expect(codes.filter((code) => code === '')).toHaveLength(2);
    expect(codes.filter((code) => code === 'NetStream.Play.Failed')).toHaveLength(4);
    await rtmp.untilLogged(/level=WARN .*msg="Number of sessions exceeded" action="LIMIT" .* who="PLAY"/);
    const flv = await fetch(`${rtmp.server.base}/rtmp/live/foo.flv`);
    expect([flv.status, await flv.json()]).toEqual([
      509,
      { code: 509, message: 'Bandwith limit exceeded', details: ['Number of sessions exceeded'] },
    ]);
  });

  test('do not hold for addresses that do not count', async () => {
    const rtmp = await RtmpTestServer.forTest({
      CORE_SESSIONS_MAX_SESSIONS: '1',
      CORE_SESSIONS_IP_IGNORELIST: '127.0.0.1/32',
    });
    await publish(rtmp.url('/live/foo'));
    await rtmp.untilNames('/live/foo');
    for (let n = 0; n < 3; n++) await (await play(rtmp.url('/live/foo'))).untilFrames(1);
    expect(await rtmp.sessions()).toEqual([]);
  });
});

test.each([
  ['a broken escape', '%zz'],
  ['a segment that goes up', 'a%2F..%2Fx'],
  ['a control character', 'a%00b'],
  ['too long a path', 'x'.repeat(1100)],
])('%s makes no address: that is refused and logged, without a word of it', async (_name, part) => {
  const rtmp = await RtmpTestServer.forTest({ CORE_RTMP_TOKEN: TOKEN });
  const url = rtmp.url(`/live/${part}/${ENCODED}`);
  expect(await refusal(new TestPublisher(url))).toBe('NetStream.Publish.Denied');
  expect(await refusal(new TestPlayer(url))).toBe('NetStream.Play.Failed');
  await rtmp.untilLogged(/level=WARN .*msg="invalid path" action="INVALID" .* path="" who="PUBLISH"/);
  await rtmp.untilLogged(/level=WARN .*msg="invalid path" action="INVALID" .* path="" who="PLAY"/);
  expect(rtmp.server.log()).not.toMatch(/tok\/en|tok%2Fen/);
});
