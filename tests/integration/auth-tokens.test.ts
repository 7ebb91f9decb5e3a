import { createHmac } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  ACCESS_VECTOR,
  AuthServer,
  bearer,
  PASSWORD,
  REFRESH_VECTOR,
  SECRET,
  USERNAME,
} from './auth-server.ts';

const KEY = USERNAME + PASSWORD + SECRET;
let server: AuthServer;

beforeAll(async () => {
  server = await AuthServer.start();
});

afterAll(async () => {
  await server.close();
});

function encode(value: unknown): string {
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
}

interface Forgery {
  header?: unknown;
  claims?: Record<string, unknown>;
  /** Instead of claims: the text of the payload. */
  payload?: string;
  key?: string;
  hash?: string;
}

/** A token that would be valid but for what is given. */
function forge({
  header = { alg: 'HS256', typ: 'JWT' },
  claims = {},
  payload,
  key = KEY,
  hash = 'sha256',
}: Forgery = {}) {
  const now = Math.floor(Date.now() / 1000);
  const usual = {
    exi: 600,
    exp: now + 600,
    iat: now - 5,
    iss: 'datarhei-core',
    jti: 'test',
    sub: USERNAME,
    usefor: 'access',
  };
  const text = `${encode(header)}.${encode(payload ?? { ...usual, ...claims })}`;
  return `${text}.${createHmac(hash, key).update(text).digest('base64url')}`;
}

const at = (seconds: number): number => Math.floor(Date.now() / 1000) + seconds;

/** Changes the unused bits of the last character, which some decoders ignore. */
function twin(token: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const last = alphabet.indexOf(token.slice(-1));
  return token.slice(0, -1) + (alphabet[last ^ 1] ?? '');
}

describe('an access token', () => {
  test('of the specification is accepted', async () => {
    expect(await server.statusFor(ACCESS_VECTOR)).toBe(200);
  });

  test('with a longer life than those issued here leaves a warning', async () => {
    const { log } = server;
    await server.statusFor(forge({ claims: { exp: at(100_000), jti: 'longlived' } }));
    expect(log.events().find(({ fields }) => fields['jti'] === 'longlived')?.level).toBe('warn');
  });

  test.each<[string, () => string]>([
    ['as issued by the reference', () => forge()],
    ['with a fractional expiry', () => forge({ claims: { exp: at(600) + 0.5 } })],
    ['with a clock a little ahead', () => forge({ claims: { iat: at(30) } })],
    ['valid since now', () => forge({ claims: { nbf: at(0) } })],
    ['without jti', () => forge({ claims: { jti: undefined } })],
  ])('%s passes', async (_what, make) => {
    expect(await server.statusFor(make())).toBe(200);
  });

  test.each<[string, () => string]>([
    ['expired', () => forge({ claims: { exp: at(-1) } })],
    ['that expires now', () => forge({ claims: { exp: at(0) } })],
    ['for refreshing', () => forge({ claims: { usefor: 'refresh' } })],
    ['for something else', () => forge({ claims: { usefor: 'other' } })],
    ['for nothing', () => forge({ claims: { usefor: undefined } })],
    ['with a number as use', () => forge({ claims: { usefor: 1 } })],
    ['with another secret', () => forge({ key: 'x' })],
    ['with no secret', () => forge({ key: '' })],
    ['of two segments', () => forge().split('.').slice(0, 2).join('.')],
    ['of four segments', () => `${forge()}.x`],
    ['without signature', () => `${forge().split('.').slice(0, 2).join('.')}.`],
    ['without algorithm', () => forge({ header: { typ: 'JWT' } })],
    ['with alg none', () => forge({ header: { alg: 'none', typ: 'JWT' } })],
    [
      'with alg none, unsigned',
      () =>
        `${forge({ header: { alg: 'none' } })
          .split('.')
          .slice(0, 2)
          .join('.')}.`,
    ],
    ['with the header RS256', () => forge({ header: { alg: 'RS256', typ: 'JWT' } })],
    ['with HS384', () => forge({ header: { alg: 'HS384', typ: 'JWT' }, hash: 'sha384' })],
    ['with HS512', () => forge({ header: { alg: 'HS512', typ: 'JWT' }, hash: 'sha512' })],
    ['with a critical extension', () => forge({ header: { alg: 'HS256', crit: ['x'], x: 1 } })],
    ['without expiry', () => forge({ claims: { exp: undefined } })],
    ['with a text as expiry', () => forge({ claims: { exp: String(at(600)) } })],
    ['with null as expiry', () => forge({ claims: { exp: null } })],
    ['without time of issue', () => forge({ claims: { iat: undefined } })],
    ['issued in the future', () => forge({ claims: { iat: at(120) } })],
    ['not valid yet', () => forge({ claims: { nbf: at(60) } })],
    ['without issuer', () => forge({ claims: { iss: undefined } })],
    ['of another issuer', () => forge({ claims: { iss: 'someone' } })],
    ['of another subject', () => forge({ claims: { sub: 'someone' } })],
    ['without subject', () => forge({ claims: { sub: undefined } })],
    ['with an empty subject', () => forge({ claims: { sub: '' } })],
    ['with a number as subject', () => forge({ claims: { sub: 1 } })],
    [
      'with an endless expiry',
      () => forge({ payload: '{"exp":1e999,"iat":1,"iss":"datarhei-core","sub":"admin","usefor":"access"}' }),
    ],
    ['with claims that are no object', () => forge({ payload: '[]' })],
    ['with claims that are no JSON', () => forge({ payload: 'x' })],
    ['with another last character', () => twin(forge())],
    ['with padding', () => `${forge()}=`],
    ['of more than 8 KiB', () => forge({ claims: { more: 'x'.repeat(9000) } })],
    ['that is garbage', () => 'garbage'],
  ])('%s is refused', async (_what, make) => {
    const answer = await server.ask('/api/v3/thing', bearer(make()));
    expect(answer.text).toBe(
      '{"code":401,"message":"Unauthorized","details":["Missing or invalid JWT token"]}\n',
    );
    expect(answer.status).toBe(401);
    expect(answer.headers['www-authenticate']).toBe('Bearer realm="datarhei-core", error="invalid_token"');
  });

  test('that was changed anywhere is refused', async () => {
    const token = forge();
    for (let index = 0; index < token.length; index += 7) {
      const changed = token[index] === 'A' ? 'B' : 'A';
      expect(await server.statusFor(token.slice(0, index) + changed + token.slice(index + 1))).toBe(401);
    }
  });
});

describe('the header', () => {
  test.each([
    ['Bearer', 200],
    ['bearer', 200],
    ['BEARER', 200],
    ['Basic', 401],
    ['Token', 401],
    ['Bearer ', 401],
    ['Bearer\t', 401],
  ])('with the scheme "%s" is answered with %i', async (scheme, status) => {
    const separator = scheme.endsWith('\t') ? '' : ' ';
    const headers = { authorization: `${scheme}${separator}${forge()}` };
    expect((await server.ask('/api/v3/thing', { headers })).status).toBe(status);
  });

  test.each([
    ['none', undefined],
    ['Bearer', 'Bearer'],
    ['Bearer and a blank', 'Bearer '],
  ])(
    'without a token (%s) is refused without saying that a token is invalid',
    async (_what, authorization) => {
      const headers: Record<string, string> = authorization === undefined ? {} : { authorization };
      const answer = await server.ask('/api/v3/thing', { headers });
      expect([answer.status, answer.headers['www-authenticate']]).toEqual([
        401,
        'Bearer realm="datarhei-core"',
      ]);
    },
  );

  test('without a scheme is refused', async () => {
    expect((await server.ask('/api/v3/thing', { headers: { authorization: forge() } })).status).toBe(401);
  });

  test('is the only place for a token', async () => {
    const token = forge();
    for (const ask of [
      server.ask(`/api/v3/thing?token=${token}&access_token=${token}`),
      server.ask('/api/v3/thing', { headers: { cookie: `access_token=${token}; token=${token}` } }),
      server.ask('/api/v3/thing', { method: 'POST', body: `access_token=${token}` }),
    ]) {
      expect((await ask).status).toBe(401);
    }
  });

  test('may come several times, and the first valid one counts', async () => {
    const headers = { authorization: ['Basic eA==', 'Bearer garbage', `Bearer ${forge()}`] };
    expect((await server.ask('/api/v3/thing', { headers })).status).toBe(200);
  });

  test('counts twenty times at most', async () => {
    const garbage = new Array<string>(20).fill('Bearer garbage');
    const headers = { authorization: [...garbage, `Bearer ${forge()}`] };
    expect((await server.ask('/api/v3/thing', { headers })).status).toBe(401);
  });

  test('is not split at commas', async () => {
    const headers = { authorization: `Bearer garbage, Bearer ${forge()}` };
    expect((await server.ask('/api/v3/thing', { headers })).status).toBe(401);
  });
});

describe('a refresh', () => {
  const refresh = (token: string, method = 'GET', path = '/api/login/refresh') =>
    server.ask(path, { method, ...bearer(token) });

  test('of the token of the specification is answered with a new access token', async () => {
    const answer = await refresh(REFRESH_VECTOR);
    expect(Object.keys(answer.json as object)).toEqual(['access_token']);
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(await server.statusFor((answer.json as { access_token: string }).access_token)).toBe(200);
  });

  test('may be repeated, side by side too, and gives another token each time', async () => {
    const { refresh: token } = await server.tokens();
    const answers = await Promise.all([1, 2, 3, 4].map(() => refresh(token)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect(new Set(answers.map(({ text }) => text)).size).toBe(4);
  });

  test('leaves the old access token valid', async () => {
    const { access, refresh: token } = await server.tokens();
    await refresh(token);
    expect(await server.statusFor(access)).toBe(200);
  });

  test.each(['/api/login/refresh/', '//api/login//refresh'])('at %s works as well', async (path) => {
    expect((await refresh(REFRESH_VECTOR, 'GET', path)).status).toBe(200);
  });

  test.each<[string, () => string]>([
    ['an access token', () => forge()],
    ['an expired token', () => forge({ claims: { usefor: 'refresh', exp: at(-1) } })],
    ['another secret', () => forge({ claims: { usefor: 'refresh' }, key: 'x' })],
    ['no subject', () => forge({ claims: { usefor: 'refresh', sub: undefined } })],
    ['a number as subject', () => forge({ claims: { usefor: 'refresh', sub: 7 } })],
    ['an unknown subject', () => forge({ claims: { usefor: 'refresh', sub: 'someone' } })],
    ['garbage', () => 'garbage'],
  ])('with %s is refused as the guard does', async (_what, make) => {
    const answer = await refresh(make());
    expect(answer.text).toBe(
      '{"code":401,"message":"Unauthorized","details":["Missing or invalid JWT token"]}\n',
    );
    expect([answer.status, answer.headers['www-authenticate']]).toEqual([
      401,
      'Bearer realm="datarhei-core", error="invalid_token"',
    ]);
  });

  test('without a token is refused as the guard does', async () => {
    expect((await server.ask('/api/login/refresh')).status).toBe(401);
  });

  test.each(['PUT', 'DELETE', 'HEAD'])('by %s meets the guard', async (method) => {
    expect((await refresh(REFRESH_VECTOR, method)).status).toBe(401);
    expect((await refresh(forge(), method)).status).toBe(404);
  });
});

describe('rotation', () => {
  const rotate = (token: string) => server.ask('/api/login/refresh', { method: 'POST', ...bearer(token) });
  const pairOf = (answer: { json: unknown }) =>
    answer.json as { access_token: string; refresh_token: string };
  const claimsOf = (token: string) =>
    JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as {
      exp: number;
      exi: number;
      iat: number;
    };

  test('gives a new pair, and the old refresh token is worth nothing', async () => {
    const { refresh } = await server.tokens();
    const next = pairOf(await rotate(refresh));
    expect(await server.statusFor(next.access_token)).toBe(200);
    expect((await server.ask('/api/login/refresh', bearer(next.refresh_token))).status).toBe(200);
    expect((await rotate(refresh)).status).toBe(401);
  });

  test('does not make the session longer', async () => {
    const { refresh } = await server.tokens();
    const next = claimsOf(pairOf(await rotate(refresh)).refresh_token);
    expect(next.exp).toBe(claimsOf(refresh).exp);
    expect(next.exi).toBe(next.exp - next.iat);
  });

  test('ends the session when an exchanged token turns up again', async () => {
    const { access, refresh } = await server.tokens();
    const next = pairOf(await rotate(refresh));
    expect((await server.ask('/api/login/refresh', bearer(refresh))).status).toBe(401);
    expect(await server.statusFor(access)).toBe(401);
    expect(await server.statusFor(next.access_token)).toBe(401);
    expect((await rotate(next.refresh_token)).status).toBe(401);
  });

  test('leaves other sessions alone', async () => {
    const other = await server.tokens();
    const { refresh } = await server.tokens();
    await rotate(refresh);
    await rotate(refresh);
    expect(await server.statusFor(other.access)).toBe(200);
  });
});

describe('logging out', () => {
  const logout = (token: string) => server.ask('/api/logout', { method: 'POST', ...bearer(token) });

  test.each(['access', 'refresh'] as const)('with the %s token ends both', async (which) => {
    const session = await server.tokens();
    const other = await server.tokens();
    expect(await server.statusFor(session.access)).toBe(200);
    const answer = await logout(session[which]);
    expect([answer.status, answer.text]).toEqual([200, '"OK"\n']);
    expect(await server.statusFor(session.access)).toBe(401);
    expect((await server.ask('/api/login/refresh', bearer(session.refresh))).status).toBe(401);
    expect(await server.statusFor(other.access)).toBe(200);
  });

  test('ends access tokens that were refreshed in between', async () => {
    const { refresh } = await server.tokens();
    const { access_token } = (await server.ask('/api/login/refresh', bearer(refresh))).json as {
      access_token: string;
    };
    await logout(refresh);
    expect(await server.statusFor(access_token)).toBe(401);
  });

  test('without a valid token is refused', async () => {
    expect((await logout('garbage')).status).toBe(401);
    expect((await server.ask('/api/logout', { method: 'POST' })).status).toBe(401);
  });

  test('twice is refused', async () => {
    const { access } = await server.tokens();
    await logout(access);
    expect((await logout(access)).status).toBe(401);
  });
});

describe('revoking', () => {
  const revoke = (token: string, body?: string) =>
    server.ask('/api/v3/auth/revoke', {
      method: 'POST',
      ...bearer(token),
      ...(body === undefined ? {} : { body }),
    });

  test('ends all sessions issued so far, and those of right after live', async () => {
    const before = await server.tokens();
    const other = await server.tokens();
    expect((await revoke(before.access)).text).toBe('"OK"\n');
    const after = await server.tokens();
    expect(await server.statusFor(before.access)).toBe(401);
    expect((await server.ask('/api/login/refresh', bearer(other.refresh))).status).toBe(401);
    expect(await server.statusFor(after.access)).toBe(200);
    expect((await server.ask('/api/login/refresh', bearer(after.refresh))).status).toBe(200);
    await revoke(after.access);
    expect(await server.statusFor(after.access)).toBe(401);
  });

  test('of one subject leaves others alone', async () => {
    const { access } = await server.tokens();
    expect((await revoke(access, JSON.stringify({ subject: 'auth0|someone' }))).status).toBe(200);
    expect(await server.statusFor(access)).toBe(200);
    expect((await revoke(access, JSON.stringify({ subject: USERNAME }))).status).toBe(200);
    expect(await server.statusFor(access)).toBe(401);
  });

  test.each(['nonsense', '[]', 'null', '{"subject":1}', '{"subject":""}'])(
    'with %s is a bad request',
    async (body) => {
      const { access } = await server.tokens();
      expect((await revoke(access, body)).status).toBe(400);
      expect(await server.statusFor(access)).toBe(200);
    },
  );

  test('needs a token', async () => {
    expect((await revoke('garbage')).status).toBe(401);
  });
});

describe('over a restart', () => {
  let dir = '';

  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'millrace-auth-'));
  });

  afterAll(() => {
    rmSync(dir, { recursive: true });
  });

  async function withServer<T>(use: (server: AuthServer) => Promise<T>): Promise<T> {
    const running = await AuthServer.start({}, dir);
    try {
      return await use(running);
    } finally {
      await running.close();
    }
  }

  test('tokens live on, and what was revoked stays so', async () => {
    const { kept, ended, rotated } = await withServer(async (first) => {
      const ended = await first.tokens();
      await first.ask('/api/logout', { method: 'POST', ...bearer(ended.access) });
      const rotated = await first.tokens();
      await first.ask('/api/login/refresh', { method: 'POST', ...bearer(rotated.refresh) });
      return { kept: await first.tokens(), ended, rotated };
    });
    await withServer(async (second) => {
      expect(await second.statusFor(kept.access)).toBe(200);
      expect((await second.ask('/api/login/refresh', bearer(kept.refresh))).status).toBe(200);
      expect(await second.statusFor(ended.access)).toBe(401);
      expect((await second.ask('/api/login/refresh', bearer(ended.refresh))).status).toBe(401);
      expect((await second.ask('/api/login/refresh', bearer(rotated.refresh))).status).toBe(401);
      await second.ask('/api/v3/auth/revoke', { method: 'POST', ...bearer(kept.access) });
    });
    await withServer(async (third) => {
      expect(await third.statusFor(kept.access)).toBe(401);
    });
  });
});

describe('a reload', () => {
  async function reloaded(options: Parameters<AuthServer['reload']>[0], before = {}) {
    const running = await AuthServer.start(before);
    const tokens = await running.tokens();
    expect(await running.statusFor(tokens.access)).toBe(200);
    await running.reload(options);
    const status = await running.statusFor(tokens.access);
    await running.close();
    return status;
  }

  test.each([
    ['nothing new', {}, {}, 200],
    ['another password', { password: 'other' }, {}, 401],
    ['another user name', { username: 'other' }, {}, 401],
    ['another secret', { secret: 'other' }, {}, 401],
    ['another secret and the old one kept', { secret: 'other', previousSecrets: [SECRET] }, {}, 200],
    ['an empty secret, again', { secret: '' }, { secret: '' }, 200],
    ['an empty secret and another password', { secret: '', password: 'other' }, { secret: '' }, 401],
  ])('with %s', async (_what, options, before, status) => {
    expect(await reloaded(options, before)).toBe(status);
  });

  test('does not break a connection', async () => {
    const running = await AuthServer.start();
    const socket = connect(running.port, '127.0.0.1');
    let received = '';
    socket.setEncoding('utf8').on('data', (text: string) => (received += text));
    const ask = 'GET /ping HTTP/1.1\r\nHost: x\r\n\r\n';
    socket.write(ask);
    await expect.poll(() => received).toMatch(/pong/);
    await running.reload({ password: 'other' });
    socket.write(ask);
    await expect.poll(() => received).toMatch(/pong[^]*pong/);
    socket.destroy();
    await running.close();
  });
});
