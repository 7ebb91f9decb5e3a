import { copyFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FFMPEG } from '../integration/process-server.ts';
import { RtmpTestServer, SOURCES } from '../integration/rtmp-server.ts';
import { CHROMIUM, launchBrowser } from '../support/browser.ts';

const LIBRARIES = path.resolve(import.meta.dirname, '../../node_modules');
const PAGE = `<!doctype html><video muted autoplay></video>
<script src="/mpegts.js"></script><script src="/hls.min.js"></script>
<script>
  const video = document.querySelector('video');
  const url = decodeURIComponent(location.hash.slice(1));
  const player = url.endsWith('.m3u8') ? new Hls() : mpegts.createPlayer({ type: 'flv', isLive: true, url });
  if (url.endsWith('.m3u8')) player.loadSource(url);
  player.attachMedia ? player.attachMedia(video) : player.attachMediaElement(video);
  if (!url.endsWith('.m3u8')) { player.load(); player.play(); }
</script>`;

describe.skipIf(!CHROMIUM || FFMPEG === '')('a browser', () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await launchBrowser();
  });

  afterAll(() => browser.close());

  test('plays a stream that was published over RTMP as FLV, and as the HLS that a process makes of it', async () => {
    const rtmp = await RtmpTestServer.forTest({ CORE_RTMP_TOKEN: 'abc' });
    const { server } = rtmp;
    await rtmp.published('/live/foo.stream?token=abc', SOURCES.both, '/live/foo.stream');
    const { status } = await server.api('POST', '/v3/process', {
      id: 'hls',
      autostart: true,
      input: [{ id: 'in', address: '{rtmp,name=foo.stream}' }],
      output: [
        {
          id: 'out',
          address: '{memfs}/foo.m3u8',
          options: ['-c', 'copy', '-f', 'hls', '-hls_time', '1', '-method', 'PUT'],
        },
      ],
    });
    expect(status).toBe(200);
    await expect.poll(async () => (await fetch(`${server.base}/memfs/foo.m3u8`)).status).toBe(200);
    const data = path.join(server.folder, 'data');
    await copyFile(path.join(LIBRARIES, 'mpegts.js/dist/mpegts.js'), path.join(data, 'mpegts.js'));
    await copyFile(path.join(LIBRARIES, 'hls.js/dist/hls.min.js'), path.join(data, 'hls.min.js'));
    await writeFile(path.join(data, 'play.html'), PAGE);

    for (const url of ['/rtmp/live/foo.stream.flv?token=abc', '/memfs/foo.m3u8']) {
      const page = await browser.newPage();
      await page.goto(`${server.base}/play.html#${encodeURIComponent(server.base + url)}`);
      await page.waitForFunction(() => {
        const video = document.querySelector('video');
        return video !== null && video.currentTime > 1 && video.videoWidth === 160;
      });
      await page.close();
    }
    await expect
      .poll(async () => (await rtmp.channel('/live/foo.stream'))?.players)
      .toMatchObject([{ protocol: 'rtmp' }]);
  });
});
