import type { Identity, ProviderOptions } from './oidc.ts';

/** A user who was let in for groups, which this server learns at the login only. `expires` is in Unix seconds. */
export interface Admission {
  subject: string;
  issuer: string;
  groups: readonly string[];
  expires: number;
}

/** Keeps admissions over a restart. */
export interface AdmissionStore {
  admissions(): Admission[];
  admit(admission: Admission): void;
  /** Forgets an admission. */
  dismiss(subject: string): void;
}

const MAX_ADMISSIONS = 10_000;

/** Who may hold a token of this server: asked at each use, so that a user who is removed is out at once. */
export class Subjects {
  readonly #store: AdmissionStore;
  readonly #admissions = new Map<string, Admission>();

  constructor(store: AdmissionStore) {
    this.#store = store;
  }

  load(now: number): void {
    for (const admission of this.#store.admissions()) this.#admissions.set(admission.subject, admission);
    this.#prune(now);
  }

  /** Remembers a user who is on no list, beyond which there is nothing to remember. */
  admit({ subject, issuer, groups }: Identity, expires: number, now: number): void {
    if (groups.length === 0) return;
    if (this.#admissions.size >= MAX_ADMISSIONS) this.#prune(now);
    const [oldest] = this.#admissions.keys();
    if (this.#admissions.size >= MAX_ADMISSIONS && oldest !== undefined) this.#dismiss(oldest);
    const admission = { subject, issuer, groups, expires: Math.ceil(expires) };
    this.#store.admit(admission);
    this.#admissions.set(subject, admission);
  }

  mayEnter(subject: string, username: string, providers: readonly ProviderOptions[], now: number): boolean {
    if (subject === username || providers.some(({ users }) => users.includes(subject))) return true;
    const admission = this.#admissions.get(subject);
    if (admission === undefined || admission.expires <= now) return false;
    return providers.some(
      ({ issuer, groups }) =>
        issuer === admission.issuer && groups.some((group) => admission.groups.includes(group)),
    );
  }

  #prune(now: number): void {
    for (const { subject, expires } of [...this.#admissions.values()]) {
      if (expires <= now) this.#dismiss(subject);
    }
  }

  #dismiss(subject: string): void {
    this.#store.dismiss(subject);
    this.#admissions.delete(subject);
  }
}
