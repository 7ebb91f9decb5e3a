import type { About, AccessToken, TokenPair } from './api.ts';
import { jsonBody } from './body.ts';
import { orAborted } from './delay.ts';
import { isMillraceError, MillraceError } from './error.ts';
import type { Answer, CallOptions, Http } from './http.ts';
import { toToken, type Token } from './token.ts';

/** A token of Auth0 or of another provider, or how to get one: called for each login. */
export type ProviderToken = string | (() => string | Promise<string>);

/** A refresh token, or how to get the one that is stored by now: called for each new access token. */
export type StoredToken = string | (() => string | undefined | Promise<string | undefined>);

/** What a session can be continued with. */
export interface Tokens {
  accessToken: string | undefined;
  refreshToken: string | undefined;
}

export interface AuthenticationOptions {
  username?: string | undefined;
  password?: string | undefined;
  auth0Token?: ProviderToken | undefined;
  accessToken?: string | undefined;
  refreshToken?: StoredToken | undefined;
  onTokens?: ((tokens: Tokens) => void) | undefined;
}

/** A failed attempt to get an access token ahead of time is not repeated sooner, in milliseconds. */
const RENEWAL_PAUSE = 5_000;
/** Refused credentials are not sent again by themselves sooner: the server delays, and in the end locks out, who guesses. */
const REFUSAL_PAUSE = 15_000;

type Login = (options: CallOptions) => Promise<TokenPair>;

/** Keeps the tokens, and gets new ones when they are needed: once, however many calls need them. */
export class Authentication {
  readonly #http: Http;
  readonly #base: string;
  readonly #logins: readonly Login[];
  readonly #onTokens: ((tokens: Tokens) => void) | undefined;
  readonly #readRefreshToken: Exclude<StoredToken, string> | undefined;
  #access: Token | undefined;
  #refresh: Token | undefined;
  #renewal: Promise<void> | undefined;
  /** The server has said that nobody needs to log in. */
  #isOpen = false;
  #refusal: { error: MillraceError; until: number } | undefined;

  constructor(http: Http, base: string, options: AuthenticationOptions) {
    this.#http = http;
    this.#base = base;
    this.#onTokens = options.onTokens;
    this.#logins = this.#loginsOf(options);
    if (options.accessToken) this.#access = toToken(options.accessToken, Date.now(), false);
    const { refreshToken } = options;
    if (typeof refreshToken === 'function') this.#readRefreshToken = refreshToken;
    else if (refreshToken) this.#refresh = toToken(refreshToken, Date.now(), false);
  }

  tokens(): Tokens {
    return { accessToken: this.#access?.text, refreshToken: this.#refresh?.text };
  }

  /** Whether there is anything to get an access token with. */
  get canRenew(): boolean {
    return this.#hasSession || this.#logins.length > 0;
  }

  /** Whether there is, or may be, a refresh token. */
  get #hasSession(): boolean {
    return this.#refresh !== undefined || this.#readRefreshToken !== undefined;
  }

  /** An access token that is good for a while; undefined if none is needed or to be had. */
  async freshToken(signal?: AbortSignal): Promise<string | undefined> {
    if (this.#isOpen) return undefined;
    const access = this.#access;
    if (access !== undefined && Date.now() < access.renewAt) return access.text;
    if (!this.canRenew) return access?.text;
    try {
      await this.#renewOnce(signal);
    } catch (error) {
      // The one at hand is still good: whether the server can be reached, and knows it, is for the call itself to find out.
      const isUsable = access !== undefined && Date.now() < access.expiresAt;
      if (!isUsable || signal?.aborted === true) throw error;
      this.#access = { ...access, renewAt: Date.now() + RENEWAL_PAUSE };
    }
    return this.#access?.text;
  }

  /** Another token than the one that was refused. */
  async replaceToken(refused: string | undefined, signal?: AbortSignal): Promise<string | undefined> {
    this.#isOpen = false;
    if (refused === this.#access?.text) await this.#renewOnce(signal);
    return this.#access?.text;
  }

  /** Logs in, whatever tokens there are. Throws MillraceError. */
  async login(options: CallOptions): Promise<void> {
    if (this.#logins.length === 0 && this.#hasSession) {
      await this.refresh(options);
      return;
    }
    this.#refusal = undefined;
    await this.#login(options);
  }

  /** Gets a new access token for the refresh token. Throws MillraceError. */
  async refresh(options: CallOptions): Promise<void> {
    const { access_token } = await this.#exchange<AccessToken>('GET', options);
    this.#keep(access_token);
  }

  /** Gets two new tokens for the refresh token, which ends. Throws MillraceError. */
  async rotate(options: CallOptions): Promise<void> {
    const { access_token, refresh_token } = await this.#exchange<TokenPair>('POST', options);
    this.#keep(access_token, refresh_token);
  }

  /** Forgets the tokens. */
  clear(): void {
    this.#access = undefined;
    this.#refresh = undefined;
    this.#onTokens?.(this.tokens());
  }

  /** All that wait share one renewal, which no single one of them can abort. */
  async #renewOnce(signal: AbortSignal | undefined): Promise<void> {
    this.#renewal ??= this.#renew().finally(() => {
      this.#renewal = undefined;
    });
    await orAborted(this.#renewal, signal);
  }

  async #renew(): Promise<void> {
    const refresh = await this.#refreshToken();
    if (refresh !== undefined && Date.now() < refresh.expiresAt) {
      try {
        await this.refresh({});
        return;
      } catch (error) {
        if (!isRefusal(error)) throw error;
        if (this.#logins.length === 0) throw ended(error);
      }
    }
    if (this.#refusal !== undefined && Date.now() < this.#refusal.until) throw this.#refusal.error;
    await this.#login({});
  }

  /** Tries what credentials there are, one after the other. */
  async #login(options: CallOptions): Promise<void> {
    let refusal: MillraceError | undefined;
    for (const login of this.#logins) {
      try {
        const { access_token, refresh_token } = await login(options);
        this.#refusal = undefined;
        this.#keep(access_token, refresh_token);
        return;
      } catch (error) {
        if (isMillraceError(error, 404) && (await this.#needsNoLogin(options))) {
          this.#isOpen = true;
          return;
        }
        if (!isRefusal(error) && !isMillraceError(error, 429)) throw error;
        refusal ??= error;
      }
    }
    if (refusal === undefined) {
      if (await this.#needsNoLogin(options)) return;
      throw this.#refresh === undefined ? nothing() : ended();
    }
    const pause = (refusal.retryAfter ?? 0) * 1000;
    this.#refusal = { error: refusal, until: Date.now() + Math.max(REFUSAL_PAUSE, pause) };
    throw refusal;
  }

  async #needsNoLogin(options: CallOptions): Promise<boolean> {
    const about = await this.#send<Partial<About>>('GET', '/api', { ...options });
    return about.id !== undefined && about.id !== '';
  }

  #loginsOf({ username, password, auth0Token }: AuthenticationOptions): Login[] {
    const logins: Login[] = [];
    if (username !== undefined && password !== undefined) {
      logins.push((options) =>
        this.#send('POST', '/api/login', { ...options, body: { username, password } }),
      );
    }
    if (auth0Token !== undefined) {
      logins.push(async (options) => {
        const token = typeof auth0Token === 'string' ? auth0Token : await ask('Auth0 token', auth0Token);
        return this.#send('POST', '/api/login', { ...options, token });
      });
    }
    return logins;
  }

  async #exchange<T>(method: 'GET' | 'POST', options: CallOptions): Promise<T> {
    const refresh = await this.#refreshToken();
    if (refresh === undefined) throw nothing();
    return this.#send<T>(method, '/api/login/refresh', { ...options, token: refresh.text });
  }

  /** The refresh token by now: somebody else may have begun another session, or have ended this one. */
  async #refreshToken(): Promise<Token | undefined> {
    if (this.#readRefreshToken !== undefined) {
      const text = await ask('refresh token', this.#readRefreshToken);
      if (!text) this.#refresh = undefined;
      else if (text !== this.#refresh?.text) this.#refresh = toToken(text, Date.now(), false);
    }
    return this.#refresh;
  }

  #keep(access: string, refresh?: string): void {
    const now = Date.now();
    this.#isOpen = false;
    this.#access = toToken(access, now, true);
    if (refresh !== undefined) this.#refresh = toToken(refresh, now, true);
    this.#onTokens?.(this.tokens());
  }

  async #send<T>(
    method: 'GET' | 'POST',
    path: string,
    { token, body, ...options }: CallOptions & { token?: string; body?: object },
  ): Promise<T> {
    const route = `${method} ${path}`;
    return this.#http.send<T>(
      {
        route,
        method,
        url: this.#base + path,
        headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
        body: body && jsonBody(body),
        // A login whose answer got lost has done no harm; a rotated refresh token that is sent again ends the session.
        isRepeatable: method === 'GET' || path === '/api/login',
      },
      (answer) => readJson<T>(route, answer),
      options,
    );
  }
}

async function ask<T>(what: string, fetchToken: () => T | Promise<T>): Promise<T> {
  try {
    return await fetchToken();
  } catch (cause) {
    throw new MillraceError('login', `no ${what} could be fetched`, { cause });
  }
}

async function readJson<T>(route: string, answer: Answer): Promise<T> {
  const text = await answer.text();
  try {
    return JSON.parse(text) as T;
  } catch (cause) {
    throw new MillraceError('answer', 'the answer is no JSON: this is not the API', { route, cause });
  }
}

/** Whether the server will have none of what it was given, however often it is asked. */
function isRefusal(error: unknown): error is MillraceError {
  return isMillraceError(error) && [400, 401, 403, 404].includes(error.status);
}

function nothing(): MillraceError {
  return new MillraceError('login', 'there is nothing to log in with');
}

function ended(cause?: unknown): MillraceError {
  return new MillraceError('login', 'the session has ended: log in again', { status: 401, cause });
}
