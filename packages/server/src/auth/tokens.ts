import { createHmac, randomUUID, timingSafeEqual } from 'node:crypto';
import { CoreError } from '../util/errors.ts';

export type TokenUse = 'access' | 'refresh';

/** What a verified token says. Instants are Unix seconds. */
export interface Claims {
  readonly subject: string;
  readonly use: TokenUse;
  /** `jti`; empty if the token has none. */
  readonly id: string;
  readonly issuedAt: number;
  readonly expiresAt: number;
}

export interface TokenOptions {
  /** Signs and verifies. */
  key: string;
  /** Only verify: keys that were in use before. */
  previousKeys: readonly string[];
  /** Lifetimes in seconds. */
  lifetimes: Readonly<Record<TokenUse, number>>;
}

const ISSUER = 'datarhei-core';
const MAX_TOKEN_LENGTH = 8192;
/** How far ahead the clock of another server with the same secret may be, in seconds. */
const MAX_CLOCK_SKEW = 60;
const HEADER = encode({ alg: 'HS256', typ: 'JWT' });
const UUID_V4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const SESSION_LENGTH = 18;

/**
 * Issues and verifies the server's own tokens, JWS compact with HMAC-SHA-256 and nothing else. Synchronous, so
 * that a request with a token waits for nothing; tokens of others are verified elsewhere, with other keys.
 */
export class Tokens {
  readonly #options: TokenOptions;

  constructor(options: TokenOptions) {
    this.#options = options;
  }

  /**
   * @param id of the token, from `newTokenId`.
   * @param issuedAt in Unix seconds.
   * @param lifetime in seconds.
   */
  issue(
    use: TokenUse,
    subject: string,
    id: string,
    issuedAt: number,
    lifetime = this.#options.lifetimes[use],
  ): string {
    // compat: a client decodes the payload without padding it, which this set and order of claims allows.
    const payload = encode({
      exi: lifetime,
      exp: issuedAt + lifetime,
      iat: issuedAt,
      iss: ISSUER,
      jti: id,
      sub: subject,
      usefor: use,
    });
    return `${HEADER}.${payload}.${sign(`${HEADER}.${payload}`, this.#options.key)}`;
  }

  /**
   * The claims of a token that may be used now. Throws `unauthorized` with the reason otherwise.
   *
   * @param now in Unix seconds.
   */
  verify(token: string, now: number): Claims {
    if (token.length > MAX_TOKEN_LENGTH) throw refuse('token is too long');
    const [header = '', payload = '', signature = '', ...more] = token.split('.');
    if (more.length > 0) throw refuse('token is malformed');
    this.#checkHeader(decode(header));
    this.#checkSignature(`${header}.${payload}`, signature);
    return readClaims(decode(payload), now);
  }

  /** Whether a token lives longer than those of this server: somebody else made it, with the same key. */
  isForeign(claims: Claims): boolean {
    return claims.expiresAt - claims.issuedAt > this.#options.lifetimes[claims.use];
  }

  #checkHeader(header: Record<string, unknown>): void {
    if (header['alg'] !== 'HS256') throw refuse('token is signed with another algorithm');
    if ('crit' in header) throw refuse('token has a critical extension');
  }

  #checkSignature(text: string, signature: string): void {
    // Comparing the texts leaves only one form of a signature valid.
    const given = Buffer.from(signature);
    let isValid = false;
    for (const key of [this.#options.key, ...this.#options.previousKeys]) {
      const expected = Buffer.from(sign(text, key));
      if (expected.length === given.length && timingSafeEqual(expected, given)) isValid = true;
    }
    if (!isValid) throw refuse('token signature is invalid');
  }
}

/**
 * A new UUID v4 for a token. Tokens of one session share its first 60 bits, so that a session can be ended as
 * a whole without a record of every token that was issued.
 *
 * @param session the one the token belongs to; a new one if left out.
 */
export function newTokenId(session = randomUUID().slice(0, SESSION_LENGTH)): string {
  return session + randomUUID().slice(SESSION_LENGTH);
}

/** The session of a token; a token that this server did not issue is its own. */
export function sessionOf(id: string): string {
  return UUID_V4.test(id) ? id.slice(0, SESSION_LENGTH) : id;
}

function readClaims(claims: Record<string, unknown>, now: number): Claims {
  const { exp, iat, nbf, iss, sub, usefor, jti } = claims;
  if (!isInstant(exp)) throw refuse('token has no expiry');
  if (exp <= now) throw refuse('token is expired');
  if (!isInstant(iat)) throw refuse('token has no time of issue');
  if (iat > now + MAX_CLOCK_SKEW) throw refuse('token was issued in the future');
  if (nbf !== undefined && (!isInstant(nbf) || nbf > now)) throw refuse('token is not valid yet');
  if (iss !== ISSUER) throw refuse('token has another issuer');
  if (typeof sub !== 'string' || sub === '') throw refuse('token has no subject');
  if (usefor !== 'access' && usefor !== 'refresh') throw refuse('token is for another use');
  return {
    subject: sub,
    use: usefor,
    id: typeof jti === 'string' ? jti : '',
    issuedAt: iat,
    expiresAt: exp,
  };
}

function isInstant(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

function sign(text: string, key: string): string {
  return createHmac('sha256', key).update(text).digest('base64url');
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

/** A JSON object in strict base64url: one text for every value, no padding, no other characters. */
function decode(text: string): Record<string, unknown> {
  const bytes = Buffer.from(text, 'base64url');
  if (text === '' || bytes.toString('base64url') !== text) throw refuse('token is malformed');
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString());
  } catch (error) {
    throw refuse('token is malformed', error);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw refuse('token is malformed');
  return value as Record<string, unknown>;
}

function refuse(reason: string, cause?: unknown): CoreError {
  return new CoreError('unauthorized', reason, { cause });
}
