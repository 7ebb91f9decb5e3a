import type { Component, PreparedChange } from '../components.ts';
import { simpleChange } from '../components.ts';
import type { Logger } from '../log/logger.ts';
import { errorText } from '../util/errors.ts';
import { METRICS, type Metric } from './catalog.ts';
import { collect } from './collect.ts';
import { DiskGauges } from './disk-readings.ts';
import { History, keyOf, type HistoryOptions } from './history.ts';
import { type MetricPattern, type Selector, selectAll, Selectors } from './selection.ts';
import type { Snapshot } from './snapshot.ts';
import type { MetricSources } from './sources.ts';

export interface MonitorOptions {
  /** Undefined if no history is kept. */
  history: HistoryOptions | undefined;
  /** Absolute; of which the partition is reported. */
  diskDirectory: string;
}

/** The values of one metric for one set of labels: milliseconds since 1970 and the value then. */
export interface Series {
  metric: Metric;
  labels: readonly string[];
  points: [at: number, value: number][];
}

/** The longest time a timer can wait. */
const MAX_TIMER = 2 ** 31 - 1;

/** All metrics of the server: their present values, shared by all who ask at the same time, and their history. */
export class Monitor implements Component {
  readonly #log: Logger;
  readonly #selectors = new Selectors();
  #options: MonitorOptions;
  #sources: MetricSources;
  #disks: DiskGauges;
  #history: History | undefined;
  #collecting: Promise<Snapshot> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isOpen = false;

  /** @param log of component `Metrics`. */
  constructor(options: MonitorOptions, sources: MetricSources, log: Logger) {
    this.#log = log;
    this.#options = options;
    this.#sources = sources;
    this.#disks = new DiskGauges(options.diskDirectory, sources.filesystems);
    this.#history = options.history && new History(options.history);
  }

  start(): Promise<void> {
    this.#isOpen = true;
    this.#sampleAfter(0);
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.#isOpen = false;
    clearTimeout(this.#timer);
    return Promise.resolve();
  }

  /** Moves to other options and sources. What the history holds stays, unless it is switched off. */
  prepare(options: MonitorOptions, sources: MetricSources): PreparedChange {
    return simpleChange(() => {
      const { history } = options;
      this.#options = options;
      this.#sources = sources;
      this.#disks = new DiskGauges(options.diskDirectory, sources.filesystems);
      if (history === undefined) this.#history = undefined;
      else if (this.#history === undefined) this.#history = new History(history);
      else this.#history.configure(history);
      this.#sampleAfter(0);
    });
  }

  /** Undefined if no history is kept. */
  get historyOptions(): HistoryOptions | undefined {
    return this.#options.history;
  }

  /** The values of this moment, or of one between this call and its answer. */
  collect(): Promise<Snapshot> {
    this.#collecting ??= this.#collect().finally(() => {
      this.#collecting = undefined;
    });
    return this.#collecting;
  }

  /** The present values of the series that the patterns name, each once, in the order of the patterns. */
  async current(patterns: readonly MetricPattern[]): Promise<Series[]> {
    const snapshot = await this.collect();
    return pick(this.#selectorsFor(patterns), (name, add) => {
      for (const { labels, value } of snapshot.rows(name)) add(keyOf(labels), labels, [snapshot.at, value]);
    });
  }

  /**
   * The past values of the series that the patterns name, of all without patterns.
   *
   * @param maxValues how many there may be in all.
   * @returns undefined if there would be more.
   */
  past(
    patterns: readonly MetricPattern[],
    rangeMs: number,
    intervalMs: number,
    maxValues: number,
  ): Series[] | undefined {
    const points = this.#history?.grid(Date.now(), rangeMs, intervalMs) ?? [];
    const selectors = patterns.length === 0 ? selectAll(METRICS) : this.#selectorsFor(patterns);
    let count = 0;
    const series = pick(selectors, (name, add) => {
      for (const { chunk, index, at } of points) {
        if (count > maxValues) return;
        for (const [key, { labels, values }] of chunk.series.get(name) ?? []) {
          const value = values[index] ?? NaN;
          if (!Number.isNaN(value) && add(key, labels, [at, value])) count++;
        }
      }
    });
    return count > maxValues ? undefined : series;
  }

  #selectorsFor(patterns: readonly MetricPattern[]): Selector[] {
    return patterns.flatMap((pattern) => this.#selectors.create(pattern) ?? []);
  }

  async #collect(): Promise<Snapshot> {
    const disks = await this.#disks.read();
    return collect(this.#sources, disks);
  }

  /** Arms the timer for the next sample of the history, if there is one. */
  #sampleAfter(ms: number): void {
    clearTimeout(this.#timer);
    if (!this.#isOpen || this.#history === undefined) return;
    this.#timer = setTimeout(() => void this.#sample(), Math.min(ms, MAX_TIMER)).unref();
  }

  async #sample(): Promise<void> {
    const timer = this.#timer;
    const begin = performance.now();
    try {
      const snapshot = await this.collect();
      this.#history?.add(snapshot);
    } catch (error) {
      this.#log.warn('Metrics could not be collected', { error: errorText(error) });
    }
    // A change of the options has armed another one meanwhile.
    if (timer !== this.#timer) return;
    const { intervalMs = 0 } = this.#options.history ?? {};
    this.#sampleAfter(Math.max(0, intervalMs - (performance.now() - begin)));
  }
}

type Add = (key: string, labels: readonly string[], point: [at: number, value: number]) => boolean;

/** The series that the selectors match, in their order, and those of one metric in the order of their labels. */
function pick(selectors: readonly Selector[], visit: (name: string, add: Add) => void): Series[] {
  const taken = new Set<string>();
  const result: Series[] = [];
  for (const { metric, matches } of selectors) {
    const found = new Map<string, Series>();
    visit(metric.name, (key, labels, point) => {
      const known = found.get(key);
      if (known !== undefined) known.points.push(point);
      else if (matches(labels)) found.set(key, { metric, labels, points: [point] });
      else return false;
      return true;
    });
    for (const [key, series] of [...found].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const id = `${metric.name}\0${key}`;
      if (!taken.has(id)) result.push(series);
      taken.add(id);
    }
  }
  return result;
}
