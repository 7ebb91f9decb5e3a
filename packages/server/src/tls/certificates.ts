import { EventEmitter } from 'node:events';
import type { SecureContext } from 'node:tls';
import type { Component, PreparedChange } from '../components.ts';
import type { Logger } from '../log/logger.ts';
import { CoreError, errorText } from '../util/errors.ts';
import { type KeyPair, parseKeyPair, readPemFiles } from './key-pair.ts';

/** Where certificates come from. */
export type CertificateOptions =
  | { source: 'none' }
  /** Paths of PEM files. */
  | { source: 'files'; certFile: string; keyFile: string };

/** How often the files are looked at, in milliseconds. Watching them misses what links and network folders do. */
const POLL_MS = 10_000;
const DAY_MS = 24 * 60 * 60 * 1000;
/** How long before the end of a certificate's life it is complained about. */
const EXPIRY_WARNING_MS = 14 * DAY_MS;

/** The certificates in use. Servers take them from here for each new connection; `changed` tells that there are others. */
export class Certificates extends EventEmitter<{ changed: [] }> implements Component {
  readonly #log: Logger;
  readonly #pollMs: number;
  #options: CertificateOptions;
  #pair: KeyPair | undefined;
  /** What was found in the files and could not be used: complained about once. */
  #rejected: string | undefined;
  #warnedAt = 0;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: CertificateOptions, log: Logger, pollMs = POLL_MS) {
    super();
    this.#options = options;
    this.#log = log;
    this.#pollMs = pollMs;
  }

  /** Rejects with `invalid` if the files cannot be used. */
  async start(): Promise<void> {
    this.#pair = await load(this.#options);
    this.#warnOfExpiry();
    this.#poll();
  }

  close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    return Promise.resolve();
  }

  /** For clients that name no server, or one that is not known. Undefined while there is no certificate. */
  get main(): KeyPair | undefined {
    return this.#pair;
  }

  /** What a client that asks for a server by its name is shown (RFC 6066 §3). */
  contextFor(): SecureContext | undefined {
    return this.#pair?.context;
  }

  /** Moves to other certificates. Rejects with `invalid` if they cannot be used. */
  async prepare(options: CertificateOptions): Promise<PreparedChange> {
    const previous = this.#pair;
    const next = await load(options);
    // A server that is prepared meanwhile may get its first connections before the change is committed.
    if (previous === undefined) this.#hold(next);
    return {
      commit: () => {
        this.#options = options;
        this.#rejected = undefined;
        this.#warnedAt = 0;
        this.#hold(next);
        this.#warnOfExpiry();
      },
      abort: () => {
        this.#hold(previous);
      },
    };
  }

  /** Looks at the files now. What cannot be used is logged, and the certificate in use stays. */
  async refresh(): Promise<void> {
    const options = this.#options;
    if (options.source !== 'files') return;
    let found: string | undefined;
    try {
      const { cert, key } = await readPemFiles(options.certFile, options.keyFile);
      found = `${cert}\n${key}`;
      const isKnown = found === this.#rejected || (cert === this.#pair?.cert && key === this.#pair.key);
      if (isKnown || options !== this.#options) return;
      this.#hold(parseKeyPair(cert, key));
      this.#rejected = undefined;
      this.#log.info('Certificate reloaded', { expires: this.#pair?.expires });
    } catch (error) {
      const reason = found ?? errorText(error);
      if (reason === this.#rejected) return;
      this.#rejected = reason;
      this.#log.error('Certificate not reloaded, the previous one stays in use', { error: errorText(error) });
    }
  }

  #poll(): void {
    if (this.#isClosed) return;
    this.#timer = setTimeout(() => {
      void this.refresh().finally(() => {
        this.#warnOfExpiry();
        this.#poll();
      });
    }, this.#pollMs).unref();
  }

  #hold(pair: KeyPair | undefined): void {
    if (pair === this.#pair) return;
    this.#pair = pair;
    this.emit('changed');
  }

  /** Once a day. */
  #warnOfExpiry(): void {
    const now = Date.now();
    const expires = this.#pair?.expires;
    if (expires === undefined || now - this.#warnedAt < DAY_MS) return;
    const left = expires.getTime() - now;
    if (left > EXPIRY_WARNING_MS) return;
    this.#warnedAt = now;
    this.#log.warn(left > 0 ? 'Certificate expires soon' : 'Certificate has expired', { expires });
  }
}

async function load(options: CertificateOptions): Promise<KeyPair | undefined> {
  if (options.source === 'none') return undefined;
  try {
    const { cert, key } = await readPemFiles(options.certFile, options.keyFile);
    return parseKeyPair(cert, key);
  } catch (error) {
    throw new CoreError('invalid', `can't use the TLS certificate: ${errorText(error)}`, { cause: error });
  }
}
