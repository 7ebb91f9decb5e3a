import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CHROMIUM, launchBrowser } from '../support/browser.ts';
import { PASSWORD, type TestServer, USERNAME, startServer } from '../support/server.ts';

describe.skipIf(!CHROMIUM)('the pages that show the API', () => {
  let server: TestServer;
  let browser: Browser;

  beforeAll(async () => {
    server = await startServer();
    browser = await launchBrowser();
  });

  afterAll(async () => {
    await browser.close();
    await server.close();
  });

  test('Swagger UI lists the operations, and its policy forbids nothing that it needs', async () => {
    const page = await browser.newPage();
    const complaints: string[] = [];
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
    await page.goto(`${server.base}/api/swagger/`);
    await page.getByText('Issue a command to a process').waitFor();
    expect(complaints).toEqual([]);
    await page.close();
  });

  test('the GraphQL page logs in and answers a query', async () => {
    const page = await browser.newPage();
    await page.goto(`${server.base}/api/graph`);
    await page.getByLabel('User name').fill(USERNAME);
    await page.getByLabel('Password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByText('Logged in.').waitFor();
    await page.getByLabel('Query').fill('{ping}');
    await page.getByRole('button', { name: 'Run' }).click();
    await page.getByRole('status').getByText('pong').waitFor();
    await page.close();
  });
});
