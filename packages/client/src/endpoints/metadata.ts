import type { CallOptions } from '../http.ts';
import type { Transport } from '../transport.ts';

/** Any JSON that clients keep in the server, by key. */
export class SystemMetadata {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** All there is, by key; null or empty if there is nothing. */
  all(options?: CallOptions): Promise<unknown> {
    return this.#transport.call('GET /api/v3/metadata', {}, options);
  }

  /** What is stored under a key. Status 404 if there is nothing. */
  get(key: string, options?: CallOptions): Promise<unknown> {
    return this.#transport.call('GET /api/v3/metadata/{key*}', { path: { key } }, options);
  }

  /** Stores a value under a key; null removes it. */
  set(key: string, value: unknown, options?: CallOptions): Promise<unknown> {
    return this.#transport.call('PUT /api/v3/metadata/{key*}', { path: { key }, body: value }, options);
  }
}
