import type { MetricsDescription, MetricsQuery, MetricsResponse } from '../api.ts';
import type { CallOptions } from '../http.ts';
import type { Transport } from '../transport.ts';
import type { Partly } from './processes.ts';

/** Who may read the metrics for Prometheus, if not everybody (`metrics.auth`). */
export type MetricsReader = { token: string } | { username: string; password: string };

/** Which metrics, and of when; present values if no time is given. */
export type MetricsSelection = Partly<Omit<MetricsQuery, 'metrics'>> & Pick<MetricsQuery, 'metrics'>;

/** The counters and gauges of the server. */
export class Metrics {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Lists the metrics that can be asked for. */
  describe(options?: CallOptions): Promise<MetricsDescription[]> {
    return this.#transport.call('GET /api/v3/metrics', {}, options);
  }

  /** Values of metrics, present ones or past ones. */
  query(selection: MetricsSelection, options?: CallOptions): Promise<MetricsResponse> {
    const body = { timerange_sec: 0, interval_sec: 0, ...selection } as MetricsQuery;
    return this.#transport.call('POST /api/v3/metrics', { body, isRepeatable: true }, options);
  }

  /** All metrics in the text format of Prometheus, if `metrics.enable_prometheus` is on. */
  prometheus(reader?: MetricsReader, options?: CallOptions): Promise<string> {
    const headers = reader && { authorization: authorizationOf(reader) };
    return this.#transport.call('GET /metrics', { isOpen: true, ...(headers && { headers }) }, options);
  }
}

function authorizationOf(reader: MetricsReader): string {
  if ('token' in reader) return `Bearer ${reader.token}`;
  const bytes = new TextEncoder().encode(`${reader.username}:${reader.password}`);
  return `Basic ${btoa(String.fromCharCode(...bytes))}`;
}
