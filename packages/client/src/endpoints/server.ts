import type { LogEvent, LogLines, Readiness } from '../api.ts';
import { isMillraceError } from '../error.ts';
import type { CallOptions } from '../http.ts';
import type { Transport } from '../transport.ts';

/** Which lines of the log to get. Before Millrace, servers take no notice of it. */
export interface LogQuery {
  /** Only of this level and above. */
  level?: 'debug' | 'info' | 'warn' | 'error' | undefined;
  /** Only of these components. */
  component?: readonly string[] | undefined;
  since?: Date | undefined;
  /** Only so many, the newest. */
  limit?: number | undefined;
}

/** The log of the server. */
export class Log {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** The newest lines as on the server's console, oldest first. */
  lines(query: LogQuery = {}, options?: CallOptions): Promise<LogLines> {
    const input = { query: { ...toQuery(query), format: 'console' } };
    return this.#transport.call('GET /api/v3/log', input, options);
  }

  /** The newest lines with their fields, oldest first. */
  async events(query: LogQuery = {}, options?: CallOptions): Promise<LogEvent[]> {
    const input = { query: { ...toQuery(query), format: 'raw' } };
    return (await this.#transport.call('GET /api/v3/log', input, options)) as unknown as LogEvent[];
  }
}

function toQuery({ since, ...query }: LogQuery) {
  return { ...query, since: since?.toISOString() };
}

/** Whether the server is well; nobody needs a token to ask. */
export class Health {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Whether the server reacts. Returns `pong`. */
  ping(options?: CallOptions): Promise<string> {
    return this.#transport.call('GET /ping', { isOpen: true }, options);
  }

  /** Whether the server reacts, as its supervisor asks. Millrace only. */
  async live(options?: CallOptions): Promise<boolean> {
    const { status } = await this.#transport.call('GET /health/live', { isOpen: true }, options);
    return status === 'ok';
  }

  /** Whether the server can do its work, and which of the things it needs are there. Millrace only. */
  async ready(options?: CallOptions): Promise<Readiness> {
    const input = { isOpen: true, isRepeatable: false } as const;
    try {
      return await this.#transport.call('GET /health/ready', input, options);
    } catch (error) {
      if (isMillraceError(error, 503) && isReadiness(error.body)) return error.body;
      throw error;
    }
  }
}

function isReadiness(body: unknown): body is Readiness {
  return typeof body === 'object' && body !== null && 'checks' in body;
}

/** Pages and descriptions that the server has for people and tools. */
export class Pages {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** The description of the API in OpenAPI 3.1. Millrace only. */
  openApi(options?: CallOptions): Promise<unknown> {
    return this.#transport.call('GET /api/openapi.json', { isOpen: true }, options);
  }

  /** The page of Swagger UI. */
  swagger(options?: CallOptions): Promise<string> {
    return this.#transport.call('GET /api/swagger', { isOpen: true }, options);
  }

  /** The page to write GraphQL queries on. */
  graph(options?: CallOptions): Promise<string> {
    return this.#transport.call('GET /api/graph', {}, options);
  }

  /** The page with profiles of the server, if `debug.profiling` is on. */
  profiling(options?: CallOptions): Promise<string> {
    return this.#transport.call('GET /profiling', {}, options);
  }
}
