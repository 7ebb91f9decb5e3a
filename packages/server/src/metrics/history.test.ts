import fc from 'fast-check';
import { expect, test } from 'vitest';
import { History } from './history.ts';
import { Snapshot } from './snapshot.ts';

const SECOND = 1000;
const NOW = 1_000_000 * SECOND;

function sample(at: number, value: number, ...labels: string[]): Snapshot {
  const snapshot = new Snapshot(at);
  snapshot.add('net_rx', value, ...labels);
  return snapshot;
}

/** One sample each interval up to now; its value is its age in seconds. */
function historyOf(ageSeconds: number, intervalSeconds: number, rangeSeconds = ageSeconds): History {
  const history = new History({ rangeMs: rangeSeconds * SECOND, intervalMs: intervalSeconds * SECOND });
  for (let age = ageSeconds; age >= 0; age -= intervalSeconds) {
    history.add(sample(NOW - age * SECOND, age, 'lo'));
  }
  return history;
}

/** The points of a query as `[seconds before now, value]`. */
function query(history: History, range: number, interval: number): [number, number | undefined][] {
  return history
    .grid(NOW, range * SECOND, interval * SECOND)
    .map(({ chunk, index, at }) => [
      (NOW - at) / SECOND,
      chunk.series.get('net_rx')?.get('lo')?.values[index],
    ]);
}

test('a query in the stored step finds each sample', () => {
  expect(query(historyOf(20, 2), 10, 2)).toEqual([
    [12, 12],
    [10, 10],
    [8, 8],
    [6, 6],
    [4, 4],
  ]);
});

test('a query in a finer step repeats the earlier sample', () => {
  expect(query(historyOf(20, 2), 6, 1)).toEqual([
    [8, 8],
    [7, 8],
    [6, 6],
    [5, 6],
    [4, 4],
    [3, 4],
  ]);
});

test('points before the first sample are left out', () => {
  expect(query(historyOf(6, 2, 100), 10, 2)).toEqual([
    [6, 6],
    [4, 4],
  ]);
});

test('a coarse query over more than there is finds nothing', () => {
  expect(query(historyOf(20, 2), 100, 20)).toEqual([]);
});

test('the newest sample stands for the points behind it', () => {
  const history = new History({ rangeMs: 100 * SECOND, intervalMs: 2 * SECOND });
  history.add(sample(NOW - 10 * SECOND, 10, 'lo'));
  expect(query(history, 10, 2).map(([, value]) => value)).toEqual([10, 10, 10, 10]);
});

test.each([
  [0, 1],
  [10, 0],
  [10, 20],
  [-10, 2],
  [10, -2],
])('a range of %i s in steps of %i s is empty', (range, interval) => {
  expect(query(historyOf(20, 2), range, interval)).toEqual([]);
});

test('keeps as many samples as fit the range', () => {
  const history = historyOf(400, 2, 100);
  expect(query(history, 1000, 1)[0]?.[1]).toBe(98);
});

test('keeps what was sampled when the options change', () => {
  const history = historyOf(20, 2, 100);
  history.configure({ rangeMs: 100 * SECOND, intervalMs: 5 * SECOND });
  expect(query(history, 10, 5)[0]?.[1]).toBe(10);
});

test('a series is absent at times at which it had no value', () => {
  const history = new History({ rangeMs: 10 * SECOND, intervalMs: 2 * SECOND });
  history.add(sample(NOW - 4 * SECOND, 1, 'eth0'));
  history.add(sample(NOW - 2 * SECOND, 2, 'lo'));
  expect(query(history, 4, 1)).toEqual([
    [4, NaN],
    [3, NaN],
  ]);
});

test('takes no more memory than it may, and gives up the oldest first', () => {
  const history = new History({ rangeMs: 1000 * SECOND, intervalMs: SECOND }, 10_000);
  for (let age = 1000; age >= 0; age--) history.add(sample(NOW - age * SECOND, age, 'lo'));
  const values = query(history, 1000, 1).map(([, value]) => value ?? 0);
  expect(values.length).toBeGreaterThan(100);
  expect(Math.max(...values)).toBeLessThan(900);
});

test('leaves out the series that do not fit at all', () => {
  const history = new History({ rangeMs: 10 * SECOND, intervalMs: SECOND }, 1000);
  const snapshot = new Snapshot(NOW - SECOND);
  for (let index = 0; index < 100; index++) snapshot.add('net_rx', index, `eth${index}`);
  history.add(snapshot);
  const [point] = history.grid(NOW + SECOND, 2 * SECOND, SECOND);
  expect(point?.chunk.series.get('net_rx')?.size).toBe(2);
});

test('every point has the latest sample before it', () => {
  const gaps = fc.array(fc.integer({ min: 1, max: 5000 }), { minLength: 1, maxLength: 100 });
  const seconds = fc.integer({ min: 1, max: 300 });
  fc.assert(
    fc.property(gaps, seconds, seconds, (steps, range, interval) => {
      const history = new History({ rangeMs: 1e9, intervalMs: 2000 });
      let at = NOW - steps.reduce((sum, step) => sum + step, 0);
      const times = steps.map((step) => (at += step));
      for (const time of times) history.add(sample(time, 0, 'lo'));
      for (const point of history.grid(NOW, range * SECOND, interval * SECOND)) {
        const expected = times.filter((time) => time <= point.at).at(-1);
        expect(point.chunk.times[point.index]).toBe(expected);
      }
    }),
  );
});
