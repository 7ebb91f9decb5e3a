import type { LRUCache } from 'lru-cache';
import { createLru } from '../util/lru.ts';

export interface ThrottleOptions {
  /** How long the answer to a failed login is held back, in milliseconds. */
  delay: number;
  /** Answers held back at once: for one address, and in all. */
  maxDelayedPerAddress: number;
  maxDelayed: number;
  /** Failures that one address has free, and the seconds after which it has one more. */
  addressBurst: number;
  addressRefill: number;
  /** The same for one account, from addresses that never logged in to it. */
  accountBurst: number;
  accountRefill: number;
  /** The same for tokens that one address shows. Nobody can guess a signature: this only keeps an endless loop short. */
  tokenBurst: number;
  tokenRefill: number;
}

/** The numbers of the documentation: docs/authentication.md. */
export const THROTTLE_DEFAULTS: ThrottleOptions = {
  delay: 5_000,
  maxDelayedPerAddress: 2,
  maxDelayed: 64,
  addressBurst: 5,
  addressRefill: 12,
  accountBurst: 100,
  accountRefill: 36,
  tokenBurst: 60,
  tokenRefill: 1,
};

const MAX_ADDRESSES = 10_000;
const MAX_ACCOUNTS = 10_000;
const MAX_ACCOUNT_LENGTH = 128;

/** The limits of those who show tokens instead of passwords. */
export function tokenLimits(options: ThrottleOptions): ThrottleOptions {
  return { ...options, addressBurst: options.tokenBurst, addressRefill: options.tokenRefill };
}

/** Who asks: the address, and the account if one is named. */
export interface Attempt {
  address: string;
  account?: string | undefined;
}

/** Too many attempts. `retryAfter` is in whole seconds, at least 1. */
export class Throttled extends Error {
  readonly retryAfter: number;

  constructor(retryAfter: number) {
    super('too many failed attempts');
    this.name = 'Throttled';
    this.retryAfter = Math.max(1, Math.ceil(retryAfter));
  }
}

/** Slows down who guesses, by address and by account, with bounded memory and no more than a few timers. */
export class Throttle {
  #options: ThrottleOptions;
  readonly #addresses = createLru<string, Bucket>(MAX_ADDRESSES);
  readonly #accounts = createLru<string, Bucket>(MAX_ACCOUNTS);
  /** `account address` of logins that succeeded. */
  readonly #known = createLru<string, true>(MAX_ADDRESSES);
  readonly #delayed = new Map<string, number>();
  readonly #release = new Set<() => void>();

  constructor(options: ThrottleOptions) {
    this.#options = options;
  }

  configure(options: ThrottleOptions): void {
    this.#options = options;
  }

  /**
   * Counts an attempt as failed before its outcome is known, so that attempts side by side count as well.
   * Throws Throttled if there have been too many.
   */
  begin(attempt: Attempt): void {
    const { addressBurst, addressRefill, accountBurst, accountRefill } = this.#options;
    const now = performance.now() / 1000;
    const address = bucketOf(this.#addresses, throttleKey(attempt.address), addressBurst, now);
    const wait = address.wait(addressRefill, addressBurst, now);
    if (wait > 0) throw new Throttled(wait);

    if (attempt.account !== undefined) {
      const account = bucketOf(this.#accounts, accountKey(attempt.account), accountBurst, now);
      const accountWait = account.wait(accountRefill, accountBurst, now);
      // An attacker may use the account's allowance up, but not lock its owner out.
      if (accountWait > 0 && !this.#known.has(knownKey(attempt))) throw new Throttled(accountWait);
      account.take();
    }
    address.take();
  }

  /** Takes back what `begin` counted, and remembers the address as one of the account. */
  succeed(attempt: Attempt): void {
    this.excuse(attempt);
    if (attempt.account !== undefined) this.#known.set(knownKey(attempt), true);
  }

  /** Takes back what `begin` counted: the attempt turned out to be no guess. */
  excuse(attempt: Attempt): void {
    this.#addresses.get(throttleKey(attempt.address))?.giveBack();
    if (attempt.account !== undefined) this.#accounts.get(accountKey(attempt.account))?.giveBack();
  }

  /**
   * Resolves when a failure may be answered, or when nobody waits for the answer any more. Throws Throttled
   * at once if too many answers are held back already.
   */
  async delay(address: string, signal: AbortSignal): Promise<void> {
    const { delay, maxDelayed, maxDelayedPerAddress } = this.#options;
    const key = throttleKey(address);
    const ofAddress = this.#delayed.get(key) ?? 0;
    if (ofAddress >= maxDelayedPerAddress || this.#release.size >= maxDelayed) {
      throw new Throttled(delay / 1000);
    }
    if (signal.aborted) return;
    this.#delayed.set(key, ofAddress + 1);
    await new Promise<void>((resolve) => {
      const release = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', release);
        this.#release.delete(release);
        const left = (this.#delayed.get(key) ?? 1) - 1;
        if (left === 0) this.#delayed.delete(key);
        else this.#delayed.set(key, left);
        resolve();
      };
      const timer = setTimeout(release, delay);
      signal.addEventListener('abort', release);
      this.#release.add(release);
    });
  }

  /** How many answers are held back. */
  get delayed(): number {
    return this.#release.size;
  }

  /** Lets go of all answers that are held back. */
  close(): void {
    for (const release of [...this.#release]) release();
  }
}

/** A token bucket. It may be overdrawn: attempts from known addresses count beyond the account's allowance. */
class Bucket {
  #level: number;
  #at: number;

  constructor(level: number, now: number) {
    this.#level = level;
    this.#at = now;
  }

  /** Seconds until one may be taken, 0 if one is there. Times are in seconds. */
  wait(refill: number, burst: number, now: number): number {
    this.#level = Math.min(burst, this.#level + (now - this.#at) / refill);
    this.#at = now;
    return this.#level >= 1 ? 0 : (1 - this.#level) * refill;
  }

  take(): void {
    this.#level--;
  }

  /** Never above the burst for longer than until the next look. */
  giveBack(): void {
    this.#level++;
  }
}

function bucketOf(buckets: LRUCache<string, Bucket>, key: string, level: number, now: number): Bucket {
  let bucket = buckets.get(key);
  if (bucket === undefined) {
    bucket = new Bucket(level, now);
    buckets.set(key, bucket);
  }
  return bucket;
}

/** One network counts as one address: whoever has an IPv6 address has 2^64 of them. */
export function throttleKey(address: string): string {
  if (!address.includes(':')) return address;
  const [head = '', tail] = address.split('%')[0]?.split('::') ?? [];
  const groups = head === '' ? [] : head.split(':');
  const rest = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros =
    tail === undefined ? [] : new Array<string>(Math.max(0, 8 - groups.length - rest.length)).fill('0');
  return [...groups, ...zeros, ...rest]
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':');
}

function accountKey(account: string): string {
  return account.slice(0, MAX_ACCOUNT_LENGTH);
}

function knownKey(attempt: Attempt): string {
  return `${accountKey(attempt.account ?? '')} ${throttleKey(attempt.address)}`;
}
