import { metricOf } from './catalog.ts';

/** One value of a metric. The label values are in the order of the metric's label names. */
export interface Row {
  readonly labels: readonly string[];
  readonly value: number;
}

/** The values of all metrics at one moment. */
export class Snapshot {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly #rows = new Map<string, Row[]>();

  constructor(at: number) {
    this.at = at;
  }

  add(name: string, value: number, ...labels: string[]): void {
    // Neither JSON nor a reader has a meaning for anything else.
    if (!Number.isFinite(value)) return;
    const rows = this.#rows.get(name);
    if (rows === undefined) this.#rows.set(name, [{ labels, value }]);
    else rows.push({ labels, value });
  }

  /** The names of the metrics that have values. */
  names(): IterableIterator<string> {
    return this.#rows.keys();
  }

  rows(name: string): readonly Row[] {
    return this.#rows.get(name) ?? [];
  }

  /** The sum of a metric's values whose label has one of the given values; of all of them without a label. */
  sum(name: string, label?: string, values: readonly string[] = []): number {
    const index = label === undefined ? -1 : (metricOf(name)?.labels.indexOf(label) ?? -1);
    let sum = 0;
    for (const { labels, value } of this.rows(name)) {
      if (label === undefined || values.includes(labels[index] ?? '')) sum += value;
    }
    return sum;
  }
}
