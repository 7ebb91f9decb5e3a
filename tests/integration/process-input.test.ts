import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startServer, type TestServer } from '../support/server.ts';
import { endless, FFMPEG, NOWHERE, PICTURE, ProcessClient } from './process-server.ts';

let server: TestServer;
let client: ProcessClient;

beforeAll(async () => {
  server = await startServer();
  client = new ProcessClient(server);
});
afterAll(async () => {
  await server.close();
});

const BARE = { autostart: false, input: [{ id: 'i', address: 'x' }], output: [{ id: 'o', address: '-' }] };

/** Requests that need more control than JSON and an existing path. */
async function send(method: string, path: string, body: string, type = 'application/json') {
  const { access } = await server.login();
  const response = await fetch(`${server.base}/api/v3${path}`, {
    method,
    headers: { authorization: `Bearer ${access}`, ...(type !== '' && { 'content-type': type }) },
    ...(body !== '' && { body }),
  });
  return { status: response.status, body: (await response.json()) as unknown };
}

describe('an id', () => {
  test.each([
    ['of 10,000 characters', 'x'.repeat(10_000)],
    ['with a NUL', 'a\u0000b'],
    ['with slashes and dots', '../../etc/passwd'],
    ['that is a property of objects', '__proto__'],
    ['with a percent sign', '100%'],
    ['that looks escaped', 'a%2Fb'],
    ['of other scripts', 'камера 📷'],
    ['with markup', '<b>&"\u2028'],
  ])('%s can be used everywhere', async (_what, id) => {
    const url = `/process/${encodeURIComponent(id)}`;
    expect(await client.call('POST', '/process', { id, ...BARE })).toMatchObject({
      status: 200,
      body: { id },
    });
    expect(await client.call('GET', `${url}?filter=config`)).toMatchObject({
      status: 200,
      body: { config: { id } },
    });
    expect(await client.call('PUT', `${url}/metadata/${encodeURIComponent(id)}`, { id })).toMatchObject({
      status: 200,
    });
    expect((await client.call('GET', `${url}/metadata`)).body).toEqual(Object.fromEntries([[id, { id }]]));
    expect(await client.call('PUT', url, { reference: id })).toMatchObject({ status: 200 });
    expect(await client.call('DELETE', url)).toMatchObject({ status: 200, body: 'OK' });
    expect(await client.call('GET', url)).toMatchObject({ status: 404 });
  });

  test('too long for a URL is refused, as nobody could remove its process', async () => {
    const longest = '\u00e9'.repeat(8192);
    expect(await client.call('POST', '/process', { id: longest, ...BARE })).toMatchObject({ status: 200 });
    expect(await client.call('DELETE', `/process/${encodeURIComponent(longest)}`)).toMatchObject({
      status: 200,
    });

    const refused = { status: 400, body: { details: ['an ID of more than 16384 bytes is not allowed'] } };
    const id = `${longest}x`;
    expect(await client.call('POST', '/process', { id, ...BARE })).toMatchObject(refused);
    await client.call('POST', '/process', { id: 'short', ...BARE });
    expect(await client.call('PUT', '/process/short', { id })).toMatchObject(refused);
    await client.call('DELETE', '/process/short');
    expect((await client.call('GET', '/process')).body).toEqual([]);
  });

  test('may be escaped twice', async () => {
    await client.call('POST', '/process', { id: 'a%b', ...BARE });
    for (const path of ['a%25b', 'a%2525b']) {
      expect((await client.call('GET', `/process/${path}?filter=metadata`)).body).toMatchObject({
        id: 'a%b',
      });
    }
    await client.call('DELETE', '/process/a%25b');
  });
});

describe('a body', () => {
  test.each([
    ['without content', '', 'application/json', "request doesn't contain any content"],
    ['of another type', '{}', 'text/plain', "request doesn't contain JSON content"],
    [
      'that is cut',
      '{"id":"a",',
      'application/json',
      'syntax error at line 1, character 10: unexpected end of JSON input',
    ],
    ['with text behind', '{} x', 'application/json', expect.stringContaining('after top-level value')],
    ['of a wrong type', '[]', 'application/json', expect.stringContaining('expect type')],
  ])('%s is refused', async (_what, body, type, detail) => {
    for (const [method, path] of [
      ['POST', '/process'],
      ['PUT', '/process/x/command'],
    ] as const) {
      if (body === '[]' && method === 'PUT') continue;
      expect(await send(method, path, body, type)).toEqual({
        status: 400,
        body: { code: 400, message: 'Invalid JSON', details: [detail] },
      });
    }
  });

  test('that is too large is refused', async () => {
    const body = JSON.stringify({ ...BARE, options: ['x'.repeat(2 * 1024 * 1024)] });
    expect(await send('POST', '/process', body)).toMatchObject({ status: 413 });
  });

  test('is only read for a process that is there', async () => {
    expect(await send('PUT', '/process/nope', 'no json', '')).toMatchObject({
      status: 404,
      body: { message: 'Process not found', details: ['nope'] },
    });
  });

  test('of whatever JSON gets a clean answer and leaves the rest alone', async () => {
    await client.call('POST', '/process', { id: 'fuzz', ...BARE });
    const names = fc.constantFrom(
      'id',
      'type',
      'reference',
      'input',
      'output',
      'options',
      'limits',
      'cleanup',
      'address',
    );
    const { json } = fc.letrec((tie) => ({
      json: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom<unknown>(
          null,
          true,
          0,
          -1,
          1.5,
          1e300,
          '',
          ' ',
          '-',
          'x',
          '{memfs}',
          '#a:output=b',
          '|',
          '[f=x]y',
        ),
        fc.array(tie('json'), { maxLength: 3 }),
        fc.dictionary(fc.oneof(names, fc.string()), tie('json'), { maxKeys: 5 }),
      ),
    }));
    await fc.assert(
      fc.asyncProperty(fc.constantFrom('PUT', 'POST'), json, async (method, body) => {
        const safe =
          typeof body === 'object' && body !== null ? { ...body, id: 'fuzz', autostart: false } : body;
        const answer = await client.call(method, method === 'PUT' ? '/process/fuzz' : '/process', safe);
        expect([200, 400]).toContain(answer.status);
        expect((await client.state('fuzz')).exec).toBe('finished');
      }),
      { numRuns: 200 },
    );
    expect(server.log()).not.toContain('level=ERROR');
  });
});

test.skipIf(FFMPEG === '')(
  'an argument that no program can get fails the process, not the server',
  async () => {
    await client.create(
      endless('nul', { autostart: true, options: ['a\u0000b'], input: [PICTURE], output: [NOWHERE] }),
    );
    await client.untilExec('nul', 'failed');
    expect((await client.state('nul')).last_logline).not.toBe('');
    expect((await client.call('GET', '/process/nul/probe')).status).toBe(200);
    await client.call('DELETE', '/process/nul');
  },
);

test('metadata of several hundred kilobytes is kept as it is', async () => {
  const value = { state: Array.from({ length: 20_000 }, (_, index) => ({ index, text: `<${index}>` })) };
  expect((await client.call('PUT', '/metadata/big', value)).body).toEqual(value);
  expect((await client.call('GET', '/metadata/big')).body).toEqual(value);
});

test('the widget needs no login', async () => {
  await client.call('POST', '/process', { id: 'w:1', ...BARE });
  for (const id of ['w:1', 'w%3A1']) {
    const response = await fetch(`${server.base}/api/v3/widget/process/${id}`);
    expect([response.status, await response.json()]).toEqual([
      200,
      { current_sessions: 0, total_sessions: 0, uptime: 0 },
    ]);
  }
  expect((await fetch(`${server.base}/api/v3/widget/process/nope`)).status).toBe(404);
});

test('a read-only server changes nothing', async () => {
  const readOnly = await startServer({ env: { CORE_API_READ_ONLY: 'true' } });
  try {
    const other = new ProcessClient(readOnly);
    for (const [method, url] of [
      ['POST', '/process'],
      ['PUT', '/process/a'],
      ['DELETE', '/process/a'],
      ['PUT', '/process/a/command'],
      ['PUT', '/process/a/metadata/b'],
      ['PUT', '/metadata/b'],
      ['PUT', '/process/a/playout/b/stream'],
    ] as const) {
      expect([url, await other.call(method, url, {})]).toMatchObject([
        url,
        { status: 404, body: { message: 'Not Found', details: ['Not Found'] } },
      ]);
    }
    expect(await other.call('GET', '/process')).toMatchObject({ status: 200, body: [] });
  } finally {
    await readOnly.close();
  }
});
