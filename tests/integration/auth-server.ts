import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Auth } from '../../packages/server/src/auth/auth.ts';
import type { AuthOptions } from '../../packages/server/src/auth/policy.ts';
import { AuthTables } from '../../packages/server/src/database/auth.ts';
import { Database } from '../../packages/server/src/database/database.ts';
import { createGuard } from '../../packages/server/src/http/guard.ts';
import { Listener } from '../../packages/server/src/http/listener.ts';
import { aboutRoutes } from '../../packages/server/src/http/routes/about.ts';
import { loginRoutes, revokeRoutes } from '../../packages/server/src/http/routes/login.ts';
import { HttpApp, pingRoutes, type Routes } from '../../packages/server/src/http/server.ts';
import { Log } from '../../packages/server/src/log/logger.ts';

export const USERNAME = 'admin';
export const PASSWORD = 'secret';
export const SECRET = 'abc';
/** The tokens of the specification, made with these credentials and valid until 2100. */
export const ACCESS_VECTOR =
  'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJleGkiOjYwMCwiZXhwIjo0MTAyNDQ0ODAwLCJpYXQiOjE3MDAwMDAwMDAsImlzcyI6ImRhdGFyaGVpLWNvcmUiLCJqdGkiOiIwMDAwMDAwMC0wMDAwLTQwMDAtODAwMC0wMDAwMDAwMDAwMDEiLCJzdWIiOiJhZG1pbiIsInVzZWZvciI6ImFjY2VzcyJ9.hsAdY73SqVdYIF6WzqmH7gvuRwV-hFF7LYBNLrQK20s';
export const REFRESH_VECTOR =
  'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJleGkiOjg2NDAwLCJleHAiOjQxMDI0NDQ4MDAsImlhdCI6MTcwMDAwMDAwMCwiaXNzIjoiZGF0YXJoZWktY29yZSIsImp0aSI6IjAwMDAwMDAwLTAwMDAtNDAwMC04MDAwLTAwMDAwMDAwMDAwMiIsInN1YiI6ImFkbWluIiwidXNlZm9yIjoicmVmcmVzaCJ9.KmFHsr38Quob6jp5UCi_m_Nar_5FrjfyUhqZDyZeZCs';

/** Access as the specification's examples have it; failures are answered at once and free. */
export const OPTIONS: AuthOptions = {
  enabled: true,
  username: USERNAME,
  password: PASSWORD,
  secret: SECRET,
  previousSecrets: [],
  lifetimes: { access: 600, refresh: 86_400 },
  providers: [],
  prefersAuth0: false,
  trustsLocalhost: false,
  hostNames: [],
  trustedProxies: [],
  access: { http: { allow: [], block: [] }, https: { allow: [], block: [] } },
  isExposed: false,
  https: {},
  throttle: {
    delay: 0,
    maxDelayed: 10_000,
    maxDelayedPerAddress: 10_000,
    addressBurst: 1e6,
    accountBurst: 1e6,
    tokenBurst: 1e6,
  },
};

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
  /** The parsed body. */
  json: unknown;
}

export interface Ask {
  method?: string;
  headers?: Record<string, string | string[]>;
  body?: string | Buffer;
  /** The local address to come from. */
  from?: string;
  signal?: AbortSignal;
}

/** A server with nothing but its access control and one guarded route, `/api/v3/thing`. */
export class AuthServer {
  readonly auth: Auth;
  readonly log = new Log({ write: () => true }, { level: 'debug', topics: [], maxLines: 100_000 });
  readonly #database: Database;
  readonly #app: HttpApp;
  readonly #listener: Listener;
  readonly #ownDir: string | undefined;

  private constructor(options: AuthOptions, dir: string | undefined, bodyTimeout: number | undefined) {
    this.#ownDir = dir === undefined ? mkdtempSync(join(tmpdir(), 'millrace-auth-')) : undefined;
    this.#database = new Database(dir ?? this.#ownDir ?? '', this.log.component('DB'));
    this.auth = new Auth(options, new AuthTables(this.#database), this.log.component('Auth'));
    const guard = createGuard(this.auth);
    const about = {
      name: 'empty-haze-2065',
      id: '125bca93-c8fe-4c2d-94ab-e9fc1c9169fe',
      createdAt: new Date(),
      version: { number: '16.16.0', commit: '', branch: '', buildDate: '' },
    };
    const thing: Routes = (app) => {
      app.get('/thing', (_request, reply) => reply.send('thing'));
      app.post('/thing', (_request, reply) => reply.send('made'));
    };
    this.#app = new HttpApp(
      { cors: [{ prefix: '/api', origins: ['*'] }] },
      {
        log: this.log.component('HTTP'),
        guard,
        open: [
          pingRoutes,
          aboutRoutes(about, guard, () => this.auth.methods),
          loginRoutes(this.auth, guard, bodyTimeout),
        ],
        v3: [revokeRoutes(this.auth), thing],
        mounts: [],
      },
    );
    this.#listener = new Listener('127.0.0.1:0', this.#app, this.log.component('HTTP'));
  }

  /**
   * @param dir where the database is; a folder of its own, removed at the end, if left out.
   * @param bodyTimeout of the login, in milliseconds; the product's if left out.
   */
  static async start(
    options: Partial<AuthOptions> = {},
    dir?: string,
    bodyTimeout?: number,
  ): Promise<AuthServer> {
    const server = new AuthServer({ ...OPTIONS, ...options }, dir, bodyTimeout);
    await server.#database.start();
    await server.auth.start();
    await server.#app.start();
    await server.#listener.start();
    return server;
  }

  async close(): Promise<void> {
    await this.auth.close();
    await this.#listener.close();
    await this.#app.close();
    await this.#database.close();
    if (this.#ownDir !== undefined) rmSync(this.#ownDir, { recursive: true, force: true });
  }

  get port(): number {
    return this.#listener.port;
  }

  /** Moves to other options, as a reload does. */
  reload(options: Partial<AuthOptions>): Promise<void> {
    this.auth.prepare({ ...OPTIONS, ...options }).commit();
    return Promise.resolve();
  }

  /** The path goes out as it is. */
  async ask(path: string, { method = 'GET', headers = {}, body, from, signal }: Ask = {}): Promise<Answer> {
    const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) };
    return new Promise((resolve, reject) => {
      const request = httpRequest(
        {
          host: '127.0.0.1',
          port: this.port,
          path,
          method,
          headers: { ...length, ...headers },
          agent: false,
          ...(from === undefined ? {} : { localAddress: from }),
          ...(signal === undefined ? {} : { signal }),
        },
        (response) => {
          void response.toArray().then((chunks: Buffer[]) => {
            const text = Buffer.concat(chunks).toString();
            const isJson = response.headers['content-type']?.startsWith('application/json') === true;
            resolve({
              status: response.statusCode ?? 0,
              headers: response.headers,
              text,
              json: isJson && text !== '' ? (JSON.parse(text) as unknown) : undefined,
            });
          }, reject);
        },
      );
      request.on('error', reject);
      request.end(body);
    });
  }

  /** Logs in with a JSON body. */
  async login(username = USERNAME, password = PASSWORD, more: Ask = {}): Promise<Answer> {
    return this.ask('/api/login', {
      method: 'POST',
      body: JSON.stringify({ username, password }),
      ...more,
      headers: { 'content-type': 'application/json', ...more.headers },
    });
  }

  /** The tokens of a login that must succeed. */
  async tokens(): Promise<{ access: string; refresh: string }> {
    const answer = await this.login();
    if (answer.status !== 200) throw new Error(`the login failed: ${answer.text}`);
    const { access_token, refresh_token } = answer.json as { access_token: string; refresh_token: string };
    return { access: access_token, refresh: refresh_token };
  }

  /** The status with which the guarded route answers a token. */
  async statusFor(token: string): Promise<number> {
    return (await this.ask('/api/v3/thing', bearer(token))).status;
  }

  /** The audit lines of an event, as their fields. */
  audited(event: string): Record<string, unknown>[] {
    return this.log
      .events()
      .filter(({ component, fields }) => component === 'Auth' && fields['event'] === event)
      .map(({ level, fields }) => ({ level, ...fields }));
  }
}

export function bearer(token: string): { headers: Record<string, string> } {
  return { headers: { authorization: `Bearer ${token}` } };
}

export function details(answer: Answer): unknown {
  return (answer.json as { details?: unknown }).details;
}
