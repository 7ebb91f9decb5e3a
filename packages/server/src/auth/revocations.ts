import type { Claims } from './tokens.ts';
import { sessionOf } from './tokens.ts';

/** Why tokens are refused: their session has ended, or the one refresh token was exchanged for another. */
export type DenialKind = 'session' | 'rotated';

/** A session or a token that is refused although it has not expired. `expires` is in Unix seconds. */
export interface Denial {
  id: string;
  kind: DenialKind;
  expires: number;
}

/** Tokens of a subject issued before the instant are refused; the empty subject stands for all. */
export interface NotBefore {
  subject: string;
  instant: number;
}

/** Keeps revocations over a restart. What it is told is durable when the call returns. */
export interface RevocationStore {
  denials(): Denial[];
  notBefore(): NotBefore[];
  deny(denial: Denial): void;
  /** Forgets denials that expired before the instant. */
  prune(now: number): void;
  setNotBefore(entry: NotBefore): void;
}

export interface RevocationLimits {
  maxDenials: number;
  maxSubjects: number;
}

const LIMITS: RevocationLimits = { maxDenials: 100_000, maxSubjects: 10_000 };
const EVERYBODY = '';
/** How far into the future repeated revocations within one second may push the time of issue, in seconds. */
const MAX_LEAD = 30;

/** Which unexpired tokens are refused nevertheless. */
export class Revocations {
  readonly #store: RevocationStore;
  readonly #limits: RevocationLimits;
  readonly #denials = new Map<string, Denial>();
  readonly #notBefore = new Map<string, number>();

  constructor(store: RevocationStore, limits = LIMITS) {
    this.#store = store;
    this.#limits = limits;
  }

  load(now: number): void {
    this.#store.prune(now);
    for (const denial of this.#store.denials()) this.#denials.set(denial.id, denial);
    for (const { subject, instant } of this.#store.notBefore()) this.#notBefore.set(subject, instant);
  }

  /** Why a token is refused, if it is. */
  reasonAgainst(claims: Claims): 'revoked' | 'rotated' | undefined {
    if (claims.issuedAt < this.#boundary(claims.subject)) return 'revoked';
    if (this.#denials.get(sessionOf(claims.id))?.kind === 'session') return 'revoked';
    return this.#denials.get(claims.id)?.kind === 'rotated' ? 'rotated' : undefined;
  }

  /** The earliest time of issue for new tokens of a subject, at `now` or just behind it. Unix seconds. */
  issueTime(subject: string, now: number): number {
    return Math.max(Math.floor(now), this.#boundary(subject));
  }

  /**
   * Ends the session of a token.
   *
   * @param expires when the last token of the session has expired by itself.
   */
  endSession(claims: Claims, expires: number, now: number): void {
    if (claims.id === '') this.revokeSubject(claims.subject, now);
    else this.#deny({ id: sessionOf(claims.id), kind: 'session', expires: toSecond(expires) }, now);
  }

  /** Refuses one refresh token from now on: it has been exchanged. */
  rotate(claims: Claims, now: number): void {
    if (claims.id === '') this.revokeSubject(claims.subject, now);
    else this.#deny({ id: claims.id, kind: 'rotated', expires: toSecond(claims.expiresAt) }, now);
  }

  /** Refuses all tokens of a subject issued so far. */
  revokeSubject(subject: string, now: number): void {
    const isNew = !this.#notBefore.has(subject);
    // Beyond the limit the one entry for everybody takes the place of many.
    if (isNew && this.#notBefore.size >= this.#limits.maxSubjects) this.revokeAll(now);
    else this.#setNotBefore(subject, now);
  }

  /** Refuses all tokens issued so far. */
  revokeAll(now: number): void {
    this.#setNotBefore(EVERYBODY, now);
  }

  #boundary(subject: string): number {
    return Math.max(this.#notBefore.get(EVERYBODY) ?? 0, this.#notBefore.get(subject) ?? 0);
  }

  /** Times of issue are whole seconds: what was issued in this very second must be refused, what follows not. */
  #setNotBefore(subject: string, now: number): void {
    const second = Math.floor(now);
    const previous = this.#boundary(subject);
    const instant = Math.max(previous, Math.min(Math.max(second, previous) + 1, second + MAX_LEAD));
    this.#store.setNotBefore({ subject, instant });
    this.#notBefore.set(subject, instant);
  }

  #deny(denial: Denial, now: number): void {
    if (this.#denials.size >= this.#limits.maxDenials) this.#prune(now);
    if (this.#denials.size >= this.#limits.maxDenials) {
      // Forgetting a revocation would let somebody in again; revoking all lets nobody in who should not be.
      this.revokeAll(now);
      return;
    }
    this.#store.deny(denial);
    this.#denials.set(denial.id, denial);
  }

  #prune(now: number): void {
    this.#store.prune(now);
    for (const [id, { expires }] of this.#denials) if (expires <= now) this.#denials.delete(id);
  }
}

/** Whole seconds that can be stored: somebody with the key may have made a token for any time. */
function toSecond(instant: number): number {
  return Math.min(Math.ceil(instant), Number.MAX_SAFE_INTEGER);
}
