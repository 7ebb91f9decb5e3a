import type { ConfigAnswer, ConfigData, ConfigStatus } from '../api.ts';
import type { CallOptions } from '../http.ts';
import type { Transport } from '../transport.ts';
import type { Partly } from './processes.ts';

/** What of the configuration is to change. */
export type ConfigChange = Partly<ConfigData>;

/** The configuration of the server. */
export class Settings {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** The stored configuration. */
  get(options?: CallOptions): Promise<ConfigAnswer> {
    return this.#transport.call('GET /api/v3/config', {}, options);
  }

  /**
   * Stores changes; what is left out stays as it is, also what others change at the same time. They apply after `reload`.
   *
   * @param options `tag`: that of `status()`: stores them only if nothing has changed since then; Millrace only
   * @throws MillraceError with status 409 if there are errors: `body` has them by the name of the setting; with status 412 if
   *   something has changed.
   */
  async set(change: ConfigChange, options: CallOptions & { tag?: string } = {}): Promise<void> {
    const { tag, ...call } = options;
    const body = { version: 3, ...change } as ConfigData;
    const headers = tag === undefined ? {} : { 'if-match': `"${tag}"` };
    await this.#transport.call('PUT /api/v3/config', { body, headers }, call);
  }

  /** Looks for errors in changes as `set` does, but stores nothing. Millrace only. */
  async check(change: ConfigChange, options?: CallOptions): Promise<void> {
    // A Core would take no notice of the query, and store them: it has to be Millrace.
    await this.status(options);
    const body = { version: 3, ...change } as ConfigData;
    await this.#transport.call('PUT /api/v3/config', { body, query: { dry_run: true } }, options);
  }

  /** Moves the server to the stored configuration. `status` tells what became of it. */
  async reload(options?: CallOptions): Promise<void> {
    await this.#transport.call('GET /api/v3/config/reload', { isRepeatable: false }, options);
  }

  /** The state of the stored configuration, and what became of the last reload. Millrace only. */
  status(options?: CallOptions): Promise<ConfigStatus> {
    return this.#transport.call('GET /api/v3/config/status', {}, options);
  }
}
