import fc from 'fast-check';
import { connect } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { THROTTLE_DEFAULTS } from '../../packages/server/src/auth/throttle.ts';
import { closed } from '../support/sockets.ts';
import { type Ask, AuthServer, bearer, details, OPTIONS, PASSWORD, SECRET, USERNAME } from './auth-server.ts';

let server: AuthServer;

afterEach(async () => {
  await server.close();
});

const JSON_TYPE = { 'content-type': 'application/json' };

/** The product's limits; `delay` in milliseconds. */
async function start(delay: number, more: Partial<typeof OPTIONS> = {}): Promise<void> {
  server = await AuthServer.start({ throttle: { ...THROTTLE_DEFAULTS, delay }, ...more });
}

describe('a failed login', () => {
  test('is answered late, a successful one at once', async () => {
    await start(60_000);
    const held = new AbortController();
    const failed = server.login('x', 'y', { signal: held.signal });
    failed.catch(() => undefined);
    await expect.poll(() => server.auth.delayed).toBe(1);
    expect((await server.login()).status).toBe(200);
    expect(server.auth.delayed).toBe(1);
    held.abort();
    await expect(failed).rejects.toThrow();
  });

  test('holds nothing back any more when its client has gone', async () => {
    await start(60_000);
    const held = new AbortController();
    const failed = server.login('x', 'y', { signal: held.signal });
    await expect.poll(() => server.auth.delayed).toBe(1);
    held.abort();
    await expect(failed).rejects.toThrow();
    await expect.poll(() => server.auth.delayed).toBe(0);
  });

  test('is answered when the server closes', async () => {
    await start(60_000);
    const failed = server.login('x', 'y');
    await expect.poll(() => server.auth.delayed).toBe(1);
    await server.auth.close();
    expect((await failed).status).toBe(401);
  });

  test('of which there were too many is answered with 429 and when to try again', async () => {
    await start(0);
    for (let i = 0; i < 5; i++) expect((await server.login('x', 'y')).status).toBe(401);
    const answer = await server.login('x', 'y');
    expect(answer.json).toEqual({
      code: 429,
      message: 'Too Many Requests',
      details: ['too many failed attempts'],
    });
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    expect(Number(answer.headers['retry-after'])).toBeLessThanOrEqual(12);
    expect((await server.login()).status).toBe(429);
    expect(server.audited('throttle')).toMatchObject([{ level: 'warn' }, { level: 'warn' }]);
  });

  test('does not count if there were no credentials to guess', async () => {
    await start(0);
    for (let i = 0; i < 10; i++) {
      expect((await server.ask('/api/login', { method: 'POST' })).status).toBe(400);
    }
    expect((await server.login()).status).toBe(200);
  });
});

test('failed refreshes count, and do not keep anybody from logging in', async () => {
  await start(0);
  const refresh = async () => (await server.ask('/api/login/refresh', bearer('garbage'))).status;
  const { tokenBurst } = THROTTLE_DEFAULTS;
  const statuses = await Promise.all(Array.from({ length: 2 * tokenBurst }, refresh));
  expect(new Set(statuses)).toEqual(new Set([401, 429]));
  expect(statuses.filter((status) => status === 401).length).toBeGreaterThanOrEqual(tokenBurst);
  const { refresh: token } = await server.tokens();
  expect((await server.ask('/api/login/refresh', bearer(token))).status).toBe(200);
});

test('a thousand wrong logins at once hold up nobody else', async () => {
  await start(60_000);
  const gone = new AbortController();
  const statuses: number[] = [];
  const attack = Array.from({ length: 1000 }, async () => {
    const answer = await server.login('admin', 'wrong', { signal: gone.signal });
    statuses.push(answer.status);
  });
  const settled = Promise.allSettled(attack);
  const ping = await server.ask('/ping');
  const login = await server.login(USERNAME, PASSWORD, { from: '127.0.0.2' });
  expect([ping.status, login.status]).toEqual([200, 200]);
  await expect.poll(() => statuses.length, { timeout: 20_000 }).toBe(998);
  // Two answers are held back, and that is all that is left of it.
  expect(new Set(statuses)).toEqual(new Set([429]));
  expect(server.auth.delayed).toBe(2);
  gone.abort();
  await settled;
  await expect.poll(() => server.auth.delayed).toBe(0);
});

test('a thousand right logins at once all succeed', async () => {
  await start(0);
  const answers = await Promise.all(Array.from({ length: 1000 }, () => server.login()));
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
});

test('a password may be configured as a hash', async () => {
  const hash = '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc';
  await start(0, { password: hash });
  expect((await server.login(USERNAME, 'password')).status).toBe(200);
  expect((await server.login(USERNAME, hash)).status).toBe(401);
});

test('a body that does not come ends the connection', async () => {
  server = await AuthServer.start({}, undefined, 100);
  const socket = connect(server.port, '127.0.0.1');
  socket.resume();
  socket.write('POST /api/login HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{');
  await closed(socket);
  expect((await server.login()).status).toBe(200);
});

describe('whatever is sent', () => {
  const ALLOWED = [400, 401, 413, 429];

  test('as a body to the login is answered with one of four refusals', async () => {
    await start(0, { throttle: OPTIONS.throttle ?? {} });
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes)),
          fc.json().map((text) => Buffer.from(text)),
          fc
            .record({ username: fc.jsonValue(), password: fc.jsonValue() }, { requiredKeys: [] })
            .map((value) => Buffer.from(JSON.stringify(value))),
          fc.integer({ min: 16_385, max: 40_000 }).map((length) => Buffer.alloc(length, '{')),
        ),
        fc.constantFrom('application/json', 'application/json;charset=utf-8', 'text/plain', ''),
        async (body, type) => {
          const headers = type === '' ? {} : { 'content-type': type };
          const answer = await server.ask('/api/login', { method: 'POST', headers, body });
          expect(ALLOWED).toContain(answer.status);
          expect(answer.json).toMatchObject({ code: answer.status, details: expect.any(Array) as unknown[] });
        },
      ),
      { numRuns: 200 },
    );
    expect((await server.login()).status).toBe(200);
  });

  test('as an Authorization header is answered with one of four refusals', async () => {
    await start(0, { throttle: OPTIONS.throttle ?? {} });
    const { access, refresh } = await server.tokens();
    const text = fc.string({
      unit: fc
        .integer({ min: 0x20, max: 0xff })
        .filter((code) => code !== 0x7f)
        .map((code) => String.fromCharCode(code)),
    });
    const segment = fc.oneof(
      text,
      fc.json().map((json) => Buffer.from(json).toString('base64url')),
    );
    const token = fc.oneof(
      text,
      fc.array(segment, { maxLength: 4 }).map((segments) => segments.join('.')),
      fc
        .tuple(fc.constantFrom(access, refresh), fc.nat(300), text)
        .map(([good, at, inserted]) => `${good.slice(0, at)}!${inserted}${good.slice(at)}`),
    );
    const header = fc
      .tuple(fc.constantFrom('Bearer ', 'bearer ', 'Basic ', ''), token)
      .map((both) => both.join(''));
    await fc.assert(
      fc.asyncProperty(
        header,
        fc.constantFrom<[string, string]>(
          ['GET', '/api/v3/thing'],
          ['GET', '/api/login/refresh'],
          ['POST', '/api/login/refresh'],
          ['POST', '/api/login'],
          ['POST', '/api/logout'],
        ),
        async (authorization, [method, path]) => {
          const answer = await server.ask(path, { method, headers: { authorization } });
          expect(ALLOWED).toContain(answer.status);
        },
      ),
      { numRuns: 300 },
    );
    expect(await server.statusFor(access)).toBe(200);
  });
});

describe('the IP lists', () => {
  const only = (allow: string[], block: string[] = []) => ({
    http: { allow, block },
    https: { allow: [], block: [] },
  });

  test.each<[string, Ask]>([
    ['/api', {}],
    ['/api/v3/thing', {}],
    ['/api/nothing', {}],
    ['/api/login', { method: 'POST', headers: JSON_TYPE }],
    ['/api/login/refresh', {}],
    ['/api/logout', { method: 'POST' }],
  ])('cover %s', async (path, ask) => {
    await start(0, { access: only(['192.0.2.0/24']) });
    const answer = await server.ask(path, ask);
    expect(answer.text).toBe('{"code":403,"message":"Forbidden","details":["Forbidden"]}\n');
    expect(answer.status).toBe(403);
  });

  test('leave the ping alone', async () => {
    await start(0, { access: only([], ['0.0.0.0/0']) });
    expect((await server.ask('/ping')).status).toBe(200);
  });

  test('cannot be got around by a header', async () => {
    await start(0, { access: only(['192.0.2.0/24']) });
    const headers = { 'x-forwarded-for': '192.0.2.1', 'x-real-ip': '192.0.2.1' };
    expect((await server.ask('/api', { headers })).status).toBe(403);
  });

  test('see behind a trusted proxy', async () => {
    await start(0, { access: only(['192.0.2.0/24']), trustedProxies: ['127.0.0.0/8'] });
    const from = (address: string) => server.ask('/api', { headers: { 'x-forwarded-for': address } });
    expect((await from('192.0.2.1')).status).toBe(200);
    expect((await from('198.51.100.1')).status).toBe(403);
    expect((await from('192.0.2.1, 198.51.100.1')).status).toBe(403);
    expect((await from('nonsense')).status).toBe(403);
  });
});

describe('localhost', () => {
  const open = { trustsLocalhost: true };

  test('needs no token if that is configured', async () => {
    await start(0, open);
    expect((await server.ask('/api/v3/thing')).status).toBe(200);
    expect((await server.ask('/api')).json).toHaveProperty('id');
    expect(server.audited('bypass_localhost')[0]).toMatchObject({ level: 'debug', peer: '127.0.0.1' });
  });

  test('may show an invalid token then', async () => {
    await start(0, open);
    expect(await server.statusFor('garbage')).toBe(200);
  });

  test('needs a token otherwise', async () => {
    await start(0);
    expect((await server.ask('/api/v3/thing')).status).toBe(401);
  });

  test.each([
    ['X-Forwarded-For', { 'x-forwarded-for': '127.0.0.1' }],
    ['X-Real-IP', { 'x-real-ip': '127.0.0.1' }],
    ['Forwarded', { forwarded: 'for=127.0.0.1' }],
    ['Via', { via: '1.1 proxy' }],
    ['a foreign origin', { origin: 'https://evil.example.com' }],
    ['a foreign host', { host: 'evil.example.com' }],
  ])('is not believed with %s', async (_what, headers) => {
    await start(0, open);
    expect((await server.ask('/api/v3/thing', { headers })).status).toBe(401);
  });

  test('is not believed from behind a proxy, trusted or not', async () => {
    await start(0, { ...open, trustedProxies: ['127.0.0.0/8'] });
    const headers = { 'x-forwarded-for': '127.0.0.1' };
    expect((await server.ask('/api/v3/thing', { headers })).status).toBe(401);
  });

  test('can refresh with a valid token, and only with one', async () => {
    await start(0, open);
    const { refresh } = await server.tokens();
    expect((await server.ask('/api/login/refresh', bearer(refresh))).status).toBe(200);
    expect((await server.ask('/api/login/refresh')).status).toBe(401);
  });
});

describe('the log', () => {
  test('holds neither passwords nor tokens nor secrets, whatever happens', async () => {
    await start(0, {
      throttle: OPTIONS.throttle ?? {},
      password: 'Tr0ub4dor&3',
      secret: 'jwt-secret-in-use',
    });
    const login = await server.login(USERNAME, 'Tr0ub4dor&3');
    const { access_token = '', refresh_token = '' } = login.json as Record<string, string>;
    const answers = [
      await server.login(USERNAME, 'wrong-guess-4711'),
      await server.ask('/api/login', {
        method: 'POST',
        headers: JSON_TYPE,
        body: '{"password":"half-guess-4712',
      }),
      await server.ask('/api/v3/thing', bearer(access_token)),
      await server.ask('/api/v3/thing', bearer(`${access_token}x`)),
      await server.ask(`/api/v3/nothing?access_token=${access_token}`),
      await server.ask('/api', bearer(access_token)),
      await server.ask('/api/login/refresh', bearer(refresh_token)),
      await server.ask('/api/logout', { method: 'POST', ...bearer(refresh_token) }),
      await server.ask('/api/login/refresh', bearer(refresh_token)),
    ];
    const log = JSON.stringify(server.log.events());
    const errors = JSON.stringify(answers.filter(({ status }) => status >= 400).map(({ text }) => text));
    for (const secret of [
      'Tr0ub4dor&3',
      'jwt-secret-in-use',
      'wrong-guess-4711',
      'half-guess-4712',
      ...access_token.split('.').slice(1),
      ...refresh_token.split('.').slice(1),
    ]) {
      expect(log).not.toContain(secret);
      expect(errors).not.toContain(secret);
    }
  });

  test('has a line for every decision, with the final status in the access log', async () => {
    await start(0);
    const { access, refresh } = await server.tokens();
    await server.login('admin', 'wrong');
    await server.ask('/api/login/refresh', bearer(refresh));
    await server.ask('/api/v3/thing', bearer('garbage'));
    await server.ask('/api/v3/auth/revoke', { method: 'POST', ...bearer(access), body: '{"subject":"x"}' });
    await server.ask('/api/logout', { method: 'POST', ...bearer(access) });
    expect(server.audited('login')).toMatchObject([
      { level: 'info', result: 'success', subject: USERNAME, jti: expect.any(String) as string },
      { level: 'warn', result: 'failure', subject: USERNAME, reason: 'invalid username or password' },
    ]);
    expect(server.audited('refresh')).toMatchObject([{ level: 'info', result: 'success' }]);
    expect(server.audited('deny')).toMatchObject([{ level: 'warn', reason: 'token is malformed' }]);
    expect(server.audited('revoke')).toMatchObject([{ level: 'info', subject: 'x' }]);
    expect(server.audited('logout')).toMatchObject([{ level: 'info', subject: USERNAME }]);
    const statuses = server.log
      .events()
      .filter(({ component, level }) => component === 'HTTP' && level === 'warn');
    expect(statuses.map(({ fields }) => fields['status'])).toEqual([401, 401]);
    expect(server.auth.attempts()).toContainEqual({ method: 'local', result: 'failure', count: 1 });
  });

  test('warns of a weak password and key, and names neither', async () => {
    await start(0, { secret: SECRET });
    const warnings = server.log.events().filter(({ level }) => level === 'warn');
    expect(warnings.map(({ message }) => message)).toEqual([
      expect.stringContaining('api.auth.password is shorter than 8'),
      expect.stringContaining('the signing key is shorter than 32 bytes'),
    ]);
    expect(details(await server.login('x', 'y'))).toBeDefined();
  });
});
