import { once } from 'node:events';
import path from 'node:path';
import { connect as connectTls } from 'node:tls';
import { describe, expect, test, vi } from 'vitest';
import { h264 } from '../support/encoding.ts';
import { freePort } from '../support/ports.ts';
import { FFMPEG, SOON, makeFolder } from './process-server.ts';
import { type Probed, Publisher, RtmpTestServer, SOURCES, probe } from './rtmp-server.ts';
import { writeCertificate } from './tls-server.ts';

const codecs = ({ streams }: Probed) => streams.map(({ codec_name }) => codec_name).sort();
const seconds = (packet: Probed['packets'][number] | undefined) =>
  Number(packet?.pts_time ?? packet?.dts_time);

describe.skipIf(FFMPEG === '')('FFmpeg', () => {
  test('publishes, and players who come at any time begin at 0 with a key frame', async () => {
    const rtmp = await RtmpTestServer.forTest();
    await rtmp.published('/live/foo.stream');
    for (let player = 0; player < 3; player++) {
      const probed = await probe(rtmp.url('/live/foo.stream'), 0.5);
      expect(codecs(probed)).toEqual(['aac', 'h264']);
      const first = probed.packets.find(({ codec_type }) => codec_type === 'video');
      expect(first).toMatchObject({ flags: expect.stringMatching(/^K/) as string });
      expect(Math.min(...probed.packets.map(seconds))).toBe(0);
    }
    await expect
      .poll(() => rtmp.channels(), SOON)
      .toEqual([
        {
          name: '/live/foo.stream',
          reference: 'foo',
          created_at: expect.any(Number) as number,
          remote: expect.stringMatching(/^127\.0\.0\.1:\d+$/) as string,
          protocol: 'rtmp',
          bytes_rx: expect.any(Number) as number,
          bandwidth_rx_kbit: expect.any(Number) as number,
          video_codecs: ['h264'],
          audio_codecs: ['aac'],
          gop_sec: 1,
          players: [],
        },
      ]);
    await rtmp.untilLogged(
      /level=INFO component="RTMP" action="START" .* path="\/live\/foo.stream" who="PUBLISH"/,
    );
    for (const codec of ['H264', 'AAC']) {
      await rtmp.untilLogged(new RegExp(`level=INFO .*msg="${codec}" action="STREAM" .* who="PUBLISH"`));
    }
    await rtmp.untilLogged(/level=INFO component="RTMP" action="STOP" .* who="PLAY"/);
    expect(rtmp.lines().filter((line) => line.includes('level=ERROR'))).toEqual([]);
  });

  test('that plays is counted as a session up to its end, and told as events', async () => {
    const rtmp = await RtmpTestServer.forTest({ CORE_SESSIONS_SESSION_TIMEOUT_SEC: '3600' });
    const publisher = await rtmp.published('/live/foo.stream');
    const playing = probe(rtmp.url('/live/foo.stream'), 2);
    await vi.waitFor(async () => {
      expect(await rtmp.sessions()).toMatchObject([
        {
          id: '/live/foo.stream',
          reference: 'foo',
          local: 'publish:/live/foo.stream',
          remote: expect.stringMatching(/^127\.0\.0\.1:\d+$/) as string,
          extra: '',
        },
        {
          id: expect.stringMatching(/^127\.0\.0\.1:\d+$/) as string,
          reference: 'foo',
          local: 'play:/live/foo.stream',
        },
      ]);
      const [publishing, player] = await rtmp.sessions();
      expect(publishing?.bytes_rx).toBeGreaterThan(10_000);
      expect(player?.bytes_tx).toBeGreaterThan(10_000);
    }, SOON);
    await playing;
    await vi.waitFor(async () => {
      expect((await rtmp.sessions()).map(({ local }) => local)).toEqual(['publish:/live/foo.stream']);
    }, SOON);
    await publisher.stop();
    await rtmp.untilNames();
    await vi.waitFor(async () => {
      expect(await rtmp.sessions()).toEqual([]);
    }, SOON);
    const { access } = await rtmp.server.login();
    const end = new AbortController();
    const response = await fetch(`${rtmp.server.base}/api/v3/events?type=stream&last_event_id=0`, {
      headers: { authorization: `Bearer ${access}` },
      signal: end.signal,
    });
    let text = '';
    for await (const chunk of response.body ?? []) {
      text += Buffer.from(chunk as Uint8Array).toString();
      if (text.includes('stream.unpublished')) break;
    }
    end.abort();
    expect(text).toMatch(
      /"type":"stream.published",.*"protocol":"rtmp","name":"\/live\/foo.stream","reference":"foo","remote":"127/,
    );
  });

  test.each([
    ['video', ['h264']],
    ['mp3', ['h264', 'mp3']],
  ] as const)('publishes %s', async (source, expected) => {
    const rtmp = await RtmpTestServer.forTest();
    await rtmp.published('/live/foo', SOURCES[source]);
    expect(codecs(await probe(rtmp.url('/live/foo')))).toEqual(expected);
  });

  test('publishes sound alone, of which a late player gets no more than the last second', async () => {
    const rtmp = await RtmpTestServer.forTest();
    await rtmp.published('/live/radio', SOURCES.audio);
    await vi.waitFor(async () => {
      expect((await rtmp.channel('/live/radio'))?.bytes_rx).toBeGreaterThan(3 * 8 * 1024);
    }, SOON);
    const started = performance.now();
    const { packets } = await probe(rtmp.url('/live/radio'), 2);
    const elapsed = (performance.now() - started) / 1000;
    expect(seconds(packets[0])).toBe(0);
    // What comes at once is not more than a second of it; a busy machine only makes it take longer.
    expect(elapsed).toBeGreaterThan(2 - 1.2);
  });

  test('publishes to a process that writes HLS, which another process feeds with a tee', async () => {
    const rtmp = await RtmpTestServer.forTest({ CORE_RTMP_TOKEN: 'the secret' });
    const encode = [...h264(10), '-threads', '1'];
    await create(rtmp, {
      id: 'camera',
      input: [{ id: 'in', address: 'testsrc=size=64x64:rate=10', options: ['-re', '-f', 'lavfi'] }],
      output: [
        {
          id: 'out',
          address: '[f=flv]{rtmp,name=one.stream}|[f=flv]{rtmp,name=two.stream}',
          options: [...encode, '-pix_fmt', 'yuv420p', '-map', '0:v', '-flags', '+global_header', '-f', 'tee'],
        },
      ],
    });
    await rtmp.untilNames('/live/one.stream', '/live/two.stream');
    await create(rtmp, {
      id: 'hls',
      input: [{ id: 'in', address: '{rtmp,name=two.stream}' }],
      output: [
        {
          id: 'out',
          address: '{memfs}/two.m3u8',
          options: ['-c', 'copy', '-f', 'hls', '-hls_time', '1', '-method', 'PUT'],
        },
      ],
    });
    const playlist = `${rtmp.server.base}/memfs/two.m3u8`;
    await vi.waitFor(async () => {
      expect((await fetch(playlist)).status).toBe(200);
    }, SOON);
    expect(codecs(await probe(playlist))).toEqual(['h264']);
    expect(rtmp.server.log()).not.toMatch(/the secret|the%20secret/);
  });

  test('plays a stream over HTTP, too', async () => {
    const rtmp = await RtmpTestServer.forTest({ CORE_RTMP_TOKEN: 'abc' });
    const source = await rtmp.published('/live/foo?token=abc', SOURCES.both, '/live/foo');
    const url = `${rtmp.server.base}/rtmp/live/foo`;
    const probed = await probe(`${url}.flv?token=abc`, 0.5);
    expect(codecs(probed)).toEqual(['aac', 'h264']);
    expect(Math.min(...probed.packets.map(seconds))).toBe(0);
    for (const [wrong, status] of [
      [`${url}.flv`, 403],
      [`${url}.flv?token=wrong`, 403],
      [`${url}/abc.flv`, 403],
      [`${url}x.flv?token=abc`, 404],
      [`${url}?token=abc`, 404],
    ] as const) {
      expect((await fetch(wrong)).status).toBe(status);
    }
    const viewer = await fetch(`${url}.flv?token=abc`, { headers: { origin: 'http://example.com' } });
    expect(Object.fromEntries(viewer.headers)).toMatchObject({
      'content-type': 'video/x-flv',
      'access-control-allow-origin': '*',
      'cache-control': 'no-store',
    });
    expect((await rtmp.channel('/live/foo'))?.players).toMatchObject([{ protocol: 'flv' }]);
    expect((await rtmp.sessions()).map(({ local }) => local)).toContain('play:/live/foo');
    await source.stop();
    expect(Buffer.from(await viewer.arrayBuffer()).subarray(0, 5)).toEqual(Buffer.from('FLV\x01\x05'));
    expect(rtmp.server.log()).not.toMatch(/token=abc/);
  });
});

describe.skipIf(FFMPEG === '')('RTMPS', () => {
  test('shares its streams with RTMP, and follows the certificate', async () => {
    const folder = await makeFolder();
    await writeCertificate(folder);
    const [secure, https] = [await freePort(), await freePort()];
    const rtmp = await RtmpTestServer.forTest({
      CORE_TLS_ENABLE: 'true',
      CORE_TLS_ADDRESS: `127.0.0.1:${https}`,
      CORE_TLS_CERT_FILE: path.join(folder, 'cert.pem'),
      CORE_TLS_KEY_FILE: path.join(folder, 'key.pem'),
      CORE_RTMP_ENABLE_TLS: 'true',
      CORE_RTMP_ADDRESS_TLS: `127.0.0.1:${secure}`,
    });
    const url = `rtmps://127.0.0.1:${secure}/live/foo`;
    new Publisher(url, SOURCES.both);
    await rtmp.untilNames('/live/foo');
    expect(await rtmp.channels()).toMatchObject([{ protocol: 'rtmps' }]);
    expect(codecs(await probe(rtmp.url('/live/foo'), 0.5))).toEqual(['aac', 'h264']);
    expect(codecs(await probe(url, 0.5))).toEqual(['aac', 'h264']);
    expect(rtmp.lines().every((line) => line.includes('component="RTMP/S"'))).toBe(true);

    const before = await fingerprint(secure);
    await writeCertificate(folder);
    await rtmp.server.app.reload();
    await vi.waitFor(async () => {
      expect(await fingerprint(secure)).not.toBe(before);
    }, SOON);
    expect(await fingerprint(secure)).toBe(await fingerprint(https));
    expect(await rtmp.names()).toEqual(['/live/foo']);
  });
});

async function create(rtmp: RtmpTestServer, config: object): Promise<void> {
  const { status, body } = await rtmp.server.api('POST', '/v3/process', { autostart: true, ...config });
  expect([status, body]).toEqual([200, expect.anything()]);
}

/** Of the certificate that a new connection is shown. */
async function fingerprint(port: number): Promise<string> {
  const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const { fingerprint256 } = socket.getPeerCertificate();
  socket.destroy();
  return fingerprint256;
}
