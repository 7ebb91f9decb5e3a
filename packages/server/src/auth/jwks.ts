import type { CompactJWSHeaderParameters, createLocalJWKSet, CryptoKey, JSONWebKeySet } from 'jose';
import type { Logger } from '../log/logger.ts';
import { CoreError, errorText } from '../util/errors.ts';

/** Where an issuer's keys are. */
export interface KeySource {
  /** `iss` of its tokens. */
  issuer: string;
  /** The address of the key set; found through the issuer's discovery document if left out. */
  keysUri?: string | undefined;
}

/** Fetches a JSON document. */
export interface JsonFetcher {
  get(address: string, signal: AbortSignal): Promise<{ value: unknown; maxAge: number | undefined }>;
}

/** Times in milliseconds. */
export interface KeySetTimes {
  minAge: number;
  maxAge: number;
  /** The age at which a set is renewed if its server does not say. */
  defaultAge: number;
  /** How often, at most, a token with an unknown key makes the set be fetched. */
  minInterval: number;
  firstRetry: number;
  maxRetry: number;
}

export const KEY_SET_TIMES: KeySetTimes = {
  minAge: 5 * 60_000,
  maxAge: 24 * 3_600_000,
  defaultAge: 3_600_000,
  minInterval: 30_000,
  firstRetry: 1_000,
  maxRetry: 5 * 60_000,
};

const KEY_TYPES = ['RSA', 'EC', 'OKP'];

type FindKey = ReturnType<typeof createLocalJWKSet>;

/**
 * The public keys of one issuer: loaded in the background, renewed as their server asks for and when a token
 * names an unknown key. If renewing fails, the last good set stays in use.
 */
export class KeySet {
  readonly #source: KeySource;
  readonly #fetcher: JsonFetcher;
  readonly #times: KeySetTimes;
  readonly #log: Logger;
  readonly #stop = new AbortController();
  #find: FindKey | undefined;
  #loadedAt: number | undefined;
  #triedAt = -Infinity;
  #failures = 0;
  #errors = 0;
  #loading: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(source: KeySource, fetcher: JsonFetcher, times: KeySetTimes, log: Logger) {
    this.#source = source;
    this.#fetcher = fetcher;
    this.#times = times;
    this.#log = log;
  }

  /** Begins to load the keys. Returns at once. */
  start(): void {
    void this.#refresh();
  }

  close(): void {
    this.#stop.abort();
    clearTimeout(this.#timer);
  }

  /** Seconds since the set was loaded; undefined before. */
  get ageSeconds(): number | undefined {
    return this.#loadedAt === undefined ? undefined : (performance.now() - this.#loadedAt) / 1000;
  }

  /** How often loading has failed. */
  get errors(): number {
    return this.#errors;
  }

  /** The key that a token's header names. Throws if there is none. */
  async key(header: CompactJWSHeaderParameters): Promise<CryptoKey> {
    if (typeof header.kid !== 'string') throw new CoreError('unauthorized', 'token names no key');
    try {
      return await this.#lookUp(header);
    } catch (error) {
      if (!isUnknownKey(error)) throw error;
      if (!(await this.#refreshIfDue())) throw error;
      return await this.#lookUp(header);
    }
  }

  async #lookUp(header: CompactJWSHeaderParameters): Promise<CryptoKey> {
    if (this.#find === undefined) throw new CoreError('not_found', 'the keys have not been loaded');
    return this.#find(header);
  }

  /** @returns whether there may be new keys now. */
  async #refreshIfDue(): Promise<boolean> {
    if (this.#loading === undefined) {
      if (performance.now() - this.#triedAt < this.#times.minInterval) return false;
      void this.#refresh();
    }
    await this.#loading;
    return true;
  }

  /** Loads the set, once at a time, and arms the timer for the next time. Never rejects. */
  #refresh(): Promise<void> {
    this.#loading ??= this.#load().finally(() => {
      this.#loading = undefined;
    });
    return this.#loading;
  }

  async #load(): Promise<void> {
    clearTimeout(this.#timer);
    this.#triedAt = performance.now();
    let next: number;
    try {
      const maxAge = await this.#fetch();
      next = clamp(maxAge ?? this.#times.defaultAge, this.#times.minAge, this.#times.maxAge);
      if (this.#failures > 0) this.#log.info('The keys of the issuer are available again', this.#fields());
      this.#failures = 0;
    } catch (error) {
      if (this.#stop.signal.aborted) return;
      this.#errors++;
      next = Math.min(this.#times.firstRetry * 2 ** this.#failures, this.#times.maxRetry);
      this.#failures++;
      this.#log.warn('The keys of the issuer cannot be loaded', {
        ...this.#fields(),
        error: errorText(error),
      });
    }
    if (this.#stop.signal.aborted) return;
    this.#timer = setTimeout(() => void this.#refresh(), next).unref();
  }

  /** @returns how long the set may be used, in milliseconds. */
  async #fetch(): Promise<number | undefined> {
    const { signal } = this.#stop;
    const uri = this.#source.keysUri ?? (await this.#discover());
    const { value, maxAge } = await this.#fetcher.get(uri, signal);
    // Loaded when it is needed: most servers have no provider.
    const { createLocalJWKSet } = await import('jose');
    this.#find = createLocalJWKSet(publicKeys(value, uri));
    this.#loadedAt = performance.now();
    return maxAge === undefined ? undefined : maxAge * 1000;
  }

  // OpenID Connect Discovery 1.0 §4
  async #discover(): Promise<string> {
    const { issuer } = this.#source;
    const address = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
    const document = (await this.#fetcher.get(address, this.#stop.signal)).value as {
      issuer?: unknown;
      jwks_uri?: unknown;
    } | null;
    if (document?.issuer !== issuer) throw new CoreError('protocol', `${address} is about another issuer`);
    if (typeof document.jwks_uri !== 'string') throw new CoreError('protocol', `${address} names no keys`);
    return document.jwks_uri;
  }

  #fields(): { issuer: string } {
    return { issuer: this.#source.issuer };
  }
}

/** The set without what must never verify a signature, such as shared secrets. */
function publicKeys(value: unknown, uri: string): JSONWebKeySet {
  const keys = (value as { keys?: unknown } | null)?.keys ?? [];
  if (!Array.isArray(keys)) throw new CoreError('protocol', `${uri} holds no key set`);
  const usable = (keys as unknown[]).filter(
    (key): key is JSONWebKeySet['keys'][number] =>
      typeof key === 'object' && key !== null && 'kty' in key && KEY_TYPES.includes(key.kty as string),
  );
  return { keys: usable };
}

/** Whether newer keys could help. */
function isUnknownKey(error: unknown): boolean {
  if (error instanceof CoreError) return error.code === 'not_found';
  return error instanceof Error && 'code' in error && error.code === 'ERR_JWKS_NO_MATCHING_KEY';
}

function clamp(value: number, min: number, max: number): number {
  return Math.min(Math.max(value, min), max);
}
