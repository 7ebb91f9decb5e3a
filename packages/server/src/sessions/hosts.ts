import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';

/** Lookups take threads that the file system needs too. */
const MAX_LOOKUPS = 2;
const MAX_WAITING = 100;
const MAX_HOSTS = 1_000;
/** How long an answer is good for. */
const LIFETIME = 300_000;

interface Known {
  /** Undefined if the host has none, or it is not known yet. */
  address: string | undefined;
  /** When it is to be looked up again. */
  until: number;
}

/** Addresses of hosts, looked up in the background. */
export class HostAddresses {
  readonly #resolve: (host: string) => Promise<string>;
  readonly #known = new Map<string, Known>();
  readonly #waiting = new Set<string>();
  #lookups = 0;

  /** @param resolve rejects if there is no such host. */
  constructor(resolve = async (host: string) => (await lookup(host)).address) {
    this.#resolve = resolve;
  }

  /** The address of a host, which may be one itself; undefined as long as it is not known. */
  of(host: string): string | undefined {
    if (isIP(host) !== 0) return host;
    const known = this.#known.get(host);
    if (known === undefined || known.until <= performance.now()) {
      if (this.#waiting.size < MAX_WAITING) this.#waiting.add(host);
      this.#next();
    }
    return known?.address;
  }

  #next(): void {
    const [host] = this.#waiting;
    if (host === undefined || this.#lookups >= MAX_LOOKUPS) return;
    this.#waiting.delete(host);
    // Until there is an answer, nobody else asks.
    this.#remember(host, this.#known.get(host)?.address);
    this.#lookups++;
    void this.#resolve(host)
      .catch(() => undefined)
      .then((address) => {
        this.#lookups--;
        this.#remember(host, address);
        this.#next();
      });
  }

  #remember(host: string, address: string | undefined): void {
    this.#known.delete(host);
    this.#known.set(host, { address, until: performance.now() + LIFETIME });
    const [oldest] = this.#known.keys();
    if (this.#known.size > MAX_HOSTS && oldest !== undefined) this.#known.delete(oldest);
  }
}
