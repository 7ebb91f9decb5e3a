import { Client, type ClientOptions } from '@millrace/client';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { auth0Provider } from '../../packages/server/src/auth/oidc.ts';
import { AuthServer, type OPTIONS, PASSWORD, USERNAME } from './auth-server.ts';
import { KeyServer, providerToken, type SigningKey, signingKey } from './key-server.ts';

// The access control of the server, with tokens that end sooner than the settings allow.

const AUDIENCE = 'https://api.example.com';
const USER = 'auth0|user1';
const CREDENTIALS = { username: USERNAME, password: PASSWORD };

let server: AuthServer;
let issuer: KeyServer;
let key: SigningKey;
/** What was sent, with the status of the answer. */
let exchanges: string[];

beforeEach(async () => {
  exchanges = [];
  key = await signingKey('k1');
  issuer = new KeyServer();
  issuer.keys = [key.jwk];
  await issuer.start();
  server = await AuthServer.start(options());
});

afterEach(async () => {
  await server.close();
  await issuer.close();
});

function options(lifetimes = { access: 600, refresh: 86_400 }): Partial<typeof OPTIONS> {
  const tenant = { domain: issuer.domain, audience: AUDIENCE, clientId: 'client1', users: [USER] };
  return { lifetimes, providers: [auth0Provider(tenant, true)], https: { ca: issuer.ca } };
}

function auth0Token(): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: issuer.issuer, sub: USER, aud: AUDIENCE, iat: now, exp: now + 3600 };
  return providerToken({ key, claims });
}

/** The server has only one guarded route, in place of all others. */
function clientOf(
  credentials: Omit<ClientOptions, 'baseUrl' | 'username' | 'password'> | typeof CREDENTIALS,
) {
  const call = (async (url: string, init: RequestInit) => {
    const { pathname } = new URL(url);
    const answer = await fetch(url.replace('/v3/skills', '/v3/thing'), init);
    exchanges.push(`${init.method} ${pathname} ${answer.status}`);
    return answer;
  }) as typeof fetch;
  return new Client({ baseUrl: `http://127.0.0.1:${server.port}`, fetch: call, ...credentials });
}

const count = (exchange: string) => exchanges.filter((one) => one === exchange).length;
const LOGIN = 'POST /api/login 200';
const REFRESH = 'GET /api/login/refresh 200';
const CALL = 'GET /api/v3/skills 200';
const CALL_REFUSED = 'GET /api/v3/skills 401';

test('tokens that end soon are renewed before they do', async () => {
  await server.reload(options({ access: 3, refresh: 600 }));
  const client = clientOf(CREDENTIALS);
  await expect
    .poll(async () => {
      await client.skills.get();
      return count(REFRESH);
    })
    .toBeGreaterThanOrEqual(2);
  expect(count(LOGIN)).toBe(1);
  expect(exchanges.filter((one) => one.endsWith(' 401'))).toEqual([]);
});

test('50 calls at the same time make one refresh of a token that has ended', async () => {
  const client = clientOf(CREDENTIALS);
  await server.reload(options({ access: 0, refresh: 600 }));
  await client.login();
  await server.reload(options());
  await Promise.all(Array.from({ length: 50 }, () => client.skills.get()));
  expect([count(LOGIN), count(REFRESH), count(CALL)]).toEqual([1, 1, 50]);
});

test('50 calls at the same time make one login when the server has forgotten its tokens', async () => {
  const client = clientOf(CREDENTIALS);
  await client.skills.get();
  exchanges = [];
  await server.reload({ ...options(), secret: 'another' });
  await Promise.all(Array.from({ length: 50 }, () => client.skills.get()));
  expect([count(CALL_REFUSED), count('GET /api/login/refresh 401'), count(LOGIN), count(CALL)]).toEqual([
    50, 1, 1, 50,
  ]);
});

test('a client with an Auth0 token asks for another when the session has ended', async () => {
  let asked = 0;
  const client = clientOf({
    auth0Token: () => {
      asked++;
      return auth0Token();
    },
  });
  await server.reload(options({ access: 0, refresh: 0 }));
  await client.login();
  await server.reload(options());
  await client.skills.get();
  expect(asked).toBe(2);
  expect(exchanges).toEqual([LOGIN, LOGIN, CALL]);
});

test('stored tokens continue the session', async () => {
  const first = clientOf(CREDENTIALS);
  await first.login();
  const { accessToken, refreshToken } = first.tokens();
  exchanges = [];
  await clientOf({ ...CREDENTIALS, accessToken, refreshToken }).skills.get();
  expect(exchanges).toEqual([CALL]);
  const later = clientOf({ refreshToken });
  await later.refresh();
  await later.skills.get();
  expect(exchanges).toEqual([CALL, REFRESH, CALL]);
});

test('rotated tokens replace those before, which are worth nothing any more', async () => {
  const client = clientOf(CREDENTIALS);
  await client.login();
  const before = client.tokens();
  await client.rotate();
  expect(client.tokens().refreshToken).not.toBe(before.refreshToken);
  await client.skills.get();
  await expect(clientOf({ refreshToken: before.refreshToken }).refresh()).rejects.toMatchObject({
    status: 401,
  });
});

test('a logout ends the session', async () => {
  const client = clientOf(CREDENTIALS);
  await client.login();
  const { accessToken } = client.tokens();
  await client.logout();
  expect(client.tokens()).toEqual({ accessToken: undefined, refreshToken: undefined });
  await expect(clientOf({ accessToken }).skills.get()).rejects.toMatchObject({ status: 401 });
});

test('the access control tells what is wrong', async () => {
  await expect(clientOf({ ...CREDENTIALS, password: 'wrong' }).login()).rejects.toMatchObject({
    status: 401,
    message: 'Unauthorized',
    details: ['Invalid authorization credentials: invalid username or password'],
  });
});
