import { MetricsQuery, type MetricsDescription, type MetricsQuery as Query } from '@millrace/api';
import { METRICS } from '../../metrics/catalog.ts';
import type { Monitor, Series } from '../../metrics/monitor.ts';
import type { MetricPattern } from '../../metrics/selection.ts';
import { decode, readJson } from '../decode.ts';
import { ApiError } from '../errors.ts';
import { sendJson, sendText, toJson } from '../json.ts';
import type { Routes } from '../server.ts';

/** Who knows the metrics. */
export type MetricsSource = Pick<Monitor, 'historyOptions' | 'current' | 'past'>;

/** How many metrics one query may name. */
const MAX_PATTERNS = 200;
/** How many points a series of an answer may have, and all its series together. */
const MAX_POINTS = 10_000;
const MAX_VALUES = 1_000_000;

const EMPTY: Query = { timerange_sec: 0, interval_sec: 0, metrics: [] };

/** `/metrics` of the API: which metrics there are, and their present and past values. */
export function metricsRoutes(metrics: MetricsSource): Routes {
  const descriptions = METRICS.map(({ name, description, labels }): MetricsDescription => ({
    name,
    description,
    labels: [...labels],
  }));
  return (app) => {
    app.get('/metrics', (_request, reply) => sendJson(reply, descriptions));
    app.post('/metrics', async (request, reply) => {
      const query = decode(MetricsQuery, await readJson(request), EMPTY);
      sendText(reply, toAnswer(metrics, await seriesOf(metrics, query)));
      return reply;
    });
  };
}

/** The series that a query names. Throws ApiError 400 for one that asks too much. */
export async function seriesOf(metrics: MetricsSource, query: Query): Promise<readonly Series[]> {
  if (query.metrics.length > MAX_PATTERNS) throw tooLarge(`more than ${MAX_PATTERNS} metrics`);
  const patterns = query.metrics.map(({ name, labels }): MetricPattern => ({ name, labels: labels ?? {} }));
  if (query.timerange_sec === 0) return metrics.current(patterns);
  if (query.interval_sec > 0 && query.timerange_sec / query.interval_sec > MAX_POINTS) {
    throw tooLarge(`more than ${MAX_POINTS} points`);
  }
  const { timerange_sec: range, interval_sec: interval } = query;
  const series = metrics.past(patterns, range * 1000, interval * 1000, MAX_VALUES);
  if (series === undefined) throw tooLarge(`more than ${MAX_VALUES} values`);
  return series;
}

function tooLarge(reason: string): ApiError {
  return new ApiError(400, 'Query too large', reason);
}

/** Written by hand: numbers have a form of their own, and there may be many. */
function toAnswer({ historyOptions }: MetricsSource, series: readonly Series[]): string {
  const { rangeMs = 0, intervalMs = 0 } = historyOptions ?? {};
  const head = `{"timerange_sec":${rangeMs / 1000},"interval_sec":${intervalMs / 1000}`;
  return `${head},"metrics":[${series.map(toSeriesText).join(',')}]}\n`;
}

function toSeriesText({ metric, labels, points }: Series): string {
  const named = metric.labels.map((name, index) => [name, labels[index] ?? '']);
  const labelText = named.length === 0 ? 'null' : toJson(Object.fromEntries(named)).trimEnd();
  const values = points.map(([at, value]) => `[${Math.floor(at / 1000)},${toNumberText(value)}]`);
  return `{"name":"${metric.name}","labels":${labelText},"values":[${values.join(',')}]}`;
}

/** compat: whole numbers as they are, all others with three decimals. */
function toNumberText(value: number): string {
  return Number.isInteger(value) ? String(value) : value.toFixed(3);
}
