import semver from 'semver';
import type { Component } from '../components.ts';
import type { Logger } from '../log/logger.ts';
import { CoreError, errorText } from '../util/errors.ts';
import { maskSecrets } from '../util/text.ts';
import { putJson } from './put-json.ts';
import type { Readings, ReadingsSource } from './readings.ts';

export interface UpdateCheckOptions {
  /** Whom to ask. */
  url: string;
  product: string;
  /** Semantic version of this server. */
  version: string;
  /** The platform, such as `linux/amd64`. */
  platform: string;
  /** For the proxy settings. */
  env: Readonly<Record<string, string | undefined>>;
}

const FIRST_CHECK_MS = 10_000;
const INTERVAL_MS = 24 * 60 * 60 * 1000;

/** Asks once a day whether there is a newer version, and says so in the log. Never keeps anything waiting. */
export class UpdateCheck implements Component {
  readonly #options: UpdateCheckOptions;
  readonly #metrics: ReadingsSource;
  readonly #log: Logger;
  readonly #stop = new AbortController();
  #timer: NodeJS.Timeout | undefined;

  /** @param log of component `UpdateCheck`. */
  constructor(options: UpdateCheckOptions, metrics: ReadingsSource, log: Logger) {
    this.#options = options;
    this.#metrics = metrics;
    this.#log = log;
  }

  start(): Promise<void> {
    this.#checkAfter(FIRST_CHECK_MS);
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.#stop.abort();
    clearTimeout(this.#timer);
    return Promise.resolve();
  }

  /** Asks now. Never rejects. */
  async check(): Promise<void> {
    const { url, product, version, env } = this.#options;
    try {
      const question = this.#question(await this.#metrics.collect());
      this.#log.debug('Checking for updates', { url: maskSecrets(url), ...question });
      const { status, body } = await putJson(url, question, { env, signal: this.#stop.signal });
      if (status !== 200) throw new CoreError('protocol', `the answer has status ${status}`);
      const available = versionIn(body);
      this.#log.debug('Compared versions', { current: version, available });
      if (semver.lt(version, available)) {
        this.#log.info('New version available', { product, current: version, available });
      }
    } catch (error) {
      if (this.#stop.signal.aborted) return;
      this.#log.warn('Failed to check for updates', { error: errorText(error) });
    }
  }

  #checkAfter(ms: number): void {
    this.#timer = setTimeout(() => {
      void this.check().finally(() => {
        if (!this.#stop.signal.aborted) this.#checkAfter(INTERVAL_MS);
      });
    }, ms).unref();
  }

  /** Nothing in it tells one instance from another. */
  #question(readings: Readings): Record<string, string | number> {
    const { product, version, platform } = this.#options;
    return {
      app_version: `${product} v${version}`,
      core_aarch: platform,
      core_uptime_seconds: Math.floor(readings.sum('uptime_uptime')),
      core_process_running: readings.sum('restream_state', 'state', ['running']),
      core_process_failed: readings.sum('ffmpeg_process', 'state', ['failed']),
      core_process_killed: readings.sum('ffmpeg_process', 'state', ['killed']),
      core_viewer: readings.sum('session_active', 'collector', ['hls', 'rtmp']),
    };
  }
}

/** The first version in the answer, written as in `millrace v16.17.0`. */
function versionIn(body: unknown): string {
  const text = (body as { latest_version?: unknown } | null | undefined)?.latest_version;
  const version = typeof text === 'string' ? / v(\d+\.\d+\.\d+)/.exec(text)?.[1] : undefined;
  if (version === undefined || semver.valid(version) === null)
    throw new CoreError('protocol', 'the answer names no version');
  return version;
}
