import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Component, PreparedChange } from '../components.ts';
import { simpleChange } from '../components.ts';
import type { Family, Sample } from './exposition.ts';

/** What access control tells about itself. */
export interface AuthSource {
  attempts(): readonly { method: string; result: string; count: number }[];
  keySets(): readonly { issuer: string; ageSeconds: number | undefined; errors: number }[];
}

/** What the servers of streams tell about their clients. */
export interface StreamSource {
  deeds(): readonly { who: string; action: string; count: number }[];
}

/** What the machine tells beside its load. */
export interface PressureSource {
  pressure(): readonly { resource: string; kind: string; seconds: number }[];
  throttling(): { periods: number; seconds: number } | undefined;
}

/** Whom the server's own metrics ask. */
export interface RuntimeSources {
  auth: AuthSource;
  host: PressureSource;
  rtmp: StreamSource;
  srt: StreamSource;
}

/** Upper bounds of the durations of requests, in seconds: those that Prometheus' own libraries use. */
const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
/** Routes are few; a limit all the same, so that no mistake makes a series for each path. */
const MAX_SERIES = 1_000;
const NANOSECONDS = 1e9;
const MICROSECONDS = 1e6;
/** How finely the delay of the event loop is measured, in milliseconds. */
const RESOLUTION_MS = 10;

interface Durations {
  labels: Sample['labels'];
  /** How many took as long as the bound of that index, but longer than the one before. */
  counts: number[];
  sum: number;
}

/** The server's own metrics, beside those of the reference: of its program, its requests and its logins. */
export class RuntimeMetrics implements Component {
  readonly #requests = new Map<string, Durations>();
  #sources: RuntimeSources;
  #isEnabled: boolean;
  #delay: ReturnType<typeof monitorEventLoopDelay> | undefined;

  /** @param isEnabled nothing is measured otherwise. */
  constructor(isEnabled: boolean, sources: RuntimeSources) {
    this.#isEnabled = isEnabled;
    this.#sources = sources;
  }

  start(): Promise<void> {
    this.#measure();
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.#delay?.disable();
    this.#delay = undefined;
    return Promise.resolve();
  }

  /** Switches on or off, and moves to other sources. What was counted stays. */
  prepare(isEnabled: boolean, sources: RuntimeSources): PreparedChange {
    return simpleChange(() => {
      this.#isEnabled = isEnabled;
      this.#sources = sources;
      this.#measure();
    });
  }

  get isEnabled(): boolean {
    return this.#isEnabled;
  }

  /** @param route the template of the path, so that requests of one kind count together. */
  countRequest(method: string, route: string, status: number, seconds: number): void {
    if (!this.#isEnabled) return;
    const key = `${method} ${status} ${route}`;
    let durations = this.#requests.get(key);
    if (durations === undefined) {
      if (this.#requests.size >= MAX_SERIES) return;
      const labels = Object.entries({ method, route, status: String(status) });
      durations = { labels, counts: new Array<number>(BUCKETS.length + 1).fill(0), sum: 0 };
      this.#requests.set(key, durations);
    }
    const bound = BUCKETS.findIndex((limit) => seconds <= limit);
    const index = bound === -1 ? BUCKETS.length : bound;
    durations.counts[index] = (durations.counts[index] ?? 0) + 1;
    durations.sum += seconds;
  }

  /** Empty while it is switched off. */
  families(): Family[] {
    if (!this.#isEnabled) return [];
    return [
      ...this.#programFamilies(),
      ...this.#eventLoopFamilies(),
      this.#requestFamily(),
      ...this.#authFamilies(),
      this.#streamFamily(),
      ...this.#pressureFamilies(),
    ];
  }

  #measure(): void {
    if (this.#isEnabled && this.#delay === undefined) {
      this.#delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
      this.#delay.enable();
    } else if (!this.#isEnabled) {
      this.#delay?.disable();
      this.#delay = undefined;
    }
  }

  #programFamilies(): Family[] {
    const { rss, heapTotal, heapUsed, external } = process.memoryUsage();
    const { userCPUTime, systemCPUTime } = process.resourceUsage();
    const started = (Date.now() - process.uptime() * 1000) / 1000;
    return [
      single(
        'process_cpu_user_seconds_total',
        'counter',
        'User CPU time of the server',
        userCPUTime / MICROSECONDS,
      ),
      single(
        'process_cpu_system_seconds_total',
        'counter',
        'System CPU time of the server',
        systemCPUTime / MICROSECONDS,
      ),
      single('process_resident_memory_bytes', 'gauge', 'Resident memory of the server', rss),
      single('process_start_time_seconds', 'gauge', 'Start of the program, in seconds since 1970', started),
      single('nodejs_heap_size_total_bytes', 'gauge', 'Size of the heap of JavaScript objects', heapTotal),
      single('nodejs_heap_size_used_bytes', 'gauge', 'Used part of the heap of JavaScript objects', heapUsed),
      single(
        'nodejs_external_memory_bytes',
        'gauge',
        'Memory of JavaScript objects outside of the heap',
        external,
      ),
      single(
        'nodejs_active_resources_total',
        'gauge',
        'Open sockets, timers and alike',
        process.getActiveResourcesInfo().length,
      ),
      {
        name: 'nodejs_version_info',
        type: 'gauge',
        help: 'Version of Node.js',
        samples: [{ labels: [['version', process.version]], value: 1 }],
      },
    ];
  }

  /** Since the last reading. */
  #eventLoopFamilies(): Family[] {
    const delay = this.#delay;
    // The time between two looks is no delay.
    const seconds = (nanoseconds: number | undefined) =>
      Math.max(0, (nanoseconds ?? 0) / NANOSECONDS - RESOLUTION_MS / 1000);
    const isMeasured = delay !== undefined && delay.count > 0;
    const families = [
      single(
        'nodejs_eventloop_lag_mean_seconds',
        'gauge',
        'Mean delay of the event loop',
        seconds(isMeasured ? delay.mean : 0),
      ),
      single(
        'nodejs_eventloop_lag_p99_seconds',
        'gauge',
        '99th percentile of the delay of the event loop',
        seconds(isMeasured ? delay.percentile(99) : 0),
      ),
      single(
        'nodejs_eventloop_lag_max_seconds',
        'gauge',
        'Longest delay of the event loop',
        seconds(isMeasured ? delay.max : 0),
      ),
    ];
    delay?.reset();
    return families;
  }

  #requestFamily(): Family {
    const samples = [...this.#requests.values()].flatMap(({ labels, counts, sum }): Sample[] => {
      let total = 0;
      const buckets = counts.map((count, index) => {
        total += count;
        const bound = index < BUCKETS.length ? String(BUCKETS[index]) : '+Inf';
        return { suffix: '_bucket', labels: [...labels, ['le', bound] as const], value: total };
      });
      return [...buckets, { suffix: '_sum', labels, value: sum }, { suffix: '_count', labels, value: total }];
    });
    return {
      name: 'http_request_duration_seconds',
      type: 'histogram',
      help: 'Duration of requests by route',
      samples,
    };
  }

  #authFamilies(): Family[] {
    const { auth } = this.#sources;
    const keySets = auth.keySets();
    return [
      {
        name: 'auth_attempts_total',
        type: 'counter',
        help: 'Logins and other checks of who asks, by method and result',
        samples: auth.attempts().map(({ method, result, count }) => ({
          labels: Object.entries({ method, result }),
          value: count,
        })),
      },
      {
        name: 'auth_jwks_age_seconds',
        type: 'gauge',
        help: 'Time since the keys of a provider were loaded',
        samples: keySets.flatMap(({ issuer, ageSeconds }) =>
          ageSeconds === undefined ? [] : [{ labels: [['issuer', issuer] as const], value: ageSeconds }],
        ),
      },
      {
        name: 'auth_jwks_errors_total',
        type: 'counter',
        help: 'How often the keys of a provider could not be loaded',
        samples: keySets.map(({ issuer, errors }) => ({
          labels: [['issuer', issuer] as const],
          value: errors,
        })),
      },
    ];
  }

  #streamFamily(): Family {
    const { rtmp, srt } = this.#sources;
    return {
      name: 'stream_clients_total',
      type: 'counter',
      help: 'What clients of RTMP and SRT did, and what they were refused',
      samples: Object.entries({ rtmp, srt }).flatMap(([protocol, server]) =>
        server.deeds().map(({ who, action, count }) => ({
          labels: Object.entries({ protocol, who: who.toLowerCase(), action: action.toLowerCase() }),
          value: count,
        })),
      ),
    };
  }

  #pressureFamilies(): Family[] {
    const { host } = this.#sources;
    const pressure: Family = {
      name: 'pressure_seconds_total',
      type: 'counter',
      help: 'How long some work, or all of it, had to wait for a resource',
      samples: host.pressure().map(({ resource, kind, seconds }) => ({
        labels: Object.entries({ resource, kind }),
        value: seconds,
      })),
    };
    const throttling = host.throttling();
    if (throttling === undefined) return [pressure];
    return [
      pressure,
      single(
        'cgroup_cpu_throttled_periods_total',
        'counter',
        'In how many periods the CPU quota was used up',
        throttling.periods,
      ),
      single(
        'cgroup_cpu_throttled_seconds_total',
        'counter',
        'How long the server had to wait because the CPU quota was used up',
        throttling.seconds,
      ),
    ];
  }
}

function single(name: string, type: 'counter' | 'gauge', help: string, value: number): Family {
  return { name, type, help, samples: [{ labels: [], value }] };
}
