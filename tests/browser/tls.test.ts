import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { FFMPEG } from '../integration/process-server.ts';
import { BASIC, TlsServer, ask } from '../integration/tls-server.ts';
import { CHROMIUM, launchBrowser } from '../support/browser.ts';

/** Two seconds of pictures in a form that every Chromium plays. */
async function makeVideo(): Promise<Buffer | undefined> {
  const source = ['-f', 'lavfi', '-i', 'testsrc=size=64x64:rate=25:duration=2'];
  const output = ['-c:v', 'libvpx', '-f', 'webm', '-'];
  return promisify(execFile)(FFMPEG, [...source, ...output], { encoding: 'buffer' }).then(
    ({ stdout }) => stdout,
    () => undefined,
  );
}

describe.skipIf(!CHROMIUM || FFMPEG === '')('over HTTPS', () => {
  test('Chromium plays a video with HTTP/2', async (context) => {
    const video = await makeVideo();
    if (video === undefined) context.skip('this FFmpeg makes no VP8');
    await using tls = await TlsServer.start();
    const put = { ':method': 'PUT', authorization: BASIC };
    await ask(tls.session(), { ...put, ':path': '/memfs/video.webm' }, video);
    const html = '<video src="video.webm" muted autoplay></video>';
    await ask(tls.session(), { ...put, ':path': '/memfs/page.html' }, html);

    const browser = await launchBrowser();
    try {
      const page = await browser.newPage({ ignoreHTTPSErrors: true });
      await page.goto(`https://localhost:${tls.port}/memfs/page.html`);
      await page.waitForFunction(() => (document.querySelector('video')?.currentTime ?? 0) > 0.5);
      const protocols = await page.evaluate(() =>
        (performance.getEntries() as PerformanceResourceTiming[])
          .filter(({ name }) => name.endsWith('/video.webm') || name.endsWith('/page.html'))
          .map(({ nextHopProtocol }) => nextHopProtocol),
      );
      expect(new Set(protocols)).toEqual(new Set(['h2']));
    } finally {
      await browser.close();
    }
  });
});
