import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { auth0Provider } from '../../packages/server/src/auth/oidc.ts';
import type { OPTIONS } from './auth-server.ts';
import { type Answer, type Ask, AuthServer, bearer, PASSWORD, USERNAME } from './auth-server.ts';
import { KeyServer, providerToken, type SigningKey, signingKey } from './key-server.ts';

// The official clients' ways to log in and to stay so, request by request as the specification describes them.

interface Stored {
  access: string;
  refresh: string;
}

const AUDIENCE = 'https://api.example.com';
const USER = 'auth0|user1';

let server: AuthServer;
let issuer: KeyServer;
let key: SigningKey;

beforeEach(async () => {
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

function options(): Partial<typeof OPTIONS> {
  const tenant = { domain: issuer.domain, audience: AUDIENCE, clientId: 'client1', users: [USER] };
  return { providers: [auth0Provider(tenant, true)], https: { ca: issuer.ca } };
}

function auth0Token(): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: issuer.issuer, sub: USER, aud: AUDIENCE, iat: now, exp: now + 3600 };
  return providerToken({ key, claims });
}

function ask(path: string, token = '', more: Ask = {}): Promise<Answer> {
  return server.ask(path, token === '' ? more : { ...more, ...bearer(token) });
}

function field(answer: Answer, name: string): string {
  const value = (answer.json as Record<string, unknown> | undefined)?.[name];
  return typeof value === 'string' ? value : '';
}

function claim(token: string, name: string): unknown {
  const payload = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString();
  return (JSON.parse(payload) as Record<string, unknown>)[name];
}

/** Makes what was issued so far expire without waiting: tokens of a lifetime that is over. */
async function expiredTokens(lifetimes: typeof OPTIONS.lifetimes): Promise<Stored> {
  await server.reload({ ...options(), lifetimes });
  const tokens = await server.tokens();
  await server.reload(options());
  return tokens;
}

describe('the Go client', () => {
  interface Login {
    username: string;
    password: string;
    auth0Token?: string;
  }

  class GoClient {
    readonly #login: Login;
    tokens: Stored;

    constructor(login: Login, tokens: Stored = { access: '', refresh: '' }) {
      this.#login = login;
      this.tokens = tokens;
    }

    async connect(): Promise<void> {
      let about = await ask('//api', this.tokens.access);
      if (field(about, 'id') === '') {
        await this.login(about);
        about = await ask('//api', this.tokens.access);
      }
      if (field(about, 'id') === '') throw new Error('not connected');
    }

    async login(about: Answer): Promise<void> {
      const { username, password, auth0Token = '' } = this.#login;
      const [first = ''] = (about.json as { auths: string[] }).auths;
      const isLocal = first === 'localjwt';
      if (isLocal ? username === '' : auth0Token === '') throw new Error('no usable credentials');
      const credentials = isLocal ? { username, password } : { username: '', password: '' };
      const answer = await ask('/api/login', isLocal ? '' : auth0Token, {
        method: 'POST',
        ...json(credentials),
        ...(isLocal ? {} : { headers: { ...json(credentials).headers, ...bearer(auth0Token).headers } }),
      });
      if (answer.status !== 200) throw new Error('wrong username and/or password');
      this.tokens = { access: field(answer, 'access_token'), refresh: field(answer, 'refresh_token') };
    }

    async call(path: string): Promise<Answer> {
      const answer = await ask(path, this.tokens.access);
      if (answer.status !== 401) return answer;
      const refreshed = await ask('/api/login/refresh', this.tokens.refresh);
      if (refreshed.status === 200) this.tokens.access = field(refreshed, 'access_token');
      else await this.login(await ask('/api'));
      return ask(path, this.tokens.access);
    }
  }

  function json(value: unknown): { headers: Record<string, string>; body: string } {
    return { headers: { 'content-type': 'application/json' }, body: JSON.stringify(value) };
  }

  const right = { username: USERNAME, password: PASSWORD };

  test('connects and calls', async () => {
    const client = new GoClient(right);
    await client.connect();
    expect((await client.call('/api/v3/thing')).status).toBe(200);
  });

  test('fails to connect with a wrong password', async () => {
    await expect(new GoClient({ ...right, password: 'x' }).connect()).rejects.toThrow('wrong username');
  });

  test('connects with an Auth0 token alone if Auth0 is preferred', async () => {
    await server.reload({ ...options(), prefersAuth0: true });
    const client = new GoClient({ username: '', password: '', auth0Token: await auth0Token() });
    await client.connect();
    expect(claim(client.tokens.access, 'sub')).toBe(USER);
  });

  test('goes on with stored tokens without a login', async () => {
    const client = new GoClient({ username: '', password: '' }, await server.tokens());
    await client.connect();
    expect((await client.call('/api/v3/thing')).status).toBe(200);
  });

  test('refreshes an expired access token on the way', async () => {
    const tokens = await expiredTokens({ access: 0, refresh: 86_400 });
    const client = new GoClient(right, { ...tokens });
    expect((await client.call('/api/v3/thing')).status).toBe(200);
    expect(client.tokens.refresh).toBe(tokens.refresh);
  });

  test('logs in again when the refresh token has expired as well', async () => {
    const tokens = await expiredTokens({ access: 0, refresh: 0 });
    const client = new GoClient(right, { ...tokens });
    expect((await client.call('/api/v3/thing')).status).toBe(200);
    expect(client.tokens.refresh).not.toBe(tokens.refresh);
  });

  test('logs in again when the secret changed between two calls', async () => {
    const client = new GoClient(right);
    await client.connect();
    await server.reload({ ...options(), secret: 'another' });
    expect((await client.call('/api/v3/thing')).status).toBe(200);
  });
});

describe('the Python client', () => {
  class PythonClient {
    readonly #username: string;
    readonly #password: string;
    readonly #auth0Token: string;
    tokens: Stored;

    constructor({ username = 'None', password = 'None', auth0Token = '', access = '', refresh = '' }) {
      this.#username = username;
      this.#password = password;
      this.#auth0Token = auth0Token;
      this.tokens = { access, refresh };
    }

    async login(): Promise<void> {
      const about = await ask('/api');
      if (about.status !== 200 || field(about, 'app') === '') throw new Error('no Core');
      if (!(about.json as { auths: string[] }).auths.includes('localjwt')) return;
      if (this.tokens.refresh !== '' && (await this.refresh())) return;
      const headers = { 'content-type': 'application/json' };
      const answer =
        this.#auth0Token === ''
          ? await ask('/api/login?domain=', '', {
              method: 'POST',
              headers,
              body: JSON.stringify({ username: this.#username, password: this.#password }),
            })
          : await ask('/api/login', '', {
              method: 'POST',
              headers: { ...headers, ...bearer(this.#auth0Token).headers },
            });
      if (answer.status !== 200) throw new Error('Authorization failed');
      this.tokens = { access: field(answer, 'access_token'), refresh: field(answer, 'refresh_token') };
      if (typeof claim(this.tokens.access, 'exp') !== 'number') throw new Error('no expiry');
    }

    async refresh(): Promise<boolean> {
      const answer = await ask('/api/login/refresh', this.tokens.refresh);
      if (answer.status === 200) this.tokens.access = field(answer, 'access_token');
      return answer.status === 200;
    }

    async call(path: string): Promise<Answer> {
      const isExpired = (token: string) => token === '' || Number(claim(token, 'exp')) <= Date.now() / 1000;
      if (isExpired(this.tokens.refresh)) await this.login();
      else if (isExpired(this.tokens.access)) await this.refresh();
      const answer = await ask(path, this.tokens.access);
      if ((answer.json as { code?: number } | undefined)?.code !== 401) return answer;
      if (!(await this.refresh())) await this.login();
      return ask(path, this.tokens.access);
    }
  }

  const right = { username: USERNAME, password: PASSWORD };

  test('logs in and calls', async () => {
    const client = new PythonClient(right);
    await client.login();
    expect((await client.call('/api/v3/thing')).status).toBe(200);
  });

  test('logs in with an Auth0 token', async () => {
    const client = new PythonClient({ auth0Token: await auth0Token() });
    await client.login();
    expect((await client.call('/api/v3/thing')).status).toBe(200);
  });

  test('logs in with a refresh token alone', async () => {
    const client = new PythonClient({ refresh: (await server.tokens()).refresh });
    await client.login();
    expect((await client.call('/api/v3/thing')).status).toBe(200);
  });

  test('refreshes before a call when the access token has expired', async () => {
    const client = new PythonClient({ ...right, ...(await expiredTokens({ access: 0, refresh: 86_400 })) });
    expect((await client.call('/api/v3/thing')).status).toBe(200);
  });

  test('tries the dead refresh token, then logs in', async () => {
    const client = new PythonClient({ ...right, ...(await expiredTokens({ access: 0, refresh: 0 })) });
    expect((await client.call('/api/v3/thing')).status).toBe(200);
  });

  test('is refused with the literal words None and None', async () => {
    await expect(new PythonClient({}).login()).rejects.toThrow('Authorization failed');
  });

  test('logs in again when the secret changed between two calls', async () => {
    const client = new PythonClient(right);
    await client.login();
    await server.reload({ ...options(), secret: 'another' });
    expect((await client.call('/api/v3/thing')).status).toBe(200);
  });
});

describe('the web client', () => {
  const headers = { origin: 'http://ui.example.com', 'content-type': 'application/json' };
  const credentials = {
    method: 'POST',
    headers,
    body: JSON.stringify({ username: USERNAME, password: PASSWORD }),
  };

  test('learns from the address of the API whether to log in, logs in, and schedules the refresh', async () => {
    const before = await server.ask('/api', { headers });
    expect(field(before, 'id')).toBe('');
    expect(before.headers['access-control-allow-origin']).toBe('*');
    const login = await server.ask('/api/login', credentials);
    const access = field(login, 'access_token');
    expect(claim(access, 'exi')).toBe(600);
    const after = await server.ask('/api', { headers: { ...headers, ...bearer(access).headers } });
    expect(field(after, 'id')).not.toBe('');
    const refreshed = await server.ask('/api/login/refresh', {
      headers: { ...headers, ...bearer(field(login, 'refresh_token')).headers },
    });
    expect(claim(field(refreshed, 'access_token'), 'exi')).toBe(600);
  });

  test('logs in with Auth0 by the advertised values', async () => {
    const { auths } = (await server.ask('/api', { headers })).json as { auths: string[] };
    const parts =
      auths
        .find((method) => method.startsWith('auth0 '))
        ?.split(' ')
        .slice(1) ?? [];
    const values = Object.fromEntries(parts.map((part) => part.split('=') as [string, string]));
    expect(values).toEqual({ domain: issuer.domain, audience: AUDIENCE, clientid: 'client1' });
    const login = await server.ask('/api/login', {
      method: 'POST',
      headers: { ...headers, ...bearer(await auth0Token()).headers },
    });
    expect(login.status).toBe(200);
  });

  test('shows the login again when neither token is worth anything', async () => {
    const { access, refresh } = await server.tokens();
    await server.reload({ ...options(), password: 'another' });
    expect((await ask('/api/v3/thing', access)).status).toBe(401);
    expect((await ask('/api/login/refresh', refresh)).status).toBe(401);
    expect(field(await ask('/api', access), 'id')).toBe('');
  });
});
