import { connect } from 'node:net';
import { once } from 'node:events';
import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type Answer,
  type Ask,
  AuthServer,
  bearer,
  details,
  PASSWORD,
  SECRET,
  USERNAME,
} from './auth-server.ts';

let server: AuthServer;

beforeAll(async () => {
  server = await AuthServer.start();
});

afterAll(async () => {
  await server.close();
});

const JSON_TYPE = { 'content-type': 'application/json' };
const CREDENTIALS = JSON.stringify({ username: USERNAME, password: PASSWORD });

function post(body: string | Buffer | undefined, headers: Ask['headers'] = JSON_TYPE, path = '/api/login') {
  return server.ask(path, { method: 'POST', headers, ...(body === undefined ? {} : { body }) });
}

function payloadOf(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<
    string,
    unknown
  >;
}

function expectError(answer: Answer, code: number, message: string, detail: string): void {
  expect(answer.status).toBe(code);
  expect(answer.text).toBe(`${JSON.stringify({ code, message, details: [detail] })}\n`);
  expect(answer.headers['content-type']).toBe('application/json; charset=UTF-8');
}

describe('a login', () => {
  test.each<[string, () => Promise<Answer>]>([
    ['with user name and password', () => post(CREDENTIALS)],
    ['with a charset', () => post(CREDENTIALS, { 'content-type': 'application/json; charset=utf-8' })],
    ['with the media type in other case', () => post(CREDENTIALS, { 'content-type': 'Application/JSON' })],
    ['with more fields', () => post(JSON.stringify({ username: USERNAME, password: PASSWORD, more: [1] }))],
    ['with a query', () => post(CREDENTIALS, JSON_TYPE, '/api/login?domain=x')],
    ['with a slash too many behind', () => post(CREDENTIALS, JSON_TYPE, '/api/login/')],
    ['with a slash too many before', () => post(CREDENTIALS, JSON_TYPE, '/api//login')],
    ['in chunks', () => post(undefined, { ...JSON_TYPE, 'transfer-encoding': 'chunked' })],
  ])('%s is answered with two tokens', async (title, login) => {
    const answer = title === 'in chunks' ? await chunkedLogin() : await login();
    expect(answer.status).toBe(200);
    expect(Object.keys(answer.json as object)).toEqual(['access_token', 'refresh_token']);
    expect(answer.headers['content-type']).toBe('application/json; charset=UTF-8');
    expect(answer.headers['cache-control']).toBe('no-store');
  });

  async function chunkedLogin(): Promise<Answer> {
    const response = await fetch(`http://127.0.0.1:${server.port}/api/login`, {
      method: 'POST',
      headers: JSON_TYPE,
      body: new Blob([CREDENTIALS]).stream(),
      duplex: 'half',
    } as RequestInit);
    const text = await response.text();
    const headers = Object.fromEntries(response.headers) as Answer['headers'];
    return { status: response.status, headers, text, json: JSON.parse(text) as unknown };
  }

  test('gives tokens with the claims that clients read, in their order', async () => {
    const before = Math.floor(Date.now() / 1000);
    const { access, refresh } = await server.tokens();
    for (const [token, usefor, exi] of [
      [access, 'access', 600],
      [refresh, 'refresh', 86_400],
    ] as const) {
      const claims = payloadOf(token);
      expect(Object.keys(claims)).toEqual(['exi', 'exp', 'iat', 'iss', 'jti', 'sub', 'usefor']);
      expect(claims).toMatchObject({ exi, iss: 'datarhei-core', sub: USERNAME, usefor });
      expect(claims['iat']).toBeGreaterThanOrEqual(before);
      expect(claims['exp']).toBe(Number(claims['iat']) + exi);
      expect(claims['jti']).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
      expect(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()).toBe(
        '{"alg":"HS256","typ":"JWT"}',
      );
      const [text, signature] = [token.slice(0, token.lastIndexOf('.')), token.split('.')[2]];
      const key = USERNAME + PASSWORD + SECRET;
      expect(createHmac('sha256', key).update(text).digest('base64url')).toBe(signature);
    }
    expect(payloadOf(access)['jti']).not.toBe(payloadOf(refresh)['jti']);
  });

  test.each([
    ['a wrong password', USERNAME, 'wrong'],
    ['a wrong user name', 'nobody', PASSWORD],
    ['a user name in other case', 'Admin', PASSWORD],
    ['a blank behind the password', USERNAME, `${PASSWORD} `],
    ['a password in another Unicode form', USERNAME, 'se\u0301cret'],
    ['a long password', USERNAME, 'x'.repeat(10_000)],
  ])('with %s is refused', async (_what, username, password) => {
    expectError(
      await server.login(username, password),
      401,
      'Unauthorized',
      'Invalid authorization credentials: invalid username or password',
    );
  });

  test.each<[string, string | Buffer | undefined, Ask['headers']]>([
    ['no body', undefined, JSON_TYPE],
    ['no body and no content type', undefined, {}],
    ['an empty body', '', JSON_TYPE],
    ['invalid JSON', 'nonsense', JSON_TYPE],
    ['truncated JSON', CREDENTIALS.slice(0, -1), JSON_TYPE],
    ['trailing garbage', `${CREDENTIALS}x`, JSON_TYPE],
    ['a second value', `${CREDENTIALS}${CREDENTIALS}`, JSON_TYPE],
    ['a byte order mark', `\ufeff${CREDENTIALS}`, JSON_TYPE],
    ['no content type', CREDENTIALS, {}],
    ['another content type', CREDENTIALS, { 'content-type': 'text/plain' }],
    ['a content type that only begins alike', CREDENTIALS, { 'content-type': 'application/jsonxyz' }],
    [
      'a form',
      `username=${USERNAME}&password=${PASSWORD}`,
      { 'content-type': 'application/x-www-form-urlencoded' },
    ],
    ['null', 'null', JSON_TYPE],
    ['an array', `[${CREDENTIALS}]`, JSON_TYPE],
    ['a text', JSON.stringify(CREDENTIALS), JSON_TYPE],
    ['numbers as fields', '{"username":1,"password":2}', JSON_TYPE],
    ['no password', JSON.stringify({ username: USERNAME }), JSON_TYPE],
    ['no user name', JSON.stringify({ password: PASSWORD }), JSON_TYPE],
    ['null as password', JSON.stringify({ username: USERNAME, password: null }), JSON_TYPE],
    ['an empty password', JSON.stringify({ username: USERNAME, password: '' }), JSON_TYPE],
    ['an empty user name', JSON.stringify({ username: '', password: PASSWORD }), JSON_TYPE],
    ['both empty', '{"username":"","password":""}', JSON_TYPE],
    ['bytes that are no UTF-8', Buffer.from([0x7b, 0xff, 0xfe, 0x7d]), JSON_TYPE],
    ['very deep JSON', '['.repeat(8000), JSON_TYPE],
  ])('with %s is a bad request', async (_what, body, headers) => {
    const answer = await post(body, headers);
    expectError(answer, 400, 'Bad Request', 'Missing authorization credentials');
  });

  test('with an own access token and no body is a bad request', async () => {
    const { access } = await server.tokens();
    const answer = await post(undefined, bearer(access).headers);
    expectError(answer, 400, 'Bad Request', 'Missing authorization credentials');
  });

  test.each([
    ['announced', {}],
    ['not announced', { 'transfer-encoding': 'chunked' }],
  ])('with a body over the limit, %s, is refused with 413', async (_how, headers) => {
    const socket = connect(server.port, '127.0.0.1');
    const isChunked = 'transfer-encoding' in headers;
    const body = 'x'.repeat(20_000);
    socket.on('error', () => undefined);
    socket.write(
      `POST /api/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n` +
        (isChunked
          ? `Transfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n`
          : `Content-Length: 50000000\r\n\r\n`),
    );
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    socket.destroy();
    expect(chunk.toString()).toMatch(/^HTTP\/1\.1 413 /);
  });

  test.each(['GET', 'PUT', 'DELETE', 'PATCH'])('by %s meets the guard', async (method) => {
    expectError(
      await server.ask('/api/login', { method }),
      401,
      'Unauthorized',
      'Missing or invalid JWT token',
    );
    const { access } = await server.tokens();
    expectError(await server.ask('/api/login', { method, ...bearer(access) }), 404, 'Not Found', 'Not Found');
  });

  test('by HEAD meets the guard, and gets no body', async () => {
    const answer = await server.ask('/api/login', { method: 'HEAD' });
    expect([answer.status, answer.text]).toEqual([401, '']);
  });

  test('OPTIONS is answered by CORS', async () => {
    expect((await server.ask('/api/login', { method: 'OPTIONS' })).status).toBe(204);
  });

  test('a refusal can be read by a page of another origin', async () => {
    const answer = await server.login('x', 'y', { headers: { origin: 'https://ui.example.com' } });
    expect(answer.headers['access-control-allow-origin']).toBe('*');
    expect(answer.headers['access-control-allow-credentials']).toBe('true');
  });
});

describe('without authentication', () => {
  let open: AuthServer;

  beforeAll(async () => {
    open = await AuthServer.start({ enabled: false });
  });

  afterAll(async () => {
    await open.close();
  });

  test.each([
    ['POST', '/api/login'],
    ['GET', '/api/login/refresh'],
    ['POST', '/api/login/refresh'],
    ['POST', '/api/logout'],
  ])('%s %s is not there', async (method, path) => {
    const answer = await open.ask(path, { method, headers: JSON_TYPE, body: CREDENTIALS });
    expectError(answer, 404, 'Not Found', 'Not Found');
  });

  test('everything is open', async () => {
    expect((await open.ask('/api/v3/thing')).status).toBe(200);
    expect((await open.ask('/api')).json).toMatchObject({ auths: [], id: expect.any(String) as string });
  });
});

describe('the address of the API', () => {
  const FULL = ['app', 'auths', 'name', 'id', 'created_at', 'uptime_seconds', 'version'];

  test.each(['/api', '/api?x=1', '/api/', '//api', '//api/'])(
    '%s says little without a token',
    async (path) => {
      const answer = await server.ask(path);
      expect(answer.status).toBe(200);
      expect(answer.text).toBe(
        '{"app":"datarhei-core","auths":["localjwt"],"version":{"number":"16.0.0"}}\n',
      );
    },
  );

  test.each(['/api', '/api?x=1', '/api/', '//api'])('%s says all with a token', async (path) => {
    const { access } = await server.tokens();
    const answer = await server.ask(path, bearer(access));
    expect(Object.keys(answer.json as object)).toEqual(FULL);
    expect(answer.json).toMatchObject({
      app: 'datarhei-core',
      auths: ['localjwt'],
      id: '125bca93-c8fe-4c2d-94ab-e9fc1c9169fe',
      created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/) as string,
      version: { number: '16.16.0', arch: expect.stringMatching(/^linux\/(amd64|arm64|arm)$/) as string },
    });
  });

  test.each(['garbage', 'refresh'])('says little with a %s token', async (kind) => {
    const token = kind === 'refresh' ? (await server.tokens()).refresh : kind;
    const answer = await server.ask('/api', bearer(token));
    expect([answer.status, Object.keys(answer.json as object)]).toEqual([200, ['app', 'auths', 'version']]);
  });

  test.each([
    ['GET', '/API', 404, 404],
    ['POST', '/api', 404, 404],
    ['HEAD', '/api', 404, 404],
    ['GET', '/api/x', 401, 404],
    ['GET', '/api/v3/x', 401, 404],
    ['GET', '/api/v3', 401, 404],
    ['GET', '/api/v3/', 401, 404],
    ['GET', '/api/v3//thing', 401, 404],
    ['GET', '/api/v3/thing', 401, 200],
    ['POST', '/api/v3/x', 401, 404],
    ['GET', '/api/swagger', 401, 404],
    ['GET', '/api/login/refresh/x', 401, 404],
    ['GET', '/api/%6cogin', 401, 404],
    ['GET', '/%61pi/v3/thing', 401, 200],
    ['GET', '/api/v3/../v3/thing', 401, 404],
    ['GET', '/api/v3/%2e%2e/thing', 401, 404],
    ['GET', '/api/v3/%', 400, 400],
  ])('%s %s is %i without and %i with a token', async (method, path, without, withToken) => {
    const { access } = await server.tokens();
    expect((await server.ask(path, { method })).status).toBe(without);
    expect((await server.ask(path, { method, ...bearer(access) })).status).toBe(withToken);
  });

  test('is known to the second', async () => {
    const { access } = await server.tokens();
    const { json } = await server.ask('/api', bearer(access));
    const { created_at, uptime_seconds } = json as { created_at: string; uptime_seconds: number };
    const elapsed = (Date.now() - Date.parse(created_at)) / 1000;
    expect(uptime_seconds).toBeGreaterThanOrEqual(Math.floor(elapsed) - 2);
    expect(uptime_seconds).toBeLessThanOrEqual(Math.ceil(elapsed));
  });
});

describe('the examples of the documentation', () => {
  test('log in, ask, refresh, with the slash behind /api', async () => {
    const headers = { accept: 'application/json', 'Content-Type': 'application/json' };
    const body = JSON.stringify({ username: USERNAME, password: PASSWORD }, undefined, 1);
    const login = await server.ask('/api/login', { method: 'POST', headers, body });
    const { access_token, refresh_token } = login.json as Record<string, string>;
    const about = await server.ask('/api/', {
      headers: { ...headers, Authorization: `Bearer ${access_token ?? ''}` },
    });
    expect(about.json).toHaveProperty('id');
    const refreshed = await server.ask('/api/login/refresh', {
      headers: { ...headers, Authorization: `Bearer ${refresh_token ?? ''}` },
    });
    expect(Object.keys(refreshed.json as object)).toEqual(['access_token']);
    expect(details(await server.ask('/api/v3/thing'))).toEqual(['Missing or invalid JWT token']);
  });
});
