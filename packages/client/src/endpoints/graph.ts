import type { GraphQuery, GraphResponse } from '../api.ts';
import type { CallOptions } from '../http.ts';
import type { Transport } from '../transport.ts';

/** GraphQL: everything that can be read, and just what one needs of it. */
export class Graph {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Asks a query. Errors in its fields are in the answer; a query that is wrong as such fails. */
  query(query: GraphQuery, options?: CallOptions): Promise<GraphResponse> {
    const input = { body: query, isRepeatable: true };
    return this.#transport.call('POST /api/graph/query', input, options);
  }

  /** As `query`, at the second address that Millrace has for it. */
  put(query: GraphQuery, options?: CallOptions): Promise<GraphResponse> {
    return this.#transport.call('PUT /api/v3/graph', { body: query }, options);
  }
}
