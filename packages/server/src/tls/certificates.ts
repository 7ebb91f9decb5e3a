import { EventEmitter } from 'node:events';
import type { SecureContext } from 'node:tls';
import type { Component, PreparedChange } from '../components.ts';
import type { Logger } from '../log/logger.ts';
import { CoreError, errorText } from '../util/errors.ts';
import { type KeyPair, parseKeyPair, readPemFiles } from './key-pair.ts';
import { CertificateStore } from './store.ts';

/** Where certificates come from. */
export type CertificateOptions =
  | { source: 'none' }
  /** Paths of PEM files. */
  | { source: 'files'; certFile: string; keyFile: string }
  /** The certificates of an authority, one for each host. Those that are missing may come later. */
  | StoredCertificates;

interface StoredCertificates {
  source: 'store';
  hosts: readonly string[];
  dir: string;
  /** The address of the authority's directory. */
  directoryUrl: string;
}

/** Certificate chains with their keys: by the host that a client asks for, and for everybody else. */
export interface PemSet {
  main: Pem | undefined;
  byHost: ReadonlyMap<string, Pem>;
}

type Pem = Pick<KeyPair, 'cert' | 'key'>;

/** Certificates by host, and the one for everybody else. */
interface Held {
  main: KeyPair | undefined;
  byHost: ReadonlyMap<string, KeyPair>;
  /** Whether `main` is one that nobody vouches for. */
  isPlaceholder: boolean;
}

const NOTHING: Held = { main: undefined, byHost: new Map(), isPlaceholder: false };

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
  #held = NOTHING;
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
    this.#held = await load(this.#options);
    this.#warnOfExpiry();
    this.#poll();
  }

  close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    return Promise.resolve();
  }

  /** For clients that name no server, or one that is not known. Undefined while TLS is off. */
  get main(): KeyPair | undefined {
    return this.#held.main;
  }

  /** Whether clients can trust what they are shown. */
  get isTrusted(): boolean {
    return this.#held.main !== undefined && !this.#held.isPlaceholder;
  }

  /** What a client that asks for a server of that name is shown (RFC 6066 §3); undefined if there is nothing special. */
  contextFor(serverName: string): SecureContext | undefined {
    return this.pairOf(serverName)?.context;
  }

  /** The certificate made for a host, out of those from an authority. */
  pairOf(host: string): KeyPair | undefined {
    return this.#held.byHost.get(host.toLowerCase());
  }

  /** All of them as PEM, for a thread of its own. */
  pems(): PemSet {
    const toPem = ({ cert, key }: KeyPair) => ({ cert, key });
    const { main, byHost } = this.#held;
    return {
      main: main && toPem(main),
      byHost: new Map(Array.from(byHost, ([host, pair]) => [host, toPem(pair)])),
    };
  }

  /** Puts a new certificate from an authority into use. */
  install(host: string, pair: KeyPair): void {
    if (this.#options.source !== 'store') return;
    this.#hold(arrange(this.#options, new Map([...this.#held.byHost, [host.toLowerCase(), pair]])));
  }

  /** Whether the files still hold what is in use. */
  async isCurrent(): Promise<boolean> {
    const options = this.#options;
    if (options.source !== 'files') return true;
    try {
      const { cert, key } = await readPemFiles(options.certFile, options.keyFile);
      return cert === this.main?.cert && key === this.main.key;
    } catch {
      // Why they cannot be read is for whoever loads them to say.
      return false;
    }
  }

  /** Moves to other certificates. Rejects with `invalid` if they cannot be used. */
  async prepare(options: CertificateOptions): Promise<PreparedChange> {
    const previous = this.#held;
    const next = await load(options);
    // A server that is prepared meanwhile may get its first connections before the change is committed.
    if (previous === NOTHING) this.#hold(next);
    return {
      commit: () => {
        this.#options = options;
        this.#rejected = undefined;
        this.#warnedAt = 0;
        this.#hold(next);
        if (options.source === 'files' && previous !== NOTHING) {
          this.#log.info('Certificate reloaded', { expires: this.main?.expires });
        }
        this.#warnOfExpiry();
      },
      abort: () => {
        if (previous === NOTHING) this.#hold(previous);
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
      const isKnown = found === this.#rejected || (cert === this.main?.cert && key === this.main.key);
      if (isKnown || options !== this.#options) return;
      this.#hold({ ...NOTHING, main: parseKeyPair(cert, key) });
      this.#rejected = undefined;
      this.#log.info('Certificate reloaded', { expires: this.main?.expires });
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

  #hold(held: Held): void {
    if (held === this.#held) return;
    this.#held = held;
    this.emit('changed');
  }

  /** Once a day. */
  #warnOfExpiry(): void {
    const now = Date.now();
    const expires = this.main?.expires;
    if (expires === undefined || now - this.#warnedAt < DAY_MS) return;
    const left = expires.getTime() - now;
    if (left > EXPIRY_WARNING_MS) return;
    this.#warnedAt = now;
    this.#log.warn(left > 0 ? 'Certificate expires soon' : 'Certificate has expired', { expires });
  }
}

async function load(options: CertificateOptions): Promise<Held> {
  switch (options.source) {
    case 'none':
      return NOTHING;
    case 'files':
      try {
        const { cert, key } = await readPemFiles(options.certFile, options.keyFile);
        return { ...NOTHING, main: parseKeyPair(cert, key) };
      } catch (error) {
        throw new CoreError('invalid', `can't use the TLS certificate: ${errorText(error)}`, {
          cause: error,
        });
      }
    case 'store':
      return loadStored(options);
  }
}

async function loadStored(options: StoredCertificates): Promise<Held> {
  const store = new CertificateStore(options.dir, options.directoryUrl);
  const byHost = new Map<string, KeyPair>();
  for (const host of options.hosts) {
    const pair = await store.load(host);
    if (pair) byHost.set(host.toLowerCase(), pair);
  }
  if (byHost.size > 0) return arrange(options, byHost);
  const { createSelfSigned } = await import('./x509.ts');
  const { cert, key } = createSelfSigned(options.hosts);
  return { main: parseKeyPair(cert, key), byHost, isPlaceholder: true };
}

/** The certificate of the first host that has one is for all who ask for none of them. */
function arrange({ hosts }: StoredCertificates, byHost: ReadonlyMap<string, KeyPair>): Held {
  const first = hosts.map((host) => byHost.get(host.toLowerCase())).find((pair) => pair !== undefined);
  return { main: first, byHost, isPlaceholder: false };
}
