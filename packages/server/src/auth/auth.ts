import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import type { Component, PreparedChange } from '../components.ts';
import type { Logger } from '../log/logger.ts';
import { CoreError, errorText } from '../util/errors.ts';
import { Audit, type AuditEntry, type Caller } from './audit.ts';
import { peerAddress } from '../util/address.ts';
import { claimedAddress, clientAddress, forwardedPrefix, isLocalRequest } from './client-ip.ts';
import { HttpsJson } from './https-json.ts';
import { KEY_SET_TIMES, KeySet } from './jwks.ts';
import { identify, TokenRefused } from './oidc.ts';
import { type AuthOptions, Policy } from './policy.ts';
import { type AuthStore, Sessions, type TokenPair } from './sessions.ts';
import { Throttle, THROTTLE_DEFAULTS, Throttled, tokenLimits } from './throttle.ts';
import type { Claims, TokenUse } from './tokens.ts';

export interface Credentials {
  username: string;
  password: string;
}

/** Proof of identity that came with a login. */
export interface LoginAttempt {
  /** Given only if both are there and not empty. */
  credentials?: Credentials | undefined;
  /** A token of a provider. */
  token?: string | undefined;
}

/** Whether a request may pass the token check, and if not, why. */
export type Access = { granted: true } | { granted: false; hasToken: boolean; reason: string };

const GRANTED: Access = { granted: true };
/** How many tokens of one request are looked at. */
const MAX_TOKENS = 20;
const BEARER = /^bearer ([^\s]+)$/i;

/** Access control: who may use the API, and the tokens that prove it. */
export class Auth implements Component {
  readonly #log: Logger;
  readonly #audit: Audit;
  readonly #sessions: Sessions;
  readonly #logins: Throttle;
  /** Of its own: a client that repeats a dead token must not keep people from logging in. */
  readonly #tokens: Throttle;
  readonly #randomSecret = randomBytes(32).toString('base64url');
  #keySets: ReadonlyMap<string, KeySet>;
  #fetcher: HttpsJson;
  #policy: Policy;

  /** @param log of the component `Auth`. Throws `invalid` if the options cannot be used. */
  constructor(options: AuthOptions, store: AuthStore, log: Logger) {
    this.#log = log;
    this.#audit = new Audit(log);
    const limits = { ...THROTTLE_DEFAULTS, ...options.throttle };
    this.#logins = new Throttle(limits);
    this.#tokens = new Throttle(tokenLimits(limits));
    this.#fetcher = new HttpsJson(options.https);
    this.#keySets = this.#keySetsFor(options, new Map(), this.#fetcher);
    this.#policy = this.#policyFor(options, this.#keySets);
    this.#sessions = new Sessions(this.#policy, store, log);
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- components are asynchronous, this one need not be
  async start(): Promise<void> {
    this.#sessions.load();
    for (const keySet of this.#keySets.values()) keySet.start();
    this.#warn(this.#policy);
  }

  /** Moves to other options. Sessions, limits and the keys of providers that stay are kept. */
  prepare(options: AuthOptions): PreparedChange {
    const fetcher = new HttpsJson(options.https);
    const isSameNetwork =
      JSON.stringify(options.https) === JSON.stringify(this.#policy.options.https) &&
      JSON.stringify(options.keySetTimes) === JSON.stringify(this.#policy.options.keySetTimes);
    const before = this.#keySets;
    const kept = isSameNetwork ? before : new Map<string, KeySet>();
    const keySets = this.#keySetsFor(options, kept, isSameNetwork ? this.#fetcher : fetcher);
    const policy = this.#policyFor(options, keySets);
    return {
      commit: () => {
        const current = new Set(keySets.values());
        const previous = new Set(before.values());
        this.#policy = policy;
        this.#keySets = keySets;
        this.#sessions.configure(policy);
        const limits = { ...THROTTLE_DEFAULTS, ...options.throttle };
        this.#logins.configure(limits);
        this.#tokens.configure(tokenLimits(limits));
        for (const keySet of previous) if (!current.has(keySet)) keySet.close();
        for (const keySet of current) if (!previous.has(keySet)) keySet.start();
        if (!isSameNetwork) {
          this.#fetcher.close();
          this.#fetcher = fetcher;
        }
        this.#warn(policy);
      },
      abort: () => undefined,
    };
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- as start()
  async close(): Promise<void> {
    for (const keySet of this.#keySets.values()) keySet.close();
    this.#logins.close();
    this.#tokens.close();
    this.#fetcher.close();
  }

  get enabled(): boolean {
    return this.#policy.options.enabled;
  }

  /** `auths` of `GET /api`; the same array until the options change. */
  get methods(): readonly string[] {
    return this.#policy.methods;
  }

  /** The age of each provider's keys in seconds, and how often loading them has failed. */
  keySets(): { issuer: string; ageSeconds: number | undefined; errors: number }[] {
    return this.#policy.options.providers.map(({ issuer, keysUri }) => {
      const keySet = this.#keySets.get(sourceKey({ issuer, keysUri }));
      return { issuer, ageSeconds: keySet?.ageSeconds, errors: keySet?.errors ?? 0 };
    });
  }

  /** How many answers to failed logins are held back. */
  get delayed(): number {
    return this.#logins.delayed;
  }

  /** How many attempts there were since the start, by method and result. */
  attempts(): ReturnType<Audit['attempts']> {
    return this.#audit.attempts();
  }

  /** Who sends a request, with the forwarding headers of trusted proxies taken into account. */
  caller(request: IncomingMessage): Caller {
    const peer = peerAddress(request.socket.remoteAddress);
    return {
      address: clientAddress(peer, request.headers, this.#policy.trustedProxies),
      peer,
      userAgent: request.headers['user-agent'] ?? '',
    };
  }

  /**
   * The address by which the client of a request is counted as a viewer: with trusted proxies what those say, else
   * what the request itself says.
   */
  viewerAddress(request: IncomingMessage): string {
    const { trustedProxies } = this.#policy;
    const peer = peerAddress(request.socket.remoteAddress);
    // compat: without a list of proxies, forwarding headers count whoever sent them.
    return trustedProxies.isEmpty
      ? claimedAddress(peer, request.headers)
      : clientAddress(peer, request.headers, trustedProxies);
  }

  /** The path below which a trusted proxy serves this server; empty if there is none. */
  prefix({ socket, headers }: IncomingMessage): string {
    return forwardedPrefix(peerAddress(socket.remoteAddress), headers, this.#policy.trustedProxies);
  }

  /** Whether the IP lists of the request's listener let its client in. */
  allowsAddress(request: IncomingMessage): boolean {
    const isTls = (request.socket as Partial<TLSSocket>).encrypted === true;
    const filter = this.#policy.filters[isTls ? 'https' : 'http'];
    if (filter.allowsAll) return true;
    const caller = this.caller(request);
    if (filter.allows(caller.address)) return true;
    this.#record({ event: 'deny', result: 'failure', method: 'ip', caller, reason: 'address not allowed' });
    return false;
  }

  /** Whether a request carries a valid access token, or needs none. */
  check(request: IncomingMessage): Access {
    const { enabled, trustsLocalhost, hostNames } = this.#policy.options;
    if (!enabled) return GRANTED;
    const { authorization } = request.headers;
    if (authorization !== undefined && this.#sessions.isVerified(authorization)) return GRANTED;
    if (trustsLocalhost && this.#isLocal(request, hostNames)) return GRANTED;

    let reason = 'no token';
    const tokens = bearerTokens(request);
    for (const { header, token } of tokens) {
      try {
        this.#sessions.remember(header, this.#sessions.verify(token, ['access']));
        return GRANTED;
      } catch (error) {
        reason = errorText(error);
      }
    }
    return { granted: false, hasToken: tokens.length > 0, reason };
  }

  /** Records that a request was turned away. */
  recordDenial(request: IncomingMessage, access: Access & { granted: false }): void {
    this.#record({
      event: 'deny',
      result: 'failure',
      method: 'token',
      caller: this.caller(request),
      reason: access.reason,
      // Who shows no token has not tried to log in; the access log has the request.
      isRoutine: !access.hasToken,
    });
  }

  /**
   * Exchanges proof of identity for tokens. A failure is held back for a while: `unauthorized` for wrong
   * proof, `invalid` for none. Throws Throttled if there were too many.
   *
   * @param signal aborted when nobody waits for the answer any more.
   */
  async login(attempt: LoginAttempt, caller: Caller, signal: AbortSignal): Promise<TokenPair> {
    try {
      const pair =
        (await this.#loginLocally(attempt.credentials, caller)) ??
        (await this.#loginWithToken(attempt.token, caller));
      if (pair) return pair;
      const reason = 'Missing authorization credentials';
      this.#record({ event: 'login', result: 'failure', method: 'none', caller, reason });
      throw new CoreError('invalid', reason);
    } catch (error) {
      if (error instanceof CoreError) {
        await this.#throttled(caller, () => this.#logins.delay(caller.address, signal));
      }
      throw error;
    }
  }

  /** A new access token for a valid refresh token. Throws `unauthorized`, or Throttled. */
  async refresh(request: IncomingMessage): Promise<string> {
    return this.#sessions.renew(await this.#requireRefreshToken(request));
  }

  /** New tokens for a valid refresh token, which is invalid from now on. The session ends when it would have. */
  async rotate(request: IncomingMessage): Promise<TokenPair> {
    return this.#sessions.rotate(await this.#requireRefreshToken(request));
  }

  /** Ends the session of the presented token, whichever of the two it is. Throws `unauthorized`. */
  logout(request: IncomingMessage): void {
    const caller = this.caller(request);
    const { claims, reason } = this.#find(request, ['access', 'refresh']);
    const entry = { event: 'logout', method: 'token', caller } as const;
    if (claims === undefined) {
      this.#record({ ...entry, result: 'failure', reason });
      throw unauthorized();
    }
    this.#sessions.end(claims);
    this.#record({ ...entry, result: 'success', subject: claims.subject, tokenId: claims.id });
  }

  /** Makes everything issued so far invalid: for one subject, or for all. */
  revoke(subject: string | undefined, request: IncomingMessage): void {
    this.#sessions.revoke(subject);
    const caller = this.caller(request);
    this.#record({ event: 'revoke', result: 'success', method: 'token', caller, subject: subject ?? '*' });
  }

  async #loginLocally(credentials: Credentials | undefined, caller: Caller): Promise<TokenPair | undefined> {
    if (credentials === undefined) return undefined;
    const { username } = credentials;
    const attempt = { address: caller.address, account: username };
    const entry = { event: 'login', method: 'local', caller, subject: username } as const;
    await this.#throttled(caller, () => {
      this.#logins.begin(attempt);
    });
    let isRight: boolean;
    try {
      isRight = await this.#matches(credentials);
    } catch (error) {
      this.#logins.excuse(attempt);
      if (error instanceof CoreError && error.code === 'unavailable') throw new Throttled(1);
      throw error;
    }
    if (!isRight) {
      const reason = 'invalid username or password';
      this.#record({ ...entry, result: 'failure', reason });
      throw new CoreError('unauthorized', `Invalid authorization credentials: ${reason}`);
    }
    this.#logins.succeed(attempt);
    return this.#issuePair(username, entry);
  }

  /** Whether the credentials are right at the moment the answer is there: a reload may come in between. */
  async #matches({ username, password }: Credentials): Promise<boolean> {
    const { account } = this.#policy;
    const isRight = await account.matches(username, password);
    return account === this.#policy.account ? isRight : this.#matches({ username, password });
  }

  async #loginWithToken(token: string | undefined, caller: Caller): Promise<TokenPair | undefined> {
    const { providers } = this.#policy;
    if (token === undefined || providers.length === 0) return undefined;
    const attempt = { address: caller.address };
    const entry = { event: 'login', method: 'provider', caller } as const;
    await this.#throttled(caller, () => {
      this.#tokens.begin(attempt);
    });
    try {
      const identity = await identify(token, providers);
      this.#tokens.excuse(attempt);
      if (identity === undefined) return undefined;
      this.#sessions.admit(identity);
      return this.#issuePair(identity.subject, entry);
    } catch (error) {
      if (!(error instanceof TokenRefused)) throw error;
      this.#record({ ...entry, result: 'failure', reason: error.message });
      throw new CoreError('unauthorized', `Invalid authorization credentials: ${error.shown}`, {
        cause: error,
      });
    }
  }

  #issuePair(subject: string, entry: Pick<AuditEntry, 'event' | 'method' | 'caller'>): TokenPair {
    const { id, ...pair } = this.#sessions.open(subject);
    this.#record({ ...entry, result: 'success', subject, tokenId: id });
    return pair;
  }

  async #requireRefreshToken(request: IncomingMessage): Promise<Claims> {
    const caller = this.caller(request);
    const { claims, hasToken, reason } = this.#find(request, ['refresh']);
    const entry = { event: 'refresh', method: 'token', caller } as const;
    if (claims !== undefined) {
      this.#record({ ...entry, result: 'success', subject: claims.subject, tokenId: claims.id });
      return claims;
    }
    this.#record({ ...entry, result: 'failure', reason });
    if (hasToken) {
      await this.#throttled(caller, () => {
        this.#tokens.begin({ address: caller.address });
      });
    }
    throw unauthorized();
  }

  /** The first valid token of the request for one of the uses. */
  #find(
    request: IncomingMessage,
    uses: readonly TokenUse[],
  ): { claims?: Claims; hasToken: boolean; reason: string } {
    const tokens = bearerTokens(request);
    let reason = 'no token';
    for (const { token } of tokens) {
      try {
        return { claims: this.#sessions.verify(token, uses), hasToken: true, reason: '' };
      } catch (error) {
        reason = errorText(error);
      }
    }
    return { hasToken: tokens.length > 0, reason };
  }

  #isLocal(request: IncomingMessage, hostNames: readonly string[]): boolean {
    const peer = peerAddress(request.socket.remoteAddress);
    if (!isLocalRequest(peer, request.headers, hostNames)) return false;
    if (this.#log.enabled('debug')) {
      const caller = this.caller(request);
      this.#record({
        event: 'bypass_localhost',
        result: 'success',
        method: 'localhost',
        caller,
        isRoutine: true,
      });
    }
    return true;
  }

  /** Runs what may find too many attempts, and records if it does. */
  async #throttled(caller: Caller, act: () => void | Promise<void>): Promise<void> {
    try {
      await act();
    } catch (error) {
      if (error instanceof Throttled) {
        const reason = `retry after ${error.retryAfter} s`;
        this.#record({ event: 'throttle', result: 'failure', method: 'throttle', caller, reason });
      }
      throw error;
    }
  }

  #record(entry: AuditEntry): void {
    this.#audit.record(entry);
  }

  #warn(policy: Policy): void {
    for (const warning of policy.warnings()) this.#log.warn(warning);
  }

  /** One key set for each place keys come from; those in `kept` are used again. */
  #keySetsFor(
    options: AuthOptions,
    kept: ReadonlyMap<string, KeySet>,
    fetcher: HttpsJson,
  ): Map<string, KeySet> {
    const times = { ...KEY_SET_TIMES, ...options.keySetTimes };
    const keySets = new Map<string, KeySet>();
    for (const { issuer, keysUri } of options.enabled ? options.providers : []) {
      const source = { issuer, keysUri };
      const key = sourceKey(source);
      const keySet = keySets.get(key) ?? kept.get(key) ?? new KeySet(source, fetcher, times, this.#log);
      keySets.set(key, keySet);
    }
    return keySets;
  }

  #policyFor(options: AuthOptions, keySets: ReadonlyMap<string, KeySet>): Policy {
    const ofProviders = options.providers.flatMap((provider) => keySets.get(sourceKey(provider)) ?? []);
    return new Policy(options, this.#randomSecret, ofProviders);
  }
}

/** The tokens of the request's `Authorization` headers, in their order. */
export function bearerTokens(request: IncomingMessage): { header: string; token: string }[] {
  const headers = request.headersDistinct['authorization'] ?? [];
  const tokens = headers.flatMap((header) => {
    const token = BEARER.exec(header)?.[1];
    return token === undefined ? [] : [{ header, token }];
  });
  return tokens.slice(0, MAX_TOKENS);
}

function sourceKey({ issuer, keysUri }: { issuer: string; keysUri?: string | undefined }): string {
  return `${issuer} ${keysUri ?? ''}`;
}

function unauthorized(): CoreError {
  return new CoreError('unauthorized', 'Missing or invalid JWT token');
}
