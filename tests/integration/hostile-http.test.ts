import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { RawClient, statusOf } from '../support/raw-client.ts';
import { startServer, type TestServer } from '../support/server.ts';

let server: TestServer;
let token = '';

beforeAll(async () => {
  server = await startServer({
    env: { CORE_STORAGE_MEMORY_AUTH_USERNAME: 'mem', CORE_STORAGE_MEMORY_AUTH_PASSWORD: 'mem' },
  });
  token = (await server.login()).access;
});
afterAll(async () => {
  await server.close();
});

const HOST = 'Host: x\r\n';
const BASIC = 'Authorization: Basic bWVtOm1lbQ==\r\n';
const bearer = () => `Authorization: Bearer ${token}\r\n`;

/** Sends one request and waits for the end of the connection. */
async function ask(line: string, headers = '', body = ''): Promise<string> {
  const head = `${line} HTTP/1.1\r\n${HOST}Connection: close\r\n${headers}\r\n`;
  return new RawClient(server.base).send(head + body).untilClosed();
}

describe('what is no clean HTTP', () => {
  test.each([
    [
      'two kinds of length',
      'POST /api/login HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
    [
      'two lengths',
      'POST /api/login HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello',
    ],
    ['a length that is no number', 'POST /api/login HTTP/1.1\r\nHost: x\r\nContent-Length: +5\r\n\r\nhello'],
    ['a negative length', 'POST /api/login HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n'],
    [
      'an unknown coding',
      'POST /api/login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n',
    ],
    [
      'a coding behind chunked',
      'POST /api/login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n',
    ],
    [
      'a chunk without a size',
      'POST /api/login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n',
    ],
    ['bare line feeds', 'GET /ping HTTP/1.1\nHost: x\n\n'],
    ['a space before the colon', 'GET /ping HTTP/1.1\r\nHost : x\r\n\r\n'],
    ['a folded header', 'GET /ping HTTP/1.1\r\nHost: x\r\nA: b\r\n c: d\r\n\r\n'],
    ['no host', 'GET /ping HTTP/1.1\r\n\r\n'],
    ['an unknown method', 'FOO /ping HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['another protocol', '\u0016\u0003\u0001\u0002\u0000\u0001\u0000'],
    ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['a raw byte in the path', 'GET /\u00ff HTTP/1.1\r\nHost: x\r\n\r\n'],
  ])('%s is refused, and the connection closed', async (_what, request) => {
    // The second request must never be taken for one.
    const received = await new RawClient(server.base)
      .send(`${request}GET /ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)
      .untilClosed();
    expect(received.slice(0, 13)).toBe('HTTP/1.1 400 ');
    expect(received).not.toContain('pong');
  });

  test.each([
    ['header', `GET /ping HTTP/1.1\r\nHost: x\r\nA: ${'a'.repeat(70_000)}\r\n\r\n`],
    ['path', `GET /${'a'.repeat(70_000)} HTTP/1.1\r\nHost: x\r\n\r\n`],
    ['number of headers', `GET /ping HTTP/1.1\r\nHost: x\r\n${'a:b\r\n'.repeat(100_000)}\r\n`],
  ])('a %s above the limit gets 431', async (_what, request) => {
    expect(statusOf(await new RawClient(server.base).send(request).untilClosed())).toBe(431);
  });

  test('who names no host is told so', async () => {
    const received = await new RawClient(server.base).send('GET /ping HTTP/1.1\r\n\r\n').untilClosed();
    expect(received).toMatch(/^HTTP\/1\.1 400 [^]*\r\ncontent-type: text\/plain; charset=utf-8\r\n/i);
    expect(received).toContain('400 Bad Request: missing required Host header');
    expect(await new RawClient(server.base).send('GET /ping HTTP/1.0\r\n\r\n').untilClosed()).toContain(
      'pong',
    );
  });

  test('whatever bytes arrive, the server lives', async () => {
    const piece = fc.constantFrom(
      'GET ', 'PUT ', 'POST ', '/api', '/memfs/a', '/', '%', '%00', '..', '?', ' HTTP/1.1', '\r\n', '\n', 'Host: x',
      'Content-Length: 3', 'Transfer-Encoding: chunked', 'Expect: 100-continue', 'Connection: upgrade', 'abc', '0\r\n\r\n', '\u0000', '\u00ff',
    ); // prettier-ignore
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 30 }), async (pieces) => {
        const client = new RawClient(server.base).send(pieces.join(''));
        client.socket.end();
        await client.untilClosed();
      }),
      { numRuns: 150 },
    );
    expect(await ask('GET /ping')).toMatch(/pong$/);
  });
});

describe('a request target', () => {
  test.each([
    ['http://elsewhere/ping', 200],
    ['http://elsewhere/api', 200],
    ['http://elsewhere/api/', 200],
    ['http://elsewhere/api/v3/process', 401],
    ['HTTP://elsewhere', 404],
    ['http://elsewhere?x', 404],
    ['*', 404],
    ['/%61pi/v3/process', 401],
    ['/api/../api/v3/process', 401],
    ['/api/./v3/process', 401],
    ['/api/v3%2fprocess', 401],
    ['//api//v3/process', 404],
    ['/api%2fv3%2fprocess', 404],
    ['/API/v3/process', 404],
    ['/memfs/..%2f..%2fapi/v3/process', 404],
    ['/..%2f..%2f..%2fetc/passwd', 404],
    ['/%2e%2e/%2e%2e/%2e%2e/etc/passwd', 404],
    ['/..\\..\\etc\\passwd', 404],
    ['/a%00b', 404],
    ['/%', 400],
    ['/%zz', 400],
    ['/%ff', 400],
    ['/%c0%ae', 400],
    ['/x?%', 404],
  ])('%s gets %i without a token', async (target, status) => {
    expect(statusOf(await ask(`GET ${target}`))).toBe(status);
  });

  test.each([
    ['/api/v3/process/__proto__', 404],
    ['/api/v3/process/constructor/state', 404],
    ['/api/v3/process/%', 400],
    ['/api/v3/fs/__proto__/x', 404],
    ['/api/v3/fs/disk%00', 404],
    ['/api/v3/fs/disk/..%2f..%2f..%2fetc%2fpasswd', 404],
    ['/api/v3/fs/disk/../../../../etc/passwd', 404],
    ['/api/v3/metadata/constructor', 404],
    ['/api/v3/process?id=a&id=b&filter=x&filter=y', 200],
    ['/api/v3/process?__proto__=1&constructor=2&id[]=3', 200],
    ['/api/v3/process?refpattern=[z-a]', 200],
    ['/api/v3/process?id=%', 200],
    ['/api/v3/fs/disk?sort=__proto__&order=constructor&glob=a&glob=b', 200],
  ])('%s gets %i with a token', async (target, status) => {
    expect(statusOf(await ask(`GET ${target}`, bearer()))).toBe(status);
  });
});

test.each([
  ['an id', `/${'x'.repeat(60_000)}`, 404],
  ['an escaped id', `/${'%41'.repeat(20_000)}`, 404],
  ['a query', `?${'id=a&'.repeat(12_000)}`, 200],
  ['a pattern', `?idpattern=${'*a'.repeat(20_000)}`, 200],
  ['a nested pattern', `?idpattern=${'{'.repeat(4_000)}${'}'.repeat(4_000)}`, 200],
])('%s that is as long as a head may be is answered', async (_what, target, status) => {
  expect(statusOf(await ask(`GET /api/v3/process${target}`, bearer()))).toBe(status);
});

describe('an unusual method', () => {
  const PATHS = [
    '/ping',
    '/api',
    '/api/v3/process',
    '/api/v3/config',
    '/api/v3/metadata',
    '/memfs/x',
    '/',
    '/api/v3/fs/mem',
  ];

  test.each(['HEAD', 'PATCH', 'TRACE', 'PROPFIND', 'SOURCE', 'LOCK'])(
    '%s gets 404 everywhere',
    async (method) => {
      const answers = await Promise.all(PATHS.map((path) => ask(`${method} ${path}`, bearer())));
      expect(answers.map(statusOf)).toEqual(PATHS.map(() => 404));
    },
  );

  test('CONNECT ends the connection', async () => {
    expect(await ask('CONNECT x:80')).toBe('');
  });

  test('an upgrade that is not known is not made', async () => {
    const headers = 'Upgrade: websocket\r\n';
    const client = new RawClient(server.base).send(
      `GET /ping HTTP/1.1\r\n${HOST}Connection: upgrade\r\n${headers}\r\n`,
    );
    expect(await client.until(/pong$/)).toMatch(/^HTTP\/1\.1 200 /);
    client.vanish();
  });
});

describe('a body', () => {
  const chunked = (line: string, headers: string) =>
    `${line} HTTP/1.1\r\n${HOST}${headers}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`;
  const CHUNK = `10000\r\n${'a'.repeat(65_536)}\r\n`;

  test.concurrent.each([
    ['POST /api/login', 413],
    ['POST /api/v3/process', 413],
    ['PUT /api/v3/config', 413],
    ['PUT /api/v3/metadata/x', 413],
    ['POST /api/v3/auth/revoke', 413],
    ['PUT /api/v3/process/x', 404],
  ])('to %s without an end is answered with %i while it comes', async (line, status) => {
    const client = new RawClient(server.base).send(chunked(line, bearer())).sendForever(CHUNK);
    const answer = await client.until(/HTTP\/1\.1 \d+ [^]*\r\n\r\n/);
    expect(statusOf(answer)).toBe(status);
    await client.untilClosed();
  });

  test.each([
    'POST /api/login',
    'POST /api/v3/process',
    'PUT /api/v3/config',
    'PUT /api/v3/metadata/x',
    'POST /api/v3/auth/revoke',
  ])('to %s that is announced as too large is not waited for', async (line) => {
    const client = new RawClient(server.base).send(
      `${line} HTTP/1.1\r\n${HOST}${bearer()}Content-Type: application/json\r\nContent-Length: 1000000000\r\n\r\n`,
    );
    expect(statusOf(await client.until(/\r\n\r\n/))).toBe(413);
    client.vanish();
  });

  test('that nobody reads does not keep the connection, wherever it is sent', async () => {
    const lines = [
      'GET /', 'GET /ping', 'POST /ping', 'GET /api', 'GET /api/login', 'GET /api/login/refresh', 'POST /api/v3/process', 'GET /api/v3/nowhere',
      'PUT /memfs/x', 'PUT /api/v3/fs/disk/x', 'GET /memfs/x', 'OPTIONS /', 'GET /api/v3/widget/process/x', 'PROPFIND /',
    ]; // prettier-ignore
    await Promise.all(
      lines.map((line) =>
        new RawClient(server.base)
          .send(`${line} HTTP/1.1\r\n${HOST}Content-Length: 1000000\r\n\r\nbegin`)
          .untilClosed(),
      ),
    );
  });

  test.each([
    ['POST /api/v3/process', '', 401],
    ['PUT /memfs/x', '', 401],
    ['POST /nowhere', '', 404],
    ['PUT /api/v3/fs/mem/x', '', 401],
  ])('that waits for a word before %s is refused is never asked for', async (line, headers, status) => {
    const received = await new RawClient(server.base)
      .send(`${line} HTTP/1.1\r\n${HOST}${headers}Expect: 100-continue\r\nContent-Length: 5\r\n\r\n`)
      .untilClosed();
    expect(received).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  });

  test.each([
    ['PUT /memfs/expected', BASIC, 'hello', 201],
    ['PUT /api/v3/metadata/expected', 'bearer', '"abc"', 200],
    ['POST /api/v3/process', 'bearer', '"abc"', 400],
  ])('that waits for a word is asked for by %s', async (line, headers, body, status) => {
    const authorization = headers === 'bearer' ? bearer() : headers;
    const client = new RawClient(server.base).send(
      `${line} HTTP/1.1\r\n${HOST}${authorization}Content-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: 5\r\nConnection: close\r\n\r\n`,
    );
    await client.until(/^HTTP\/1\.1 100 Continue\r\n\r\n$/);
    expect(statusOf(await client.send(body).untilClosed())).toBe(status);
  });
});

describe('a client that wants its connection closed', () => {
  const LINES = [
    ['GET /ping', ''],
    ['GET /api', ''],
    ['GET /api/v3/process', ''],
    ['GET /nowhere', ''],
    ['OPTIONS /', ''],
    ['HEAD /ping', ''],
    ['GET /memfs/x', 'body'],
    ['POST /ping', 'body'],
    ['POST /api/v3/process', 'body'],
    ['PUT /memfs/x', 'body'],
  ] as const;

  test.each(['HTTP/1.1', 'HTTP/1.0'])('of %s gets that with every answer', async (version) => {
    for (const [line, body] of LINES) {
      const headers = `${HOST}Connection: close\r\nContent-Length: ${body.length}\r\n`;
      const client = new RawClient(server.base).send(`${line} ${version}\r\n${headers}\r\n${body}`);
      expect(await client.untilClosed()).toMatch(/^HTTP\/1\.1 \d/);
    }
  });
});

test('requests in one packet are answered in order', async () => {
  const paths = ['/ping', '/nowhere', '/api', '/api/v3/process'];
  const received = await new RawClient(server.base)
    .send(paths.map((path) => `GET ${path} HTTP/1.1\r\n${HOST}\r\n`).join(''))
    .send(`GET /ping HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`)
    .untilClosed();
  expect(
    Array.from(received.matchAll(/^HTTP\/1\.1 (\d+)|(?<=.)HTTP\/1\.1 (\d+)/gm), (m) => m[1] ?? m[2]),
  ).toEqual(['200', '404', '200', '401', '200']);
});

test('a header that says the same twice does not get anybody in', async () => {
  const wrong = 'Authorization: Bearer x\r\n';
  expect(statusOf(await ask('GET /api/v3/process', wrong + wrong))).toBe(401);
  expect(statusOf(await ask('GET /api/v3/process', wrong + bearer()))).toBe(200);
  expect(
    statusOf(await ask('GET /api/v3/process', `X-Forwarded-For: 127.0.0.1\r\nX-Forwarded-For: ::1\r\n`)),
  ).toBe(401);
});
