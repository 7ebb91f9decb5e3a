import { RE2JS } from 're2js';
import { createLru } from '../util/lru.ts';
import { metricOf, type Metric } from './catalog.ts';

/** What a reader wants: a metric, and patterns that its labels must contain. */
export interface MetricPattern {
  name: string;
  /** Regular expressions of RE2, not anchored, by label name. */
  labels: Readonly<Record<string, string>>;
}

/** Picks series of one metric. */
export interface Selector {
  metric: Metric;
  matches: (labels: readonly string[]) => boolean;
}

/** Patterns come from users: a longer one is treated as invalid. */
const MAX_PATTERN_LENGTH = 256;
const MAX_KNOWN_PATTERNS = 50;

interface Expression {
  test(text: string): boolean;
}

const NOTHING: Expression = { test: () => false };

/** Makes selectors. Readers repeat themselves every few seconds: their latest expressions are kept. */
export class Selectors {
  readonly #expressions = createLru<string, Expression>(MAX_KNOWN_PATTERNS);

  /** Undefined if nothing can match: the metric or a label is unknown, or a pattern is invalid. */
  create({ name, labels }: MetricPattern): Selector | undefined {
    const metric = metricOf(name);
    if (metric === undefined) return undefined;
    const checks: { index: number; test: (text: string) => boolean }[] = [];
    for (const [label, pattern] of Object.entries(labels)) {
      const index = metric.labels.indexOf(label);
      const expression = this.#expression(pattern);
      if (index === -1 || expression === NOTHING) return undefined;
      checks.push({ index, test: remember(expression) });
    }
    return { metric, matches: (values) => checks.every(({ index, test }) => test(values[index] ?? '')) };
  }

  #expression(pattern: string): Expression {
    let expression = this.#expressions.get(pattern);
    if (expression === undefined) {
      expression = compile(pattern);
      this.#expressions.set(pattern, expression);
    }
    return expression;
  }
}

/** A selector for everything there is. */
export function selectAll(metrics: readonly Metric[]): Selector[] {
  return metrics.map((metric) => ({ metric, matches: () => true }));
}

/** With an engine of linear time: a backtracking one could be kept busy for hours by a few stars. */
function compile(pattern: string): Expression {
  if (pattern.length > MAX_PATTERN_LENGTH) return NOTHING;
  try {
    return RE2JS.compile(pattern);
  } catch {
    return NOTHING;
  }
}

/** The same few label values come again in series after series. */
function remember(expression: Expression): (text: string) => boolean {
  const results = new Map<string, boolean>();
  return (text) => {
    let result = results.get(text);
    if (result === undefined) results.set(text, (result = expression.test(text)));
    return result;
  };
}
