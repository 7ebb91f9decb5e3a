import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Log } from '../log/logger.ts';
import type { HistoryEntry } from './history.ts';
import { Sessions, type CollectorName, type HistoryStore, type SessionsOptions } from './registry.ts';

const OPTIONS: SessionsOptions = {
  isEnabled: true,
  ignored: ['127.0.0.1/32'],
  timeoutMs: 30_000,
  isPersistent: false,
  persistIntervalMs: 300_000,
  maxSessions: 0,
  maxBitrate: 0,
};
const ENTRY = { location: '/memfs/live.m3u8', peer: 'unknown', reference: 'live' };

/** Keeps histories in memory, as a database would. */
class Shelf implements HistoryStore {
  readonly kept = new Map<string, readonly HistoryEntry[]>();
  saves = 0;
  isBroken = false;

  load(collectors: readonly string[]) {
    return collectors.map((collector) => ({ collector, entries: this.kept.get(collector) ?? [] }));
  }

  save(histories: readonly { collector: string; entries: readonly HistoryEntry[] }[]): void {
    if (this.isBroken) throw new Error('disk full');
    this.saves++;
    for (const { collector, entries } of histories) this.kept.set(collector, structuredClone(entries));
  }

  /** How many past sessions of viewers are kept. */
  get sessions(): number {
    return (this.kept.get('hls') ?? []).reduce((sum, { sessions }) => sum + sessions, 0);
  }
}

interface SetUp {
  sessions: Sessions;
  store: Shelf;
  log: Log;
}

async function setUp(change: Partial<SessionsOptions> = {}, store = new Shelf()): Promise<SetUp> {
  const log = new Log({ write: () => undefined }, { level: 'debug', topics: [], maxLines: 100 });
  const sessions = new Sessions({ ...OPTIONS, ...change }, store, log.component('Session'));
  await sessions.start();
  return { sessions, store, log };
}

function open(sessions: Sessions, id: string, options: { client?: string; expectedBitrate?: number } = {}) {
  sessions.collector('hls')?.register(id, { ...ENTRY, ...options });
}

function view(sessions: Sessions, id: string, name: CollectorName = 'hls', expectedBitrate = 0) {
  sessions.collector(name)?.register(id, { ...ENTRY, expectedBitrate });
  sessions.collector(name)?.activate(id);
}

function change(sessions: Sessions, options: Partial<SessionsOptions>, store?: HistoryStore): void {
  sessions.prepare({ ...OPTIONS, ...options }, store).commit();
}

function past(sessions: Sessions): number | undefined {
  return sessions.collector('hls')?.totals.sessions;
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test('there is a collector for each way in and out', async () => {
  const { sessions } = await setUp();
  expect(sessions.collectors().map(({ name }) => name)).toEqual([
    ...['hls', 'hlsingress', 'rtmp', 'srt', 'http', 'https', 'ffmpeg'],
  ]);
  await sessions.close();
});

test('while sessions are off there are no collectors, and nobody is refused', async () => {
  const { sessions } = await setUp({ isEnabled: false, maxSessions: 1 });
  expect([sessions.collectors(), sessions.collector('hls'), sessions.refusal(0)]).toEqual([
    [],
    undefined,
    undefined,
  ]);
  await sessions.close();
});

test('an ingest has its own time-out, no limits and no ignored addresses', async () => {
  const { sessions } = await setUp({ timeoutMs: 1_000, maxSessions: 5, maxBitrate: 5 });
  const ingest = sessions.collector('hlsingress');
  expect(ingest?.settings).toMatchObject({ timeoutMs: 30_000, maxSessions: 0, maxTxBitrate: 0 });
  expect(ingest?.isCountable('127.0.0.1')).toBe(true);
  expect(sessions.collector('hls')?.isCountable('127.0.0.1')).toBe(false);
  await sessions.close();
});

test('idle sessions end by themselves', async () => {
  const { sessions } = await setUp({ timeoutMs: 10_000 });
  view(sessions, 'a');
  sessions.collector('hls')?.egress('a', 1);
  vi.advanceTimersByTime(11_000);
  expect([sessions.collector('hls')?.activeCount, past(sessions)]).toEqual([0, 1]);
  await sessions.close();
});

test('who listens is told of opened and closed sessions', async () => {
  const { sessions } = await setUp();
  const told: unknown[] = [];
  sessions.on('opened', (collector, { id }) => told.push(['opened', collector, id]));
  sessions.on('closed', (collector, { id }) => told.push(['closed', collector, id]));
  view(sessions, 'a', 'srt');
  open(sessions, 'pending');
  await sessions.close();
  expect(told).toEqual([
    ['opened', 'srt', 'a'],
    ['closed', 'srt', 'a'],
  ]);
});

test('as many viewers as there are places are admitted', async () => {
  const { sessions } = await setUp({ maxSessions: 2 });
  view(sessions, 'a');
  expect(sessions.refusal(0)).toBeUndefined();
  view(sessions, 'b');
  expect(sessions.refusal(0)).toBe('sessions');
  sessions.collector('hls')?.close('a');
  expect(sessions.refusal(0)).toBeUndefined();
  await sessions.close();
});

test('the limit holds when all that were admitted become active', async () => {
  const { sessions } = await setUp({ maxSessions: 20 });
  const hls = sessions.collector('hls');
  for (let number = 0; number < 100; number++) {
    const client = `192.0.2.${number}`;
    if (sessions.refusal(0, client) === undefined) open(sessions, `s${number}`, { client });
  }
  for (let number = 0; number < 100; number++) hls?.activate(`s${number}`);
  expect(hls?.activeCount).toBe(20);
  await sessions.close();
});

test('sessions that are never used do not lock out others', async () => {
  const { sessions } = await setUp({ maxSessions: 20 });
  for (let number = 0; number < 100; number++) open(sessions, `junk${number}`, { client: '198.51.100.1' });
  expect(sessions.refusal(0, '198.51.100.1')).toBe('sessions');
  expect(sessions.refusal(0, '192.0.2.1')).toBeUndefined();
  await sessions.close();
});

test('what viewers take together with those of other protocols is limited', async () => {
  const { sessions } = await setUp({ maxBitrate: 10_000 });
  view(sessions, 'a', 'hls', 2_000);
  view(sessions, 'b', 'rtmp', 2_000);
  view(sessions, 'c', 'srt', 2_000);
  view(sessions, 'd', 'ffmpeg', 2_000);
  view(sessions, 'e', 'http', 50_000);
  // 1.15 × 8000 = 9200
  expect(sessions.refusal(799)).toBeUndefined();
  expect(sessions.refusal(800)).toBe('bitrate');
  await sessions.close();
});

test('what those are going to take that are not active yet is kept free', async () => {
  const { sessions } = await setUp({ maxBitrate: 10_000 });
  open(sessions, 'a', { client: '192.0.2.1', expectedBitrate: 6_000 });
  expect(sessions.refusal(4_000, '192.0.2.1')).toBe('bitrate');
  expect(sessions.refusal(3_000, '192.0.2.1')).toBeUndefined();
  // To others it matters with a tenth of the limit only.
  expect(sessions.refusal(8_000, '192.0.2.2')).toBeUndefined();
  expect(sessions.refusal(9_000, '192.0.2.2')).toBe('bitrate');
  await sessions.close();
});

test('the history is kept at the interval and at the end', async () => {
  const { sessions, store } = await setUp({ isPersistent: true, persistIntervalMs: 10_000 });
  view(sessions, 'a');
  sessions.collector('hls')?.close('a');
  vi.advanceTimersByTime(9_000);
  expect(store.saves).toBe(0);
  vi.advanceTimersByTime(1_000);
  expect([store.saves, store.sessions]).toEqual([1, 1]);
  vi.advanceTimersByTime(30_000);
  expect(store.saves).toBe(1);
  view(sessions, 'b');
  await sessions.close();
  await sessions.close();
  expect([store.saves, store.sessions]).toEqual([2, 2]);
});

test.each([0, 10_000_000_000])('an interval of %i ms keeps the history at the end only', async (ms) => {
  const { sessions, store } = await setUp({ isPersistent: true, persistIntervalMs: ms });
  view(sessions, 'a');
  sessions.collector('hls')?.close('a');
  vi.advanceTimersByTime(1_000_000);
  expect(store.saves).toBe(0);
  await sessions.close();
  expect(store.sessions).toBe(1);
});

test('what was kept is there again after a start', async () => {
  const first = await setUp({ isPersistent: true });
  view(first.sessions, 'a');
  await first.sessions.close();
  const second = await setUp({ isPersistent: true }, first.store);
  expect(past(second.sessions)).toBe(1);
  view(second.sessions, 'b');
  await second.sessions.close();
  expect(first.store.sessions).toBe(2);
});

test('without persistence nothing is kept', async () => {
  const { sessions, store } = await setUp();
  view(sessions, 'a');
  await sessions.close();
  expect(store.saves).toBe(0);
});

test('a store that fails is told in the log, and tried again', async () => {
  const { sessions, store, log } = await setUp({ isPersistent: true, persistIntervalMs: 10_000 });
  store.isBroken = true;
  view(sessions, 'a');
  sessions.collector('hls')?.close('a');
  vi.advanceTimersByTime(10_000);
  expect(log.events().at(-1)).toMatchObject({ level: 'error', fields: { error: 'disk full' } });
  store.isBroken = false;
  vi.advanceTimersByTime(10_000);
  expect(store.sessions).toBe(1);
  await sessions.close();
});

test('sessions outlive a change of limits, addresses and time-outs', async () => {
  const { sessions } = await setUp();
  view(sessions, 'a');
  open(sessions, 'b');
  change(sessions, { maxSessions: 1, ignored: [], timeoutMs: 60_000 });
  const hls = sessions.collector('hls');
  expect([hls?.activeCount, hls?.pendingCount]).toEqual([1, 1]);
  expect(hls?.isCountable('127.0.0.1')).toBe(true);
  expect(sessions.refusal(0)).toBe('sessions');
  hls?.egress('a', 1);
  vi.advanceTimersByTime(45_000);
  expect(hls?.activeCount).toBe(1);
  await sessions.close();
});

test('a change that is dropped changes nothing, and broken ranges cannot be prepared', async () => {
  const { sessions } = await setUp();
  await sessions.prepare({ ...OPTIONS, isEnabled: false }).abort();
  expect(sessions.collectors()).toHaveLength(7);
  expect(() => sessions.prepare({ ...OPTIONS, ignored: ['x'] })).toThrow('no CIDR range');
  await sessions.close();
});

test('switching off ends the sessions, which count', async () => {
  const { sessions } = await setUp();
  view(sessions, 'a');
  change(sessions, { isEnabled: false });
  expect(sessions.collector('hls')).toBeUndefined();
  change(sessions, {});
  expect([sessions.collector('hls')?.activeCount, past(sessions)]).toEqual([0, 1]);
  await sessions.close();
});

test('persistence that is switched on adds what was kept before, once', async () => {
  const store = new Shelf();
  store.kept.set('hls', [{ ...ENTRY, sessions: 10, rxBytes: 0, txBytes: 0 }]);
  const { sessions } = await setUp({}, store);
  view(sessions, 'a');
  sessions.collector('hls')?.close('a');
  expect(past(sessions)).toBe(1);
  change(sessions, { isPersistent: true });
  expect(past(sessions)).toBe(11);
  change(sessions, {});
  change(sessions, { isPersistent: true });
  expect(past(sessions)).toBe(11);
  await sessions.close();
  expect(store.sessions).toBe(11);
});

test('with another database the history is that of it', async () => {
  const { sessions, store } = await setUp({ isPersistent: true });
  view(sessions, 'a');
  sessions.collector('hls')?.close('a');
  view(sessions, 'b');
  const other = new Shelf();
  other.kept.set('hls', [{ ...ENTRY, sessions: 10, rxBytes: 0, txBytes: 0 }]);
  change(sessions, { isPersistent: true }, other);
  expect([store.sessions, past(sessions), sessions.collector('hls')?.activeCount]).toEqual([1, 10, 1]);
  await sessions.close();
  expect([store.sessions, other.sessions]).toEqual([1, 11]);
});
