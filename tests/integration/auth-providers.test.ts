import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JWTPayload } from 'jose';
import { SignJWT } from 'jose';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { auth0Provider, oidcProvider, type ProviderOptions } from '../../packages/server/src/auth/oidc.ts';
import { type Answer, AuthServer, bearer, details, OPTIONS, PASSWORD, USERNAME } from './auth-server.ts';
import { KeyServer, providerToken, type SigningKey, signingKey, type TokenParts } from './key-server.ts';

const AUDIENCE = 'https://api.example.com';
const CLIENT = 'client1';
const USER = 'auth0|user1';
/** Key sets are fetched anew at once, so that tests need not wait. */
const QUICK = { minInterval: 0, firstRetry: 10, maxRetry: 50 };

let keys: Record<'first' | 'second' | 'foreign' | 'ec', SigningKey>;
let issuer: KeyServer;
let server: AuthServer;

beforeAll(async () => {
  keys = {
    first: await signingKey('k1'),
    second: await signingKey('k2'),
    foreign: await signingKey('k1'),
    ec: await signingKey('e1', 'ES256'),
  };
});

beforeEach(async () => {
  issuer = new KeyServer();
  issuer.keys = [keys.first.jwk];
  await issuer.start();
});

afterEach(async () => {
  await server.close();
  await issuer.close();
});

function tenant(more: Partial<ProviderOptions> = {}): ProviderOptions {
  const options = { domain: issuer.domain, audience: AUDIENCE, clientId: CLIENT, users: [USER] };
  return { ...auth0Provider(options, true), ...more };
}

async function start(providers: ProviderOptions[], more: Partial<typeof OPTIONS> = {}): Promise<void> {
  server = await AuthServer.start({ providers, https: { ca: issuer.ca }, keySetTimes: QUICK, ...more });
}

const now = (): number => Math.floor(Date.now() / 1000);

/** Claims that are undefined are left out of the token. */
type Claims = Record<string, unknown>;

function claims(more: Claims = {}): JWTPayload {
  return {
    iss: issuer.issuer,
    sub: USER,
    aud: [AUDIENCE, `${issuer.issuer}userinfo`],
    azp: CLIENT,
    iat: now(),
    exp: now() + 3600,
    scope: 'openid',
    ...more,
  };
}

function token(more: Claims = {}, parts: Partial<TokenParts> = {}): Promise<string> {
  return providerToken({ key: keys.first, claims: claims(more), ...parts });
}

function login(text: string, body?: string): Promise<Answer> {
  return server.ask('/api/login', {
    method: 'POST',
    headers: {
      ...bearer(text).headers,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body }),
  });
}

const INVALID = ['Invalid authorization credentials: invalid token'];

describe('an Auth0 token', () => {
  test.each<[string, string | undefined]>([
    ['alone', undefined],
    ['with a content type and no body', ''],
    ['with empty credentials, as the Go client sends them', '{"username":"","password":""}'],
  ])('%s is exchanged for tokens of this server', async (_what, body) => {
    await start([tenant()]);
    const answer = await login(await token(), body);
    expect(answer.status).toBe(200);
    const { access_token, refresh_token } = answer.json as Record<string, string>;
    const payload = Buffer.from((access_token ?? '').split('.')[1] ?? '', 'base64url').toString();
    expect(JSON.parse(payload)).toMatchObject({ sub: USER, iss: 'datarhei-core', exi: 600 });
    expect(await server.statusFor(access_token ?? '')).toBe(200);
    expect((await server.ask('/api/login/refresh', bearer(refresh_token ?? ''))).status).toBe(200);
  });

  test('opens no other route', async () => {
    await start([tenant()]);
    expect(await server.statusFor(await token())).toBe(401);
    expect((await server.ask('/api/login/refresh', bearer(await token()))).status).toBe(401);
  });

  test.each<[string, () => Promise<string>, number]>([
    ['with one audience as text', () => token({ aud: AUDIENCE }), 200],
    ['of another client', () => token({ azp: 'other' }), 200],
    ['that expires within the tolerance of clocks', () => token({ exp: now() - 5 }), 200],
  ])('%s is accepted', async (_what, make, status) => {
    await start([tenant()]);
    expect((await login(await make())).status).toBe(status);
  });

  test.each<[string, () => Promise<string>]>([
    ['with an unknown key', () => token({}, { kid: 'other' })],
    ['without a key id', () => token({}, { kid: undefined })],
    ['with a key id that is no text', () => token({}, { header: { kid: 5 } })],
    ['signed by somebody else', () => token({}, { key: keys.foreign })],
    ['with a wrong audience', () => token({ aud: 'https://other.example.com' })],
    ['without audience', () => token({ aud: undefined })],
    ['of a user who is not on the list', () => token({ sub: 'auth0|other' })],
    ['without subject', () => token({ sub: undefined })],
    ['not valid yet', () => token({ nbf: now() + 600 })],
    ['without expiry', () => token({ exp: undefined })],
    ['with a critical extension', () => token({}, { header: { crit: ['b64'], b64: true } })],
    ['of another type', () => token({}, { header: { typ: 'logout+jwt' } })],
    ['with a nonce, an ID token', () => token({ nonce: 'x' })],
    ['with at_hash, an ID token', () => token({ at_hash: 'x' })],
    ['with another algorithm than its key', () => token({}, { key: keys.ec, kid: 'k1' })],
    [
      'signed with a secret',
      () =>
        new SignJWT(claims())
          .setProtectedHeader({ alg: 'HS256', kid: 'k1' })
          .sign(Buffer.from(PASSWORD.repeat(8))),
    ],
    ['with no signature', async () => unsigned((await token()).split('.')[1] ?? '')],
  ])('%s is refused with a generic reason', async (_what, make) => {
    await start([tenant()]);
    const answer = await login(await make());
    expect([answer.status, details(answer)]).toEqual([401, INVALID]);
    expect(server.audited('login')).toMatchObject([{ level: 'warn', result: 'failure', method: 'provider' }]);
  });

  function unsigned(payload: string): string {
    const header = Buffer.from(JSON.stringify({ alg: 'none', kid: 'k1' })).toString('base64url');
    return `${header}.${payload}.`;
  }

  test('that is expired is refused, and told so', async () => {
    await start([tenant()]);
    const answer = await login(await token({ exp: now() - 120 }));
    expect([answer.status, details(answer)]).toEqual([
      401,
      ['Invalid authorization credentials: token is expired'],
    ]);
  });

  test('does not tell whether its user is on the list', async () => {
    await start([tenant()]);
    const known = await login(await token({}, { key: keys.foreign }));
    const unknown = await login(await token({ sub: 'auth0|other' }, { key: keys.foreign }));
    expect(unknown.text).toBe(known.text);
  });

  test.each<[string, () => Promise<string>]>([
    ['of an unknown issuer', () => token({ iss: 'https://other.example.com/' })],
    ['without issuer', () => token({ iss: undefined })],
    ['with an issuer without the slash', () => token({ iss: issuer.issuer.slice(0, -1) })],
    ['with a number as issuer', () => token({ iss: 5 })],
    ['that is none', () => Promise.resolve('garbage')],
    ['with a header that is none', () => Promise.resolve('bm9uZQ.e30.x')],
  ])('%s is not taken for one', async (_what, make) => {
    await start([tenant()]);
    const answer = await login(await make());
    expect([answer.status, details(answer)]).toEqual([400, ['Missing authorization credentials']]);
  });

  test('with an issuer that is a number leaves the server as it was', async () => {
    await start([tenant()]);
    await login(await token({ iss: 5 }));
    await server.reload({ providers: [tenant()], https: { ca: issuer.ca }, keySetTimes: QUICK });
    expect((await server.ask('/api')).status).toBe(200);
    expect((await login(await token())).status).toBe(200);
  });

  test('with a wrong audience is named in the log, with the one expected', async () => {
    await start([tenant()]);
    await login(await token({ aud: 'https://other.example.com' }));
    const [line] = server.audited('login');
    expect(line?.['reason']).toMatch(/other\.example\.com.*not for https:\/\/api\.example\.com/);
  });

  test('with a wrong audience is accepted if that is not checked', async () => {
    await start([tenant({ checksAudience: false })]);
    expect((await login(await token({ aud: 'https://other.example.com' }))).status).toBe(200);
  });

  test('of another client is refused if that is checked', async () => {
    await start([tenant({ checksClient: true })]);
    expect((await login(await token())).status).toBe(200);
    expect((await login(await token({ azp: 'other' }))).status).toBe(401);
  });

  test('of a tenant without users is refused', async () => {
    await start([tenant({ users: [] })]);
    expect((await login(await token())).status).toBe(401);
  });

  test('means nothing if there is no tenant', async () => {
    await start([]);
    expect((await login(await token())).status).toBe(400);
  });
});

describe('both kinds of credentials in one request', () => {
  const body = (password: string) => JSON.stringify({ username: USERNAME, password });

  test('complete credentials decide, right or wrong', async () => {
    await start([tenant()]);
    expect((await login(await token({ exp: 1 }), body(PASSWORD))).status).toBe(200);
    const answer = await login(await token(), body('wrong'));
    expect(details(answer)).toEqual(['Invalid authorization credentials: invalid username or password']);
  });

  test('incomplete credentials leave it to the token', async () => {
    await start([tenant()]);
    expect((await login(await token(), JSON.stringify({ username: USERNAME }))).status).toBe(200);
  });
});

describe('the key set', () => {
  const quick = { ...OPTIONS, keySetTimes: QUICK };

  test('is renewed when a token names a new key, without a restart', async () => {
    await start([tenant()]);
    expect((await login(await token())).status).toBe(200);
    issuer.keys = [keys.second.jwk];
    expect((await login(await token({}, { key: keys.second }))).status).toBe(200);
    expect((await login(await token())).status).toBe(401);
  });

  test('is fetched for unknown keys at most once in a while', async () => {
    await start([tenant()], { keySetTimes: { ...QUICK, minInterval: 3_600_000 } });
    expect((await login(await token())).status).toBe(200);
    for (const kid of ['a', 'b', 'c']) expect((await login(await token({}, { kid }))).status).toBe(401);
    expect(issuer.requests).toBe(1);
  });

  test('is fetched once for many tokens with unknown keys at the same time', async () => {
    await start([tenant()]);
    expect((await login(await token())).status).toBe(200);
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    issuer.answer = (_request, response) => {
      void held.then(() => response.end(JSON.stringify({ keys: issuer.keys })));
    };
    const before = issuer.requests;
    const logins = ['a', 'b', 'c'].map(async (kid) => login(await token({}, { kid })));
    await expect.poll(() => issuer.requests).toBe(before + 1);
    release();
    expect((await Promise.all(logins)).map(({ status }) => status)).toEqual([401, 401, 401]);
    // Requests that came after the answer may have caused one more each, but never one for each at once.
    expect(issuer.requests).toBeLessThanOrEqual(before + 3);
  });

  test('need not be there at the start', async () => {
    await issuer.close();
    await start([tenant()], { keySetTimes: { ...QUICK, minInterval: 3_600_000 } });
    expect((await server.ask('/ping')).status).toBe(200);
    expect((await server.login()).status).toBe(200);
    expect((await login(await token())).status).toBe(401);
    await issuer.start();
    await expect.poll(() => server.auth.keySets()[0]?.ageSeconds, { timeout: 10_000 }).toBeDefined();
    expect((await login(await token())).status).toBe(200);
    expect(server.auth.keySets()[0]?.errors).toBeGreaterThan(0);
  });

  test('stays in use when its server fails', async () => {
    await start([tenant()]);
    expect((await login(await token())).status).toBe(200);
    await issuer.close();
    expect((await login(await token({}, { kid: 'other' }))).status).toBe(401);
    expect((await login(await token())).status).toBe(200);
  });

  test.each<[string, (issuer: KeyServer) => void]>([
    ['an error', (to) => (to.answer = (_request, response) => response.writeHead(500).end('{"keys":[]}'))],
    ['no JSON', (to) => (to.answer = (_request, response) => response.end('<html>'))],
    ['no key set', (to) => (to.answer = (_request, response) => response.end('{"keys":5}'))],
    ['too much', (to) => (to.answer = (_request, response) => response.end(`"${'x'.repeat(300_000)}"`))],
    [
      'a redirect to another origin',
      (to) =>
        (to.answer = (_request, response) =>
          response.writeHead(302, { location: 'https://127.0.0.1:1/keys' }).end()),
    ],
    [
      'endless redirects',
      (to) => (to.answer = (_request, response) => response.writeHead(302, { location: '/again' }).end()),
    ],
    ['a cut connection', (to) => (to.answer = (request) => request.socket.destroy())],
  ])('is not replaced by %s', async (_what, spoil) => {
    await start([tenant()]);
    expect((await login(await token())).status).toBe(200);
    spoil(issuer);
    expect((await login(await token({}, { kid: 'other' }))).status).toBe(401);
    expect(server.auth.keySets()[0]?.errors).toBeGreaterThan(0);
    expect((await login(await token())).status).toBe(200);
  });

  test('may be behind a redirect within its origin', async () => {
    issuer.answer = (request, response) => {
      if (request.url === '/moved') response.end(JSON.stringify({ keys: issuer.keys }));
      else response.writeHead(302, { location: '/moved' }).end();
    };
    await start([tenant()]);
    expect((await login(await token())).status).toBe(200);
  });

  test('is not believed without a certificate of a known authority', async () => {
    await start([tenant()], { https: {} });
    expect((await login(await token())).status).toBe(401);
    expect(server.auth.keySets()[0]).toMatchObject({ ageSeconds: undefined });
  });

  test('is believed if the file of the environment names the authority', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'millrace-ca-'));
    const file = join(dir, 'ca.pem');
    writeFileSync(file, issuer.ca);
    await start([tenant()], { https: { env: { SSL_CERT_FILE: file } } });
    expect((await login(await token())).status).toBe(200);
    rmSync(dir, { recursive: true });
  });

  test.each<[string, (jwk: Record<string, unknown>) => Record<string, unknown>, number]>([
    ['without alg and use', (jwk) => ({ ...jwk, alg: undefined, use: undefined }), 200],
    ['for encryption', (jwk) => ({ ...jwk, use: 'enc' }), 401],
    ['for another algorithm', (jwk) => ({ ...jwk, alg: 'RS512' }), 401],
  ])('with a key %s', async (_what, change, status) => {
    issuer.keys = [change(keys.first.jwk)];
    await start([tenant()]);
    expect((await login(await token())).status).toBe(status);
  });

  test('with a shared secret verifies nothing', async () => {
    const secret = Buffer.alloc(64, 'x');
    issuer.keys = [{ kty: 'oct', kid: 'o1', alg: 'HS256', use: 'sig', k: secret.toString('base64url') }];
    await start([tenant()]);
    const forged = await new SignJWT(claims()).setProtectedHeader({ alg: 'HS256', kid: 'o1' }).sign(secret);
    expect((await login(forged)).status).toBe(401);
  });

  test('with an EC key verifies if the algorithm is allowed', async () => {
    issuer.keys = [keys.ec.jwk];
    await start([tenant()]);
    expect((await login(await token({}, { key: keys.ec }))).status).toBe(401);
    await server.reload({
      ...quick,
      https: { ca: issuer.ca },
      providers: [tenant({ algorithms: ['ES256'] })],
    });
    expect((await login(await token({}, { key: keys.ec }))).status).toBe(200);
  });

  test('is fetched through the proxy of the environment', async () => {
    const proxy = createServer((socket) => socket.destroy());
    const asked = once(proxy, 'connection');
    proxy.listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    const { port } = proxy.address() as { port: number };
    await start([tenant()], {
      https: { ca: issuer.ca, env: { HTTPS_PROXY: `http://127.0.0.1:${port}` } },
    });
    await asked;
    proxy.close();
    expect(issuer.requests).toBe(0);
  });
});

describe('a reload', () => {
  const rest = () => ({ https: { ca: issuer.ca }, keySetTimes: QUICK });

  async function tokens(): Promise<{ access: string; refresh: string }> {
    const { json } = await login(await token());
    const { access_token, refresh_token } = json as Record<string, string>;
    return { access: access_token ?? '', refresh: refresh_token ?? '' };
  }

  test('that removes a user ends the sessions of that user', async () => {
    await start([tenant()]);
    const { access, refresh } = await tokens();
    expect(await server.statusFor(access)).toBe(200);
    await server.reload({ ...rest(), providers: [tenant({ users: ['auth0|other'] })] });
    expect(await server.statusFor(access)).toBe(401);
    expect((await server.ask('/api/login/refresh', bearer(refresh))).status).toBe(401);
  });

  test('that adds a tenant keeps the keys of the others', async () => {
    await start([tenant()]);
    await tokens();
    const before = issuer.requests;
    await server.reload({ ...rest(), providers: [tenant(), tenant({ audience: 'other' })] });
    expect((await login(await token())).status).toBe(200);
    expect(issuer.requests).toBe(before);
  });

  test('that is given up changes nothing', async () => {
    await start([tenant()]);
    const { access } = await tokens();
    await server.auth.prepare({ ...OPTIONS, ...rest(), providers: [] }).abort();
    expect(await server.statusFor(access)).toBe(200);
  });
});

describe('several tenants', () => {
  test('may share an issuer, and the audience decides', async () => {
    const other = tenant({ audience: 'https://other.example.com', users: ['auth0|user2'] });
    await start([tenant(), other]);
    expect((await login(await token())).status).toBe(200);
    const second = { sub: 'auth0|user2', aud: 'https://other.example.com' };
    expect((await login(await token(second))).status).toBe(200);
    expect((await login(await token({ ...second, sub: USER }))).status).toBe(401);
    expect(issuer.requests).toBe(1);
  });

  test('are advertised behind the local login, or before it', async () => {
    await start([tenant()]);
    const auth0 = `auth0 domain=${issuer.domain} audience=${AUDIENCE} clientid=${CLIENT}`;
    expect((await server.ask('/api')).json).toMatchObject({ auths: ['localjwt', auth0] });
    await server.reload({ providers: [tenant()], prefersAuth0: true });
    expect((await server.ask('/api')).json).toMatchObject({ auths: [auth0, 'localjwt'] });
  });
});

describe('an OIDC provider', () => {
  const oidc = (more: Partial<Parameters<typeof oidcProvider>[0]> = {}) =>
    oidcProvider({ issuer: issuer.issuer, audience: AUDIENCE, clientId: CLIENT, users: [USER], ...more });

  test('is found through its discovery document', async () => {
    await start([oidc()]);
    expect((await login(await token())).status).toBe(200);
    expect((await server.ask('/api')).json).toMatchObject({
      auths: ['localjwt', `oidc issuer=${issuer.issuer} audience=${AUDIENCE} clientid=${CLIENT}`],
    });
  });

  test('is not believed when its document names another issuer', async () => {
    issuer.discoveredIssuer = 'https://other.example.com/';
    await start([oidc()]);
    expect((await login(await token())).status).toBe(401);
  });

  test('needs no document if the address of its keys is given', async () => {
    issuer.discoveredIssuer = 'https://other.example.com/';
    await start([oidc({ keysUri: `${issuer.issuer}keys` })]);
    expect((await login(await token())).status).toBe(200);
  });

  test.each(['at+jwt', 'application/at+jwt', 'AT+JWT'])('may give tokens of the type %s', async (typ) => {
    await start([oidc()]);
    expect((await login(await token({}, { header: { typ } }))).status).toBe(200);
  });

  test('may give ID tokens if that is allowed', async () => {
    await start([oidc({ allowsIdTokens: true })]);
    expect((await login(await token({ nonce: 'x' }))).status).toBe(200);
  });

  test('may name the user in another claim', async () => {
    await start([oidc({ userClaim: 'email', users: ['a@example.com'] })]);
    expect((await login(await token({ email: 'a@example.com' }))).status).toBe(200);
    expect((await login(await token({ email: 'b@example.com' }))).status).toBe(401);
    expect((await login(await token())).status).toBe(401);
  });

  test('does not let in with an address that is not verified', async () => {
    await start([oidc({ userClaim: 'email', users: ['a@example.com'] })]);
    const unverified = await token({ email: 'a@example.com', email_verified: false });
    expect((await login(unverified)).status).toBe(401);
  });

  test('may let in the members of a group, for as long as the group is configured', async () => {
    const groups = ['operators'];
    await start([oidc({ users: [], groups })]);
    expect((await login(await token({ groups: ['viewers'] }))).status).toBe(401);
    const { json, status } = await login(await token({ groups: ['viewers', 'operators'] }));
    expect(status).toBe(200);
    const { access_token = '' } = json as Record<string, string>;
    expect(await server.statusFor(access_token)).toBe(200);
    await server.reload({ providers: [oidc({ users: [], groups: ['others'] })], https: { ca: issuer.ca } });
    expect(await server.statusFor(access_token)).toBe(401);
  });

  test('lets in the members of a group after a restart as well', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'millrace-auth-'));
    const options = { providers: [oidc({ users: [], groups: ['operators'] })], https: { ca: issuer.ca } };
    server = await AuthServer.start(options, dir);
    const { json } = await login(await token({ groups: ['operators'] }));
    const { access_token = '' } = json as Record<string, string>;
    await server.close();
    server = await AuthServer.start(options, dir);
    expect(await server.statusFor(access_token)).toBe(200);
    rmSync(dir, { recursive: true });
  });

  test('may use EdDSA', async () => {
    const key = await signingKey('ed', 'EdDSA');
    issuer.keys = [key.jwk];
    await start([oidc({ algorithms: ['EdDSA'] })]);
    expect((await login(await token({}, { key }))).status).toBe(200);
  });

  test('may not use a symmetric algorithm', async () => {
    await start([]);
    expect(() => oidc({ algorithms: ['HS256'] })).toThrow(/HS256 is not allowed/);
  });
});
