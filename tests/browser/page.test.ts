import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { assemblePage } from '../../scripts/page.mjs';
import { ensureTestPattern } from '../../scripts/test-pattern.mjs';
import { CHROMIUM, launchBrowser } from '../support/browser.ts';
import { startPrefixProxy } from '../support/prefix-proxy.ts';
import { PASSWORD, type TestServer, USERNAME, startServer } from '../support/server.ts';

describe.skipIf(!CHROMIUM)('the page of the server', () => {
  let folder: string;
  let server: TestServer;
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'millrace-page-'));
    assemblePage(folder);
    server = await startServer({
      env: { CORE_ROUTER_UI_PATH: folder, CORE_SESSIONS_IP_IGNORELIST: '' },
    });
    const credentials = { username: USERNAME, password: PASSWORD };
    expect(await ensureTestPattern(server.base, credentials, new Promise(() => undefined))).toBe('');
    browser = await launchBrowser();
  });

  afterAll(async () => {
    await browser.close();
    await server.close();
    await rm(folder, { recursive: true });
  });

  afterEach(async () => {
    await page.context().close();
  });

  async function open(): Promise<Page> {
    page = await browser.newPage();
    await page.goto(`${server.base}/ui/`);
    return page;
  }

  async function logIn(password = PASSWORD): Promise<void> {
    await page.getByLabel('User').fill(USERNAME);
    await page.getByLabel('Password').fill(password);
    await page.getByRole('button', { name: 'Log in' }).click();
  }

  /** Waits until the picture moves. */
  async function untilPlaying(): Promise<void> {
    const moves = () => {
      const video = document.querySelector('video');
      return video !== null && !video.paused && video.currentTime > 1 && video.videoWidth > 0;
    };
    await page.waitForFunction(moves, undefined, { timeout: 30_000 });
  }

  const state = (word: string) => page.getByRole('status').getByText(word).waitFor();

  test('says that a password is wrong, and stays at the login', async () => {
    await open();
    await logIn('wrong');
    await page.getByRole('alert').getByText('The user name or the password is wrong.').waitFor();
    expect(await page.getByRole('heading', { name: 'Log in' }).isVisible()).toBe(true);
  });

  test('plays the stream after the login, with its state beside it', async () => {
    await open();
    await logIn();
    await untilPlaying();
    await state('Running');
    for (const name of ['Frames per second', 'Bitrate', 'Speed', 'CPU', 'Memory']) {
      const figure = page.locator('#figures > div', { hasText: name }).locator('dd', { hasText: /\d/ });
      await figure.waitFor();
    }
    await page.locator('#logline', { hasText: /\w/ }).waitFor();
  });

  test('is one viewer of the stream while it plays', async () => {
    await open();
    await logIn();
    await untilPlaying();
    const agent = await page.evaluate(() => navigator.userAgent);
    const { body } = await server.api('GET', '/v3/session/active?collectors=hls');
    const { hls } = body as { hls: { local: string; remote: string; extra: string; bytes_tx: number }[] };
    // Those of earlier pages have not timed out yet.
    const viewer = hls.at(-1);
    expect(viewer).toMatchObject({ extra: `[127.0.0.0] ${agent}` });
    expect(viewer?.local).toMatch(/^\/memfs\/.*\.m3u8$/);
    expect(viewer?.bytes_tx).toBeGreaterThan(10_000);
  });

  test('shows no credentials in the last line of FFmpeg', async () => {
    await open();
    await logIn();
    await page.locator('#logline', { hasText: 'http://' }).waitFor();
    expect(await page.locator('#logline').textContent()).not.toContain('@127');
  });

  test('stops and starts the process', async () => {
    await open();
    await logIn();
    await untilPlaying();
    await page.getByRole('button', { name: 'Stop' }).click();
    await state('Stopped');
    expect(await page.getByRole('button', { name: 'Stop' }).isDisabled()).toBe(true);
    await page.getByRole('button', { name: 'Start' }).click();
    await state('Running');
    await untilPlaying();
  });

  test('keeps the session when it is reloaded, and ends it with the logout', async () => {
    await open();
    await logIn();
    await state('Running');
    await page.reload();
    await state('Running');
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.getByRole('heading', { name: 'Log in' }).waitFor();
    await page.reload();
    await page.getByRole('heading', { name: 'Log in' }).waitFor();
    expect(await page.evaluate(() => sessionStorage.length)).toBe(0);
  });

  test('plays the stream below the path of a proxy, and asks for nothing elsewhere', async () => {
    await using proxy = await startPrefixProxy(server.base, '/media');
    page = await browser.newPage();
    const elsewhere: string[] = [];
    page.on('request', (request) => {
      if (!request.url().startsWith(`${proxy.base}/media/`) && !request.url().startsWith('blob:'))
        elsewhere.push(request.url());
    });
    await page.goto(`${proxy.base}/media/ui/`);
    await logIn();
    await untilPlaying();
    await state('Running');
    expect(elsewhere).toEqual([]);
  });

  test('reports no error of its own to the console', async () => {
    const errors: string[] = [];
    await open();
    page.on('pageerror', (error) => errors.push(error.message));
    await page.reload();
    await logIn();
    await untilPlaying();
    expect(errors).toEqual([]);
  });
});
