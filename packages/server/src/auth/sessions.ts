import type { Logger } from '../log/logger.ts';
import { CoreError } from '../util/errors.ts';
import { createLru } from '../util/lru.ts';
import type { Identity } from './oidc.ts';
import type { Policy } from './policy.ts';
import { Revocations, type RevocationStore } from './revocations.ts';
import { type AdmissionStore, Subjects } from './subjects.ts';
import { type Claims, newTokenId, sessionOf, type TokenUse } from './tokens.ts';

/** What of access control is kept over a restart. */
export type AuthStore = RevocationStore & AdmissionStore;

export interface TokenPair {
  accessToken: string;
  refreshToken: string;
}

const MAX_VERIFIED = 1000;

/** The sessions of this server: which tokens are valid right now, and how new ones come from old ones. */
export class Sessions {
  readonly #log: Logger;
  readonly #revocations: Revocations;
  readonly #subjects: Subjects;
  /** `Authorization` headers with a valid access token, which a check costs next to nothing to find again. */
  readonly #verified = createLru<string, Claims>(MAX_VERIFIED);
  #policy: Policy;

  constructor(policy: Policy, store: AuthStore, log: Logger) {
    this.#policy = policy;
    this.#revocations = new Revocations(store);
    this.#subjects = new Subjects(store);
    this.#log = log;
  }

  load(): void {
    this.#revocations.load(now());
    this.#subjects.load(now());
  }

  /** Moves to another policy, under which other tokens may be valid. */
  configure(policy: Policy): void {
    this.#policy = policy;
    this.#verified.clear();
  }

  /** Whether the header has been found to hold a valid access token, which is valid still. */
  isVerified(header: string): boolean {
    const claims = this.#verified.get(header);
    return claims !== undefined && claims.expiresAt > now();
  }

  /** Remembers what `verify` said of the access token in a header. */
  remember(header: string, claims: Claims): void {
    this.#verified.set(header, claims);
  }

  /** The claims of a valid token for one of the uses. Throws `unauthorized` with the reason otherwise. */
  verify(token: string, uses: readonly TokenUse[]): Claims {
    const { tokens, options } = this.#policy;
    const claims = tokens.verify(token, now());
    if (!uses.includes(claims.use)) throw refuse('token is for another use');
    const { subject, id } = claims;
    if (!this.#subjects.mayEnter(subject, options.username, options.providers, now())) {
      throw refuse('the subject of the token is unknown');
    }
    switch (this.#revocations.reasonAgainst(claims)) {
      case 'revoked':
        throw refuse('token was revoked');
      case 'rotated':
        // Two hold the token, and one of them has stolen it (RFC 9700 §4.14.2): neither goes on.
        this.end(claims);
        throw refuse('token was used twice, its session has ended');
      case undefined:
    }
    if (tokens.isForeign(claims)) {
      this.#log.warn('A token lives longer than this server issues them', { subject, jti: id });
    }
    return claims;
  }

  /** Begins a session. */
  open(subject: string): TokenPair & { id: string } {
    const id = newTokenId();
    const issuedAt = this.#revocations.issueTime(subject, now());
    return {
      id,
      accessToken: this.#issueAccess(subject, sessionOf(id)),
      refreshToken: this.#policy.tokens.issue('refresh', subject, id, issuedAt),
    };
  }

  /** Another access token for the session of a refresh token. */
  renew(claims: Claims): string {
    return this.#issueAccess(claims.subject, sessionOf(claims.id));
  }

  /** Exchanges a refresh token for new tokens. The session still ends when it would have. */
  rotate(claims: Claims): TokenPair {
    const { subject, expiresAt } = claims;
    const session = sessionOf(claims.id);
    const issuedAt = this.#revocations.issueTime(subject, now());
    this.#revocations.rotate(claims, now());
    const lifetime = Math.floor(expiresAt - issuedAt);
    return {
      accessToken: this.#issueAccess(subject, session),
      refreshToken: this.#policy.tokens.issue('refresh', subject, newTokenId(session), issuedAt, lifetime),
    };
  }

  /** Ends the session of a token. */
  end(claims: Claims): void {
    this.#revocations.endSession(claims, Math.max(claims.expiresAt, this.#longestEnd()), now());
    this.#verified.clear();
  }

  /** Ends all sessions of one subject, or of all. */
  revoke(subject: string | undefined): void {
    if (subject === undefined) this.#revocations.revokeAll(now());
    else this.#revocations.revokeSubject(subject, now());
    this.#verified.clear();
  }

  /** Lets a user of a provider hold tokens who is on no list. */
  admit(identity: Identity): void {
    this.#subjects.admit(identity, this.#longestEnd(), now());
  }

  #issueAccess(subject: string, session: string): string {
    const issuedAt = this.#revocations.issueTime(subject, now());
    return this.#policy.tokens.issue('access', subject, newTokenId(session), issuedAt);
  }

  /** When the last token of a session that begins now has expired. */
  #longestEnd(): number {
    const { access, refresh } = this.#policy.options.lifetimes;
    return now() + refresh + access;
  }
}

function refuse(reason: string): CoreError {
  return new CoreError('unauthorized', reason);
}

/** Unix seconds, with fractions. */
function now(): number {
  return Date.now() / 1000;
}
