import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { App } from '../../packages/server/src/app.ts';
import { freePort } from './ports.ts';

export const USERNAME = 'admin';
export const PASSWORD = 'correct horse battery staple';

/** An answer of the API: the status and the parsed body, which is `undefined` if it is not JSON. */
export interface Answer {
  status: number;
  headers: Headers;
  body: unknown;
}

/** A whole server in this process, in a folder of its own, with authentication on. */
export interface TestServer extends AsyncDisposable {
  readonly app: App;
  /** `http://127.0.0.1:port` */
  readonly base: string;
  /** Holds the configuration (`config/`) and the disk files (`data/`). */
  readonly folder: string;
  /** What the server has written to its console. */
  log(): string;
  /** Logs in and returns the tokens. */
  login(): Promise<{ access: string; refresh: string }>;
  /** Calls `/api…` with a token of an earlier or a fresh login. A body is sent as JSON. */
  api(method: string, path: string, body?: unknown): Promise<Answer>;
  /** Stops the server and removes its folder. Idempotent. */
  close(): Promise<void>;
}

export interface TestServerOptions {
  /** Added to the environment, or replacing what is there by default; undefined leaves it out. */
  env?: Record<string, string | undefined>;
  /** A folder to use and to leave, instead of a new one that is removed. */
  folder?: string;
}

/** Starts a server for a test; `await using` or `close()` ends it. */
export async function startServer(options: TestServerOptions = {}): Promise<TestServer> {
  const folder = options.folder ?? (await mkdtemp(path.join(tmpdir(), 'millrace-')));
  const base = `http://127.0.0.1:${await freePort()}`;
  const lines: string[] = [];
  const app = new App({
    env: {
      PATH: process.env['PATH'],
      HOME: folder,
      CORE_ADDRESS: new URL(base).host,
      CORE_CONFIGFILE: path.join(folder, 'config.json'),
      CORE_DB_DIR: path.join(folder, 'config'),
      CORE_STORAGE_DISK_DIR: path.join(folder, 'data'),
      CORE_API_AUTH_ENABLE: 'true',
      CORE_API_AUTH_USERNAME: USERNAME,
      CORE_API_AUTH_PASSWORD: PASSWORD,
      CORE_UPDATE_CHECK: 'false',
      ...options.env,
    },
    directory: folder,
    console: { write: (text) => lines.push(text) },
  });

  const close = async () => {
    await app.close();
    if (options.folder === undefined) await rm(folder, { recursive: true, force: true });
  };
  try {
    await app.start();
  } catch (error) {
    await close();
    throw error;
  }

  const login = async () => {
    const answer = await request(base, 'POST', '/api/login', { username: USERNAME, password: PASSWORD });
    const { access_token, refresh_token } = answer.body as { access_token: string; refresh_token: string };
    return { access: access_token, refresh: refresh_token };
  };
  let session: Promise<{ access: string }> | undefined;
  return {
    app,
    base,
    folder,
    log: () => lines.join(''),
    login,
    api: async (method, apiPath, body) => {
      session ??= login();
      return request(base, method, `/api${apiPath}`, body, (await session).access);
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

async function request(
  base: string,
  method: string,
  url: string,
  body?: unknown,
  token?: string,
): Promise<Answer> {
  const response = await fetch(base + url, {
    method,
    headers: {
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const isJson = response.headers.get('content-type')?.startsWith('application/json') === true;
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: isJson && text !== '' ? (JSON.parse(text) as unknown) : undefined,
  };
}
