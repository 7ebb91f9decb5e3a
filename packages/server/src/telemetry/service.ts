import type { Component } from '../components.ts';
import type { Logger } from '../log/logger.ts';
import { CoreError, errorText } from '../util/errors.ts';
import { maskSecrets } from '../util/text.ts';
import { putJson, type JsonReply } from './put-json.ts';
import type { Readings, ReadingsSource } from './readings.ts';

export interface ServiceOptions {
  /** Of the service, without the path. */
  url: string;
  /** Proves to the service whose server this is. */
  token: string;
  /** Of this instance. */
  id: string;
  /** What the server calls itself, such as `datarhei-core 16.16.0 (linux/amd64)`. */
  version: string;
  /** For the proxy settings. */
  env: Readonly<Record<string, string | undefined>>;
}

/** Until the next report if the service does not say, in milliseconds. */
const DEFAULT_INTERVAL = 300_000;
const MIN_INTERVAL = 1_000;
const MAX_INTERVAL = 24 * 60 * 60 * 1000;
/** Pauses after the first, second, … failure in a row; the last one for all others, each of which is reported. */
const RETRY_PAUSES = [10_000, 20_000, 30_000, 15 * 60 * 1000];

/** Reports to a monitoring service how this server is doing, as often as the service wants. */
export class Service implements Component {
  readonly #options: ServiceOptions;
  readonly #metrics: ReadingsSource;
  readonly #log: Logger;
  readonly #stop = new AbortController();
  #authorization: string | undefined;
  #failures = 0;
  #timer: NodeJS.Timeout | undefined;

  /** @param log of component `Service`. */
  constructor(options: ServiceOptions, metrics: ReadingsSource, log: Logger) {
    this.#options = options;
    this.#metrics = metrics;
    this.#log = log;
  }

  start(): Promise<void> {
    // compat: said before anything was sent, whether the service can be reached or not.
    this.#log.info('Connected', { url: maskSecrets(this.#options.url) });
    this.#reportAfter(0);
    return Promise.resolve();
  }

  close(): Promise<void> {
    if (this.#timer !== undefined && !this.#stop.signal.aborted) {
      this.#log.info('Disconnected', { url: maskSecrets(this.#options.url) });
    }
    this.#stop.abort();
    clearTimeout(this.#timer);
    return Promise.resolve();
  }

  #reportAfter(ms: number): void {
    this.#timer = setTimeout(() => {
      void this.#report().then((next) => {
        if (!this.#stop.signal.aborted) this.#reportAfter(next);
      });
    }, ms).unref();
  }

  /** @returns after how many milliseconds the next report is due. Never rejects. */
  async #report(): Promise<number> {
    try {
      const next = await this.#send(this.#reportOf(await this.#metrics.collect()));
      this.#failures = 0;
      return next;
    } catch (error) {
      const isLast = this.#failures >= RETRY_PAUSES.length - 1;
      const pause = RETRY_PAUSES[this.#failures] ?? RETRY_PAUSES.at(-1) ?? DEFAULT_INTERVAL;
      this.#failures = Math.min(this.#failures + 1, RETRY_PAUSES.length - 1);
      if (!this.#stop.signal.aborted) {
        this.#log[isLast ? 'warn' : 'debug']('Failed to send data', { error: errorText(error) });
      }
      return pause;
    }
  }

  /** A token that has run out is replaced once. */
  async #send(report: object): Promise<number> {
    const path = `/api/v1/core/monitor/${encodeURIComponent(this.#options.id)}`;
    const isFresh = this.#authorization === undefined;
    this.#authorization ??= await this.#logIn();
    let reply = await this.#put(path, report, this.#authorization);
    if (reply.status === 401 && !isFresh) {
      this.#authorization = await this.#logIn();
      reply = await this.#put(path, report, this.#authorization);
    }
    if (reply.status === 401) this.#authorization = undefined;
    if (reply.status !== 200) throw new CoreError('protocol', `the report was answered with ${reply.status}`);
    const seconds = (reply.body as { next_update?: unknown } | null | undefined)?.next_update;
    return typeof seconds === 'number' && seconds > 0
      ? Math.min(Math.max(seconds * 1000, MIN_INTERVAL), MAX_INTERVAL)
      : DEFAULT_INTERVAL;
  }

  async #logIn(): Promise<string> {
    const reply = await this.#put('/api/v1/token/login', undefined, `Bearer ${this.#options.token}`);
    const answer = reply.body as { access_token?: unknown; token_type?: unknown } | null | undefined;
    if (reply.status !== 200) throw new CoreError('protocol', `the login was answered with ${reply.status}`);
    if (typeof answer?.access_token !== 'string') throw new CoreError('protocol', 'the login gave no token');
    const type = typeof answer.token_type === 'string' ? answer.token_type : 'Bearer';
    return `${type} ${answer.access_token}`;
  }

  #put(path: string, value: unknown, authorization: string): Promise<JsonReply> {
    const { url, env } = this.#options;
    return putJson(url.replace(/\/+$/, '') + path, value, { env, signal: this.#stop.signal, authorization });
  }

  /** Pairs are what there is, and what of it is used. */
  #reportOf(readings: Readings): object {
    const sum = readings.sum.bind(readings);
    const session = (name: string, ...collectors: string[]) => sum(name, 'collector', collectors);
    const filesystem = (name: string) => [
      // None is 0 to the service, whatever the metric has for it.
      Math.max(0, sum('filesystem_limit', 'name', [name])),
      sum('filesystem_usage', 'name', [name]),
    ];
    const accumulated = (state: string) => sum('ffmpeg_process', 'state', [state]);
    const present = (state: string) => sum('restream_state', 'state', [state]);
    const kilobits = (bits: number) => bits / 1024;
    const memory = sum('mem_total');
    const report: Record<string, string | number | number[]> = {
      version: this.#options.version,
      uptime_sec: Math.floor(sum('uptime_uptime')),
      sys_cpu: [sum('cpu_ncpu'), 100 - sum('cpu_idle')],
      sys_mem: [memory, memory - sum('mem_free')],
      sys_disk: [sum('disk_total'), sum('disk_usage')],
      fs_mem: filesystem('memfs'),
      fs_disk: filesystem('diskfs'),
      net_tx: [
        kilobits(session('session_maxtxbitrate', 'hls')),
        kilobits(session('session_txbitrate', 'hls', 'rtmp', 'ffmpeg')),
      ],
      viewer: [session('session_limit', 'hls'), session('session_active', 'hls', 'rtmp')],
      proc_states: [
        accumulated('finished'),
        ...['starting', 'running', 'finishing'].map(present),
        ...['failed', 'killed'].map(accumulated),
      ],
    };
    return Object.fromEntries(
      Object.entries(report).map(([name, value]) => [
        name,
        Array.isArray(value) ? value.map(rounded) : value,
      ]),
    );
  }
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
