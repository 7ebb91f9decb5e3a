import { beforeEach, describe, expect, test, vi } from 'vitest';
import { Client, type ClientOptions } from './client.ts';

const REFUSED = { code: 401, message: 'Unauthorized', details: ['Missing or invalid JWT token'] };
const NOT_FOUND = { code: 404, message: 'Not Found', details: ['Not Found'] };
const PASSWORD = { username: 'admin', password: 'secret' };

/** A server that guards everything but what strangers may know, and that can forget tokens and be away. */
class FakeServer {
  /** Every request, as `METHOD path`. */
  readonly requests: string[] = [];
  readonly bodies: unknown[] = [];
  providerToken = 'provider 1';
  lifetime = 600;
  hasLogin = true;
  /** Of the network, from now on. */
  failures = 0;
  #count = 0;
  #access = new Set<string>();
  #refresh = new Set<string>();

  readonly fetch = (async (url: string, init: RequestInit) => {
    const path = new URL(url).pathname;
    this.requests.push(`${init.method} ${path}`);
    await Promise.resolve();
    if (this.failures-- > 0) throw new TypeError('fetch failed');
    const [status, body] = this.#answer(`${init.method} ${path}`, new Headers(init.headers), init.body);
    return new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json' } });
  }) as typeof fetch;

  client(options: Omit<ClientOptions, 'baseUrl'> & Partial<typeof PASSWORD> = {}): Client {
    const all = { baseUrl: 'http://localhost:8080', fetch: this.fetch, retries: 0, ...options };
    return new Client(all);
  }

  count(request: string): number {
    return this.requests.filter((one) => one === request).length;
  }

  issue(): { accessToken: string; refreshToken: string } {
    const accessToken = this.#token(this.#access, this.lifetime);
    return { accessToken, refreshToken: this.#token(this.#refresh, 86_400) };
  }

  revokeAccess(): void {
    this.#access.clear();
  }

  revokeAll(): void {
    this.revokeAccess();
    this.#refresh.clear();
  }

  #token(valid: Set<string>, lifetime: number): string {
    const claims = { exi: lifetime, exp: Date.now() / 1000 + lifetime, jti: ++this.#count };
    const token = `h.${btoa(JSON.stringify(claims))}.s`;
    valid.add(token);
    return token;
  }

  #answer(request: string, headers: Headers, body: unknown): [number, unknown] {
    const token = headers.get('authorization')?.slice('Bearer '.length) ?? '';
    const isKnown = !this.hasLogin || this.#access.has(token);
    switch (request) {
      case 'GET /health/live':
        return [200, { status: 'ok' }];
      case 'GET /api':
        return [200, { app: 'datarhei-core', auths: [], version: {}, ...(isKnown && { id: 'core' }) }];
      case 'POST /api/login':
        return this.hasLogin ? this.#login(token, body) : [404, NOT_FOUND];
      case 'GET /api/login/refresh':
        if (!this.hasLogin) return [404, NOT_FOUND];
        if (!this.#refresh.has(token)) return [401, REFUSED];
        return [200, { access_token: this.#token(this.#access, this.lifetime) }];
      default:
        if (!isKnown) return [401, REFUSED];
        this.bodies.push(body);
        return [200, 'OK'];
    }
  }

  #login(token: string, body: unknown): [number, unknown] {
    const isRight = body === JSON.stringify(PASSWORD) || token === this.providerToken;
    if (!isRight)
      return [401, { code: 401, message: 'Unauthorized', details: ['Invalid authorization credentials'] }];
    const { accessToken, refreshToken } = this.issue();
    return [200, { access_token: accessToken, refresh_token: refreshToken }];
  }
}

let server: FakeServer;
beforeEach(() => {
  server = new FakeServer();
  vi.useFakeTimers({ toFake: ['Date'] });
  return () => vi.useRealTimers();
});

const pass = (seconds: number) => vi.setSystemTime(Date.now() + seconds * 1000);
const SKILLS = 'GET /api/v3/skills';
const LOGIN = 'POST /api/login';
const REFRESH = 'GET /api/login/refresh';

describe('a login', () => {
  test('with user name and password is one request', async () => {
    const client = server.client(PASSWORD);
    await client.login();
    expect(server.requests).toEqual([LOGIN]);
    expect(client.tokens()).toEqual({
      accessToken: expect.any(String) as string,
      refreshToken: expect.any(String) as string,
    });
  });

  test('comes by itself with the first call that needs it', async () => {
    const client = server.client(PASSWORD);
    await client.health.live();
    await client.skills.get();
    await client.skills.get();
    expect(server.requests).toEqual(['GET /health/live', LOGIN, SKILLS, SKILLS]);
  });

  test('with an Auth0 token takes a text or a function', async () => {
    await server.client({ auth0Token: 'provider 1' }).login();
    await server.client({ auth0Token: () => Promise.resolve('provider 1') }).login();
    expect(server.requests).toEqual([LOGIN, LOGIN]);
  });

  test('takes the Auth0 token if the password is refused', async () => {
    await server.client({ ...PASSWORD, password: 'old', auth0Token: 'provider 1' }).login();
    expect(server.requests).toEqual([LOGIN, LOGIN]);
  });

  test('is repeated if the line is bad', async () => {
    server.failures = 1;
    await server.client({ ...PASSWORD, retries: 1 }).login();
    expect(server.requests).toEqual([LOGIN, LOGIN]);
  });

  test('with wrong credentials fails with what the server says', async () => {
    await expect(server.client({ ...PASSWORD, password: 'x' }).login()).rejects.toMatchObject({
      status: 401,
      message: 'Unauthorized',
      details: ['Invalid authorization credentials'],
    });
  });

  test('that was refused is not tried again by itself for a while', async () => {
    const client = server.client({ ...PASSWORD, password: 'x' });
    for (let i = 0; i < 5; i++) await expect(client.skills.get()).rejects.toMatchObject({ status: 401 });
    expect(server.count(LOGIN)).toBe(1);
    pass(20);
    await expect(client.skills.get()).rejects.toMatchObject({ status: 401 });
    expect(server.count(LOGIN)).toBe(2);
    await expect(client.login()).rejects.toMatchObject({ status: 401 });
    expect(server.count(LOGIN)).toBe(3);
  });

  test('is not needed where authentication is off', async () => {
    server.hasLogin = false;
    const client = server.client(PASSWORD);
    await client.login();
    await client.skills.get();
    await client.skills.get();
    await server.client().login();
    expect(server.requests).toEqual([LOGIN, 'GET /api', SKILLS, SKILLS, 'GET /api']);
  });

  test('follows once authentication is turned on', async () => {
    server.hasLogin = false;
    const client = server.client(PASSWORD);
    await client.skills.get();
    server.hasLogin = true;
    await client.skills.get();
    expect(client.tokens().accessToken).toBeDefined();
  });

  test('without credentials fails where one is needed', async () => {
    await expect(server.client().login()).rejects.toMatchObject({ code: 'login' });
    await expect(server.client().skills.get()).rejects.toMatchObject({ code: 'status', status: 401 });
  });
});

describe('a session', () => {
  test('goes on with its tokens, without a login', async () => {
    const first = server.client(PASSWORD);
    await first.login();
    const { accessToken, refreshToken } = first.tokens();
    server.requests.length = 0;
    await server.client({ ...PASSWORD, accessToken, refreshToken }).skills.get();
    expect(server.requests).toEqual([SKILLS]);
  });

  test('is not lost by a rotation that may have been done', async () => {
    const client = server.client({ ...server.issue(), retries: 3 });
    server.failures = 1;
    await expect(client.rotate()).rejects.toMatchObject({ code: 'network', attempts: 1 });
  });

  test('goes on with a refresh token alone', async () => {
    const { refreshToken } = server.issue();
    const client = server.client({ refreshToken });
    await client.refresh();
    await client.skills.get();
    expect(server.requests).toEqual([REFRESH, SKILLS]);
  });

  test('tells its tokens whenever there are new ones', async () => {
    const onTokens = vi.fn();
    const client = server.client({ ...PASSWORD, onTokens });
    await client.login();
    await client.refresh();
    expect(onTokens).toHaveBeenCalledTimes(2);
    expect(onTokens).toHaveBeenLastCalledWith(client.tokens());
  });
});

describe('an access token', () => {
  test('is renewed before it runs out', async () => {
    const client = server.client(PASSWORD);
    await client.login();
    pass(538);
    await client.skills.get();
    expect(server.count(REFRESH)).toBe(0);
    pass(2);
    await client.skills.get();
    expect(server.requests).toEqual([LOGIN, SKILLS, REFRESH, SKILLS]);
  });

  test('is renewed once for all calls at the same time', async () => {
    const client = server.client(PASSWORD);
    await client.login();
    pass(601);
    await Promise.all(Array.from({ length: 50 }, () => client.skills.get()));
    expect(server.count(REFRESH)).toBe(1);
    expect(server.count(SKILLS)).toBe(50);
  });

  test('that is refused is renewed once for all calls, which are sent again', async () => {
    const client = server.client(PASSWORD);
    await client.login();
    server.revokeAccess();
    await Promise.all(Array.from({ length: 50 }, () => client.skills.get()));
    expect(server.count(REFRESH)).toBe(1);
    expect(server.count(SKILLS)).toBe(100);
  });

  test('that is refused again fails, and the call is not sent a third time', async () => {
    const revoking = new Client({
      baseUrl: 'http://localhost:8080',
      ...PASSWORD,
      retries: 0,
      fetch: (async (url: string, init: RequestInit) => {
        const answer = await server.fetch(url, init);
        server.revokeAccess();
        return answer;
      }) as typeof fetch,
    });
    await expect(revoking.skills.get()).rejects.toMatchObject({ status: 401 });
    expect(server.count(SKILLS)).toBe(2);
  });

  test('that is refused is renewed for writes too, whose body is sent again', async () => {
    const client = server.client(PASSWORD);
    await client.login();
    server.revokeAccess();
    await client.metadata.set('key', { a: 1 });
    server.revokeAccess();
    await client.files.put('mem', 'x', 'text');
    expect(server.bodies).toEqual(['{"a":1}', 'text']);
  });

  test('that is refused fails for a stream, which says so', async () => {
    const client = server.client(PASSWORD);
    await client.login();
    server.revokeAccess();
    await expect(client.files.put('mem', 'x', new Blob(['text']).stream())).rejects.toMatchObject({
      code: 'stream',
      status: 401,
      message: expect.stringContaining('stream') as string,
    });
  });

  test('that has some time left is used if it cannot be renewed', async () => {
    const client = server.client(PASSWORD);
    await client.login();
    pass(550);
    const only = new Client({
      baseUrl: 'http://localhost:8080',
      ...client.tokens(),
      retries: 0,
      fetch: ((url: string, init: RequestInit) =>
        url.endsWith('/refresh')
          ? Promise.reject(new TypeError('fetch failed'))
          : server.fetch(url, init)) as typeof fetch,
    });
    await only.skills.get();
    expect(server.count(SKILLS)).toBe(1);
  });

  test('is not asked for by a call that was aborted, and the others get it', async () => {
    const client = server.client(PASSWORD);
    const controller = new AbortController();
    const aborted = client.skills.get({ signal: controller.signal });
    const other = client.skills.get();
    controller.abort();
    await expect(aborted).rejects.toThrow('aborted');
    await other;
    expect(server.requests).toEqual([LOGIN, SKILLS]);
  });
});

describe('a refresh token that has ended', () => {
  test('leads to a login with the password', async () => {
    const client = server.client(PASSWORD);
    await client.login();
    server.revokeAll();
    await client.skills.get();
    expect(server.requests).toEqual([LOGIN, SKILLS, REFRESH, LOGIN, SKILLS]);
  });

  test('is not even shown to the server if its time is up', async () => {
    const client = server.client(PASSWORD);
    await client.login();
    pass(86_401);
    await client.skills.get();
    expect(server.requests).toEqual([LOGIN, LOGIN, SKILLS]);
  });

  test('makes the client ask its function for another Auth0 token', async () => {
    const auth0Token = vi.fn(() => server.providerToken);
    const client = server.client({ auth0Token });
    await client.login();
    server.providerToken = 'provider 2';
    server.revokeAll();
    await client.skills.get();
    expect(auth0Token).toHaveBeenCalledTimes(2);
    expect(server.requests).toEqual([LOGIN, SKILLS, REFRESH, LOGIN, SKILLS]);
  });

  test('fails if there is nothing to log in with', async () => {
    const client = server.client(server.issue());
    server.revokeAll();
    await expect(client.skills.get()).rejects.toMatchObject({
      code: 'login',
      status: 401,
      message: 'the session has ended: log in again',
    });
  });

  test('that has ended by the clock is told as that, but not before its last access token has ended', async () => {
    const client = server.client(PASSWORD);
    await client.login();
    const later = server.client(client.tokens());
    pass(86_400 - 300);
    await later.skills.get();
    pass(300 + 240);
    await later.skills.get();
    expect(server.requests.slice(-1)).toEqual([SKILLS]);
    pass(60);
    await expect(later.skills.get()).rejects.toMatchObject({
      code: 'login',
      status: 401,
      message: 'the session has ended: log in again',
    });
  });

  test('goes on with the refresh token that is stored by then', async () => {
    let stored: string | undefined = server.issue().refreshToken;
    const client = server.client({ refreshToken: () => Promise.resolve(stored) });
    await client.skills.get();
    server.revokeAll();
    stored = server.issue().refreshToken;
    await client.skills.get();
    expect(client.tokens().refreshToken).toBe(stored);
    expect(server.count(LOGIN)).toBe(0);

    stored = undefined;
    pass(600);
    await expect(client.skills.get()).rejects.toMatchObject({ code: 'login' });
  });

  test('fails with what the function fails with', async () => {
    const reason = new Error('the person has closed the window');
    const client = server.client({ auth0Token: () => Promise.reject(reason) });
    await expect(client.skills.get()).rejects.toMatchObject({ code: 'login', cause: reason });
  });
});

test('what the server is needs no token, but is told in full with one', async () => {
  expect(await server.client().about()).not.toHaveProperty('id');
  const client = server.client(PASSWORD);
  expect(await client.about()).toHaveProperty('id');
  server.revokeAccess();
  expect(await client.about()).toHaveProperty('id');
});

test('a server that is something else is told', async () => {
  const other = (() => Promise.resolve(new Response('<html>'))) as typeof fetch;
  const client = new Client({ baseUrl: 'http://localhost', fetch: other });
  await expect(client.about()).rejects.toMatchObject({ code: 'answer' });
  await expect(
    new Client({ baseUrl: 'http://localhost', ...PASSWORD, fetch: other }).login(),
  ).rejects.toMatchObject({
    code: 'answer',
  });
});

test('the server may be below a path', async () => {
  const client = new Client({ baseUrl: 'http://localhost/core/', fetch: server.fetch });
  await client.about().catch(() => undefined);
  expect(server.requests).toEqual(['GET /core/api']);
});

test('a part of a file is not mistaken for the whole, which is all that a Core sends', async () => {
  const core = (() => Promise.resolve(new Response('whole'))) as typeof fetch;
  const client = new Client({ baseUrl: 'http://localhost', fetch: core });
  await expect(client.files.get('mem', '/x', { range: { first: 1 } })).rejects.toMatchObject({
    code: 'unsupported',
  });
  expect(await (await client.files.get('mem', '/x')).text()).toBe('whole');
});

test('what is gone when its removal is repeated was removed by the first request', async () => {
  let requests = 0;
  const client = new Client({
    baseUrl: 'http://localhost',
    fetch: () => {
      requests++;
      if (requests === 1) return Promise.reject(new TypeError('terminated'));
      return Promise.resolve(Response.json({ message: 'Unknown process ID', details: [] }, { status: 404 }));
    },
  });
  await client.processes.remove('cam');
  expect(requests).toBe(2);
  await expect(client.processes.remove('cam')).rejects.toMatchObject({ status: 404 });
});
