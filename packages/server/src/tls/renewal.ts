import { setTimeout as sleep } from 'node:timers/promises';
import { simpleChange, type Component, type PreparedChange } from '../components.ts';
import type { Logger } from '../log/logger.ts';
import { errorText } from '../util/errors.ts';
import type { AcmeOptions } from './acme-connection.ts';
import type { ChallengeAnswers } from './acme.ts';
import { type KeyPair, parseKeyPair } from './key-pair.ts';
import { CertificateStore } from './store.ts';

/** Which certificates to keep alive, and who issues them. */
export interface RenewalOptions {
  hosts: readonly string[];
  /** The folder of the certificates and the account. */
  dir: string;
  directoryUrl: string;
  /** A file in PEM with an authority to trust for that address; empty for none. */
  caFile: string;
  email: string;
}

/** What the renewal needs of the certificates. */
export interface RenewedCertificates {
  /** Undefined if there is none yet. */
  pairOf(host: string): KeyPair | undefined;
  install(host: string, pair: KeyPair): void;
}

/** In milliseconds. */
export interface RenewalTimes {
  /** Between two looks at what there is. */
  check: number;
  /** After the first failure for a host; each more doubles it. */
  minRetry: number;
  maxRetry: number;
}

const HOUR_MS = 60 * 60 * 1000;
const TIMES: RenewalTimes = { check: 12 * HOUR_MS, minRetry: 2 * 60 * 1000, maxRetry: 6 * HOUR_MS };
const ORDER_TIMEOUT_MS = 5 * 60 * 1000;

/** Gets the certificates that are missing and renews those that run out, in the background, as long as it takes. */
export class Renewal implements Component {
  readonly #certificates: RenewedCertificates;
  readonly #answers: ChallengeAnswers;
  readonly #env: AcmeOptions['env'];
  readonly #log: Logger;
  readonly #times: RenewalTimes;
  #options: RenewalOptions | undefined;
  #stop = new AbortController();
  #work: Promise<void> = Promise.resolve();

  /** @param options undefined if there is nothing to do. */
  constructor(
    options: RenewalOptions | undefined,
    parts: {
      certificates: RenewedCertificates;
      answers: ChallengeAnswers;
      env: AcmeOptions['env'];
      log: Logger;
    },
    times = TIMES,
  ) {
    this.#options = options;
    this.#certificates = parts.certificates;
    this.#answers = parts.answers;
    this.#env = parts.env;
    this.#log = parts.log;
    this.#times = times;
  }

  start(): Promise<void> {
    this.#begin();
    return Promise.resolve();
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#work;
  }

  prepare(options: RenewalOptions | undefined): PreparedChange {
    return simpleChange(() => {
      this.#stop.abort();
      this.#options = options;
      this.#begin();
    });
  }

  #begin(): void {
    if (this.#options === undefined) return;
    this.#stop = new AbortController();
    const [options, { signal }, previous] = [this.#options, this.#stop, this.#work];
    this.#work = previous.then(() => this.#run(options, signal));
  }

  async #run(options: RenewalOptions, signal: AbortSignal): Promise<void> {
    const failed = new Map<string, { count: number; retryAt: number }>();
    while (!signal.aborted) {
      for (const host of options.hosts) await this.#attend(host, options, failed, signal);
      const retries = [...failed.values()].map(({ retryAt }) => retryAt - Date.now());
      // Not all servers of the world at the same time.
      const wait = Math.max(0, Math.min(this.#times.check * spread(), ...retries));
      await sleep(wait, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  /** Renews the certificate of a host if it is time to. */
  async #attend(
    host: string,
    options: RenewalOptions,
    failed: Map<string, { count: number; retryAt: number }>,
    signal: AbortSignal,
  ): Promise<void> {
    const before = failed.get(host);
    const isEarly = before !== undefined && Date.now() < before.retryAt;
    if (isEarly || !isDue(this.#certificates.pairOf(host))) return;
    const log = this.#log.with({ host });
    try {
      const pair = await this.#renew(host, options, signal, log);
      failed.delete(host);
      log.info('Successfully acquired certificate', { expires: pair.expires });
    } catch (error) {
      const count = (before?.count ?? 0) + 1;
      failed.set(host, { count, retryAt: Date.now() + this.#retryDelay(count) });
      if (!signal.aborted) log.error('Failed to acquire certificate', { error: errorText(error) });
    }
  }

  async #renew(host: string, options: RenewalOptions, signal: AbortSignal, log: Logger): Promise<KeyPair> {
    signal.throwIfAborted();
    log.info('Acquiring certificate ...');
    const store = new CertificateStore(options.dir, options.directoryUrl);
    const accountKey = await store.accountKey(options.email);
    const { obtainCertificate } = await import('./acme.ts');
    const limit = AbortSignal.any([signal, AbortSignal.timeout(ORDER_TIMEOUT_MS)]);
    const acme = { ...options, accountKey, env: this.#env };
    const pem = await obtainCertificate(host, acme, this.#answers, limit);
    const pair = parseKeyPair(pem.cert, pem.key);
    signal.throwIfAborted();
    this.#certificates.install(host, pair);
    await store.save(host, pem).catch((error: unknown) => {
      // It is in use; authorities limit how many they issue, so another one is not asked for.
      log.error('Certificate not stored', { error: errorText(error) });
    });
    return pair;
  }

  #retryDelay(failures: number): number {
    const { minRetry, maxRetry } = this.#times;
    return Math.min(minRetry * 2 ** (failures - 1), maxRetry) * spread();
  }
}

/** Whether less than a third of the life is left. */
function isDue(pair: KeyPair | undefined): boolean {
  if (pair === undefined) return true;
  const life = pair.expires.getTime() - pair.validFrom.getTime();
  return pair.expires.getTime() - Date.now() < life / 3;
}

/** Between 0.8 and 1.2. */
function spread(): number {
  return 0.8 + Math.random() * 0.4;
}
