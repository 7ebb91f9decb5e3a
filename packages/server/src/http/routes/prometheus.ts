import { createHash, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { FastifyRequest } from 'fastify';
import {
  CONTENT_TYPES,
  familiesOf,
  toText,
  type Family,
  type Sample,
  type TextFormat,
} from '../../metrics/exposition.ts';
import type { Snapshot } from '../../metrics/snapshot.ts';
import { acceptsGzip } from '../compress.ts';
import { ApiError } from '../errors.ts';
import type { Guard } from '../guard.ts';
import type { Routes } from '../server.ts';

/** What a reader has to show; the parts that are empty prove nothing. */
export interface ScrapeAuth {
  token: string;
  username: string;
  password: string;
}

export interface PrometheusOptions {
  /** Of the instance, which each value names. */
  id: string;
  metrics: { collect(): Promise<Snapshot> };
  /** Metrics of our own. */
  runtime: { families(): readonly Family[] };
  guard: Guard;
  /** Undefined if anybody may read. */
  auth: ScrapeAuth | undefined;
}

const STATUSES = [200, 500, 503] as const;
const gzipAsync = promisify(gzip);

/** `GET /metrics`: all metrics for Prometheus. */
export function prometheusRoutes({ id, metrics, runtime, guard, auth }: PrometheusOptions): Routes {
  const scrapes = new Scrapes();
  const allows = auth && readerCheck(auth);
  const families = async () => {
    const shown = [...familiesOf(await metrics.collect()), ...runtime.families()];
    return [...shown.map((family) => withLabel(family, 'core', id)), ...scrapes.families()];
  };
  return (app) => {
    app.addHook('onRequest', guard.address);
    app.get('/metrics', async (request, reply) => {
      if (allows?.(request.headers.authorization) === false) {
        reply.header('www-authenticate', 'Basic realm="metrics", Bearer realm="metrics"');
        throw ApiError.plain(401);
      }
      const format = formatFor(request);
      const text = await scrapes.count(async () => toText(await families(), format));
      // compat: no Vary, although the answer depends on two headers; nothing between keeps what changes each second.
      reply.header('content-type', CONTENT_TYPES[format]);
      if (!acceptsGzip(request.headers['accept-encoding'])) return reply.send(text);
      return reply.header('content-encoding', 'gzip').send(await gzipAsync(text));
    });
    app.get('/metrics/', () => {
      throw ApiError.plain(404);
    });
  };
}

/** Counts the readings, as Prometheus' own handler does. */
class Scrapes {
  readonly #finished = new Map<number, number>(STATUSES.map((status) => [status, 0]));
  #inFlight = 0;

  async count(scrape: () => Promise<string>): Promise<string> {
    this.#inFlight++;
    try {
      const text = await scrape();
      this.#add(200);
      return text;
    } catch (error) {
      this.#add(500);
      throw error;
    } finally {
      this.#inFlight--;
    }
  }

  families(): Family[] {
    return [
      {
        name: 'promhttp_metric_handler_requests_in_flight',
        type: 'gauge',
        help: 'Current number of scrapes being served.',
        samples: [{ labels: [], value: this.#inFlight }],
      },
      {
        name: 'promhttp_metric_handler_requests_total',
        type: 'counter',
        help: 'Total number of scrapes by HTTP status code.',
        samples: [...this.#finished].map(([code, value]) => ({ labels: [['code', String(code)]], value })),
      },
    ];
  }

  #add(status: (typeof STATUSES)[number]): void {
    this.#finished.set(status, (this.#finished.get(status) ?? 0) + 1);
  }
}

function withLabel(family: Family, name: string, value: string): Family {
  const add = (sample: Sample): Sample => ({ ...sample, labels: [[name, value], ...sample.labels] });
  return { ...family, samples: family.samples.map(add) };
}

/** OpenMetrics only if it is asked for and not less wanted than the plain text (RFC 9110 §12.5.1). */
function formatFor({ headers }: FastifyRequest): TextFormat {
  const accept = headers.accept ?? '';
  const openMetrics = weightOf(accept, 'application/openmetrics-text');
  return openMetrics > 0 && openMetrics >= weightOf(accept, 'text/plain') ? 'openmetrics' : 'prometheus';
}

function weightOf(accept: string, type: string): number {
  const weights = accept.split(',').flatMap((part) => {
    const [name = '', ...parameters] = part.split(';').map((text) => text.trim().toLowerCase());
    if (name !== type) return [];
    const weight = parameters.find((parameter) => parameter.startsWith('q='));
    return weight === undefined ? [1] : [Number(weight.slice(2)) || 0];
  });
  return Math.max(0, ...weights);
}

/** Whether an `Authorization` header shows the token (RFC 6750) or the name and the password (RFC 7617). */
function readerCheck({ token, username, password }: ScrapeAuth): (header: string | undefined) => boolean {
  const accepted: Buffer[] = [];
  if (token !== '') accepted.push(digest(`bearer ${token}`));
  if (username !== '' && password !== '') {
    accepted.push(digest(`basic ${Buffer.from(`${username}:${password}`).toString('base64')}`));
  }
  return (header = '') => {
    const shown = digest(header.replace(/^[a-z]+ +/i, (scheme) => `${scheme.trimEnd().toLowerCase()} `));
    // Digests have one length, whatever was guessed.
    return accepted.some((expected) => timingSafeEqual(shown, expected));
  };
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
