import fc from 'fast-check';
import { expect, test } from 'vitest';
import { History, MAX_ENTRIES, type HistoryEntry } from './history.ts';

function entry(location: string, peer: string, reference: string, sessions = 1): HistoryEntry {
  return { location, peer, reference, sessions, rxBytes: sessions, txBytes: 2 * sessions };
}

function historyOf(entries: HistoryEntry[], maxEntries?: number): History {
  const history = new History(maxEntries);
  for (const each of entries) history.add(each);
  return history;
}

test('sessions of the same peer, location and reference come together', () => {
  const history = historyOf([entry('/a', 'p', 'a'), entry('/a', 'p', 'a'), entry('/a', 'q', 'a')]);
  expect(history.entries()).toEqual([entry('/a', 'p', 'a', 2), entry('/a', 'q', 'a')]);
  expect(history.total).toEqual({ sessions: 3, rxBytes: 3, txBytes: 6 });
});

test('the separator of the reference does not mix up keys', () => {
  expect(historyOf([entry('a:b', 'c', 'd'), entry('a', 'b:c', 'd')]).entries()).toHaveLength(2);
});

test('the summary adds up by peer, location and reference', () => {
  const history = historyOf([
    entry('/a', 'p', 'a', 1),
    entry('/b', 'p', 'b', 2),
    entry('/a', 'q', 'a', 4),
    entry('/a', 'q', 'c', 8),
  ]);
  const { byPeer, byLocation, byReference, ...total } = history.summary();
  const sessions = (map: ReadonlyMap<string, { sessions: number }>) =>
    Object.fromEntries([...map].map(([key, totals]) => [key, totals.sessions]));
  expect(total).toEqual({ sessions: 15, rxBytes: 15, txBytes: 30 });
  expect(sessions(byPeer)).toEqual({ p: 3, q: 12 });
  expect(sessions(byPeer.get('q')?.byLocation ?? new Map())).toEqual({ '/a': 12 });
  expect(sessions(byLocation)).toEqual({ '/a': 13, '/b': 2 });
  expect(sessions(byReference)).toEqual({ a: 5, b: 2, c: 8 });
});

test('sessions are counted by the process they belong to', () => {
  const history = historyOf([
    entry('/a', 'p', 'live', 1),
    entry('/b', 'p', 'live2', 2),
    entry('/c', 'p', 'x', 4),
    entry('/d', 'p', 'live_720p', 8),
  ]);
  expect(['live', 'live2', '', 'y'].map((of) => history.sessionsOf(of))).toEqual([9, 2, 15, 0]);
});

test('the peer not seen for longest goes to the others of its location', () => {
  const history = historyOf(
    [
      entry('/a', 'p', 'a'),
      entry('/a', 'q', 'a'),
      entry('/a', 'p', 'a'),
      entry('/a', 'r', 'a'),
      entry('/a', 's', 'a'),
    ],
    3,
  );
  expect(history.entries()).toEqual([
    entry('/a', 'r', 'a'),
    entry('/a', 's', 'a'),
    entry('/a', 'other', 'a', 3),
  ]);
});

test('with too many locations, the one not seen for longest goes to all others', () => {
  const history = historyOf([entry('/a', 'p', 'a'), entry('/b', 'p', 'b'), entry('/c', 'p', 'c')], 1);
  expect(history.entries()).toEqual([entry('other', 'other', 'other', 3)]);
});

test('whatever clients are called, no session is lost and the entries stay few', () => {
  const name = fc.constantFrom('a', 'b', 'c', 'other');
  const sessions = fc.array(fc.tuple(name, name, name, fc.integer({ min: 1, max: 9 })), { maxLength: 60 });
  fc.assert(
    fc.property(sessions, fc.integer({ min: 1, max: 8 }), (given, maxEntries) => {
      const entries = given.map(([location, peer, reference, count]) =>
        entry(location, peer, reference, count),
      );
      const history = historyOf(entries, maxEntries);
      const total = entries.reduce((sum, { sessions }) => sum + sessions, 0);
      expect(history.entries().length).toBeLessThanOrEqual(maxEntries);
      expect(history.total.sessions).toBe(total);
      expect(history.sessionsOf('')).toBe(total);
    }),
  );
});

test('100,000 viewers with names of their own leave a bounded number of entries', () => {
  const history = new History();
  for (let number = 0; number < 100_000; number++) {
    history.add(entry(`/live${number % 50}.m3u8`, `peer${number}.example`, `live${number % 50}`));
  }
  expect(history.entries()).toHaveLength(MAX_ENTRIES);
  expect(history.sessionsOf('live49')).toBe(2_000);
});

test('a history is dirty until it is stored', () => {
  const history = new History();
  expect(history.isDirty).toBe(false);
  history.add(entry('/a', 'p', 'a'));
  expect(history.isDirty).toBe(true);
  history.stored();
  expect(history.isDirty).toBe(false);
});
