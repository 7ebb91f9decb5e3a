import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Client, MillraceError } from '@millrace/client';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CHROMIUM, launchBrowser } from '../support/browser.ts';
import { startCuttingProxy } from '../support/cutting-proxy.ts';
import { installPackedClient, runTool } from '../support/packed-client.ts';
import { PASSWORD, startServer, type TestServer, USERNAME } from '../support/server.ts';

/** What the page offers. */
declare const millrace: { Client: typeof Client; MillraceError: typeof MillraceError };

const CREDENTIALS = { username: USERNAME, password: PASSWORD };
const PROCESS = {
  input: [{ address: 'testsrc=size=64x64:rate=25', options: ['-re', '-f', 'lavfi'] }],
  output: [{ address: '-', options: ['-f', 'null'] }],
};

// The page is of another origin than the server, so that every call needs the server's leave.
describe.skipIf(!CHROMIUM)('the client in a browser', () => {
  let folder: string;
  let server: TestServer;
  let pages: Server;
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'millrace-browser-client-'));
    await installPackedClient(folder);
    await writeFile(path.join(folder, 'index.html'), '<script type="module" src="/main.ts"></script>');
    const main = `import { Client, MillraceError } from '@millrace/client'; globalThis.millrace = { Client, MillraceError };`;
    await writeFile(path.join(folder, 'main.ts'), main);
    expect(await runTool('vite', ['build', '--logLevel', 'warn'], { cwd: folder })).toEqual({
      code: 0,
      output: '',
    });

    pages = createServer((request, response) => {
      const name = request.url === '/' ? 'index.html' : (request.url ?? '');
      response.setHeader('content-type', name.endsWith('.js') ? 'text/javascript' : 'text/html');
      readFile(path.join(folder, 'dist', name)).then(
        (text) => response.end(text),
        () => response.writeHead(404).end(),
      );
    });
    pages.listen(0, '127.0.0.1');
    await once(pages, 'listening');
    server = await startServer();
    browser = await launchBrowser();
    page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${(pages.address() as AddressInfo).port}/`);
    await page.waitForFunction(() => 'millrace' in globalThis);
  }, 180_000);

  afterAll(async () => {
    await browser.close();
    await server.close();
    pages.closeAllConnections();
    pages.close();
    await rm(folder, { recursive: true });
  });

  test('logs in, leads a process, and waits for it', async () => {
    const found = await page.evaluate(
      async ({ options, process }) => {
        const client = new millrace.Client(options);
        await client.login();
        await client.processes.add({ ...process, id: 'browser:1' });
        const { exec } = await client.waitFor('browser:1', 'running');
        const listed = await client.processes.list({ idpattern: 'browser:*', filter: ['config'] });
        await client.processes.remove('browser:1');
        return { exec, ids: listed.map(({ id }) => id) };
      },
      { options: { baseUrl: server.base, ...CREDENTIALS }, process: PROCESS },
    );
    expect(found).toEqual({ exec: 'running', ids: ['browser:1'] });
  });

  test('has the message, details and status of an error', async () => {
    const error = await page.evaluate(
      async (options) => {
        const client = new millrace.Client(options);
        try {
          await client.processes.get('nobody');
          return undefined;
        } catch (error) {
          if (!(error instanceof millrace.MillraceError)) throw error;
          return { code: error.code, status: error.status, message: error.message, details: error.details };
        }
      },
      { baseUrl: server.base, ...CREDENTIALS },
    );
    expect(error).toEqual({
      code: 'status',
      status: 404,
      message: 'Unknown process ID',
      details: ['unknown process'],
    });
  });

  test('stores blobs, reads files as streams, and says that it cannot send streams over HTTP/1.1', async () => {
    const found = await page.evaluate(
      async (options) => {
        const client = new millrace.Client(options);
        const size = 8 * 1024 * 1024;
        await client.files.put('mem', '/blob', new Blob([new Uint8Array(size)]));
        const reader = (await client.files.get('mem', '/blob')).body?.getReader();
        let length = 0;
        for (let part = await reader?.read(); part?.done === false; part = await reader?.read())
          length += part.value.length;
        const failure: unknown = await client.files
          .put('mem', '/stream', new Blob(['text']).stream())
          .catch((error: unknown) => error);
        return { isWhole: length === size, details: (failure as MillraceError).details };
      },
      { baseUrl: server.base, ...CREDENTIALS },
    );
    expect(found).toEqual({
      isWhole: true,
      details: expect.arrayContaining([
        expect.stringContaining('browsers send streams over HTTP/2 only'),
      ]) as string[],
    });
  });

  test('loses no event and gets none twice over a line that is cut every few hundred milliseconds', async () => {
    await using proxy = await startCuttingProxy(server.base, [100, 400]);
    const api = (method: string, url: string, body?: object) => server.api(method, `/v3/process${url}`, body);
    const reading = page.evaluate(
      async (options) => {
        const client = new millrace.Client({ ...options, retries: 20 });
        const seen: string[] = [];
        for await (const event of client.events({ type: 'process.added', process: 'line-*', after: 0 })) {
          if (event.type === 'process.added') seen.push(event.process);
          if (seen.at(-1) === 'line-last') break;
        }
        return seen;
      },
      { baseUrl: proxy.base, ...CREDENTIALS },
    );
    const expected: string[] = [];
    for (let i = 0; proxy.cuts < 10; i++) {
      const id = `line-${i}`;
      await api('POST', '', { ...PROCESS, id, autostart: false });
      await api('DELETE', `/${id}`);
      expected.push(id);
    }
    await api('POST', '', { ...PROCESS, id: 'line-last', autostart: false });
    expect(await reading).toEqual([...expected, 'line-last']);
  }, 120_000);
});
