import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Log } from '../log/logger.ts';
import { Ranges } from '../util/cidr.ts';
import { Collector, type CollectorSettings, type SessionInfo } from './collector.ts';

const SETTINGS: CollectorSettings = {
  timeoutMs: 30_000,
  ignored: new Ranges(['127.0.0.1/32', '::1/128', '10.0.0.0/8']),
  maxSessions: 0,
  maxTxBitrate: 0,
};
const VIEWER = { reference: 'live', location: '/memfs/live.m3u8', peer: 'www.example.com' };

function setUp(settings: Partial<CollectorSettings> = {}) {
  const lines: string[] = [];
  const log = new Log(
    { write: (line: string) => lines.push(line) },
    { level: 'debug', topics: [], maxLines: 100 },
  );
  const events: [string, SessionInfo][] = [];
  const collector = new Collector('hls', { ...SETTINGS, ...settings }, log.component('Session'), {
    opened: (_, session) => events.push(['opened', session]),
    closed: (_, session) => events.push(['closed', session]),
  });
  const messages = () => log.events().map(({ level, message }) => `${level} ${message}`);
  /** Lets time pass as the registry does: with a look for idle sessions each second. */
  const pass = (seconds: number) => {
    for (let second = 0; second < seconds; second++) {
      vi.advanceTimersByTime(1000);
      collector.expire();
    }
  };
  return { collector, events, log, messages, pass };
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test('a session is pending until it is activated', () => {
  const { collector } = setUp();
  collector.register('a', VIEWER);
  expect([collector.pendingCount, collector.activeCount, collector.active()]).toEqual([1, 0, []]);
  collector.activate('a');
  expect([collector.pendingCount, collector.activeCount]).toEqual([0, 1]);
  expect(collector.active()).toMatchObject([{ id: 'a', ...VIEWER, extra: '', rxBytes: 0, txBytes: 0 }]);
});

test('a known session stays as it is when it is registered or activated again', () => {
  const { collector, events } = setUp();
  collector.register('a', VIEWER);
  collector.activate('a');
  collector.register('a', { ...VIEWER, reference: 'other' });
  collector.activate('a');
  expect(collector.active()).toMatchObject([{ reference: 'live' }]);
  expect(events).toHaveLength(1);
});

test('who has no location and no peer is unknown', () => {
  const { collector, log } = setUp();
  collector.register('a', { reference: '', location: '', peer: '' });
  collector.activate('a');
  expect(collector.active()).toMatchObject([{ reference: '', location: 'unknown', peer: 'unknown' }]);
  expect(log.events().map(({ fields }) => [fields['location'], fields['peer']])).toEqual([
    ['unknown', ''],
    ['unknown', ''],
  ]);
  collector.closeAll();
  expect([...collector.summary().byPeer.keys()]).toEqual(['unknown']);
});

test('active sessions are listed in the order in which they came', () => {
  const { collector } = setUp();
  for (const id of ['a', 'b', 'c']) collector.register(id, VIEWER);
  for (const id of ['c', 'a', 'b']) collector.activate(id);
  expect(collector.active().map(({ id }) => id)).toEqual(['a', 'b', 'c']);
});

test('texts of clients are cut', () => {
  const { collector } = setUp();
  const long = 'x'.repeat(100_000);
  collector.register('a', { reference: long, location: long, peer: long, extra: long });
  collector.activate('a');
  for (const text of Object.values(collector.active()[0] ?? {}).map(String)) {
    expect(text.length).toBeLessThanOrEqual(512);
  }
});

test.each<[string, string, boolean]>([
  ['an address', '192.0.2.1', true],
  ['an IPv6 address', '2001:db8::1', true],
  ['an ignored address', '127.0.0.1', false],
  ['an ignored address as IPv6 has it', '::ffff:10.1.2.3', false],
  ['no address', 'localhost', false],
  ['nothing', '', false],
])('%s (%s) is countable: %s', (_, ip, isCountable) => {
  expect(setUp().collector.isCountable(ip)).toBe(isCountable);
});

test('without an ignore list everything is countable', () => {
  expect(setUp({ ignored: undefined }).collector.isCountable('whatever')).toBe(true);
});

test.each([
  { timeoutMs: 30_000, seconds: 5 },
  { timeoutMs: 2_000, seconds: 2 },
])('a session without traffic is dropped after $seconds s if others end after $timeoutMs ms', (given) => {
  const { collector, pass, events } = setUp({ timeoutMs: given.timeoutMs });
  collector.register('a', VIEWER);
  pass(given.seconds - 1);
  expect(collector.has('a')).toBe(true);
  pass(1);
  expect(collector.has('a')).toBe(false);
  expect(collector.totals.sessions).toBe(0);
  expect(events).toEqual([]);
});

test('traffic keeps a pending session for the whole time-out', () => {
  const { collector, pass } = setUp();
  collector.register('a', VIEWER);
  collector.egress('a', 1);
  pass(29);
  expect(collector.pendingCount).toBe(1);
  pass(1);
  expect(collector.pendingCount).toBe(0);
});

test('an active session goes on as long as there is traffic, and is history after the time-out', () => {
  const { collector, pass, events } = setUp();
  collector.register('a', VIEWER);
  collector.activate('a');
  for (let round = 0; round < 5; round++) {
    collector.egress('a', 1000);
    pass(29);
  }
  collector.ingress('a', 10);
  expect(collector.activeCount).toBe(1);
  pass(30);
  expect(collector.activeCount).toBe(0);
  expect(collector.totals).toEqual({ sessions: 1, rxBytes: 10, txBytes: 5000 });
  expect(events.map(([event, { txBytes }]) => [event, txBytes])).toEqual([
    ['opened', 0],
    ['closed', 5000],
  ]);
});

test('a time-out that becomes shorter applies to the sessions there are', () => {
  const { collector, pass } = setUp();
  collector.register('a', VIEWER);
  collector.activate('a');
  collector.egress('a', 1);
  pass(10);
  collector.configure({ ...SETTINGS, timeoutMs: 10_000 });
  collector.expire();
  expect(collector.activeCount).toBe(0);
});

test('closing ends a session at once', () => {
  const { collector } = setUp();
  collector.register('a', VIEWER);
  collector.activate('a');
  collector.register('b', VIEWER);
  collector.close('a');
  collector.close('b');
  collector.close('c');
  expect([collector.activeCount, collector.pendingCount, collector.totals.sessions]).toEqual([0, 0, 1]);
});

test('bytes of nobody, and less than none, count nothing', () => {
  const { collector, pass } = setUp();
  collector.register('a', VIEWER);
  collector.activate('a');
  collector.egress('a', 0);
  collector.egress('a', -5);
  collector.egress('a', NaN);
  collector.egress('nobody', 5);
  pass(2);
  expect(collector.active()).toMatchObject([{ txBytes: 0, txBitrate: 0 }]);
  expect(collector.rates()).toEqual({ rxBitrate: 0, txBitrate: 0 });
});

test('a bitrate is the mean of the completed seconds of its session', () => {
  const { collector, pass } = setUp();
  collector.register('a', VIEWER);
  collector.activate('a');
  collector.egress('a', 1000);
  expect(collector.active()).toMatchObject([{ txBitrate: 0 }]);
  pass(1);
  expect(collector.active()).toMatchObject([{ txBitrate: 8000 }]);
  pass(3);
  expect(collector.active()).toMatchObject([{ txBitrate: 2000 }]);
});

test('the bitrate of a collector outlives its sessions by the window', () => {
  const { collector, pass } = setUp();
  pass(10);
  collector.register('a', VIEWER);
  collector.activate('a');
  collector.ingress('a', 1000);
  collector.close('a');
  pass(10);
  expect(collector.rates().rxBitrate).toBe(800);
  pass(1);
  expect(collector.rates().rxBitrate).toBe(0);
});

test('the top rate follows the rate up, and loses 5 % each second', () => {
  const { collector, pass } = setUp();
  collector.register('a', VIEWER);
  collector.activate('a');
  collector.ingress('a', 1000);
  pass(1);
  collector.ingress('a', 1);
  expect(collector.topIngress('a')).toBe(8000);
  pass(2);
  expect(collector.topIngress('a')).toBeCloseTo(8000 * 0.95 ** 2);
  expect(collector.topIngress('nobody')).toBe(0);
});

test('what all active sessions take at most is the sum of their top rates', () => {
  const { collector, pass } = setUp();
  for (const id of ['a', 'b']) {
    collector.register(id, { ...VIEWER, expectedBitrate: 16_000 });
    collector.activate(id);
  }
  collector.register('pending', { ...VIEWER, expectedBitrate: 16_000 });
  expect(collector.topEgress).toBe(32_000);
  collector.egress('a', 10_000);
  pass(1);
  collector.egress('a', 1);
  expect(collector.topEgress).toBeCloseTo(80_000 + 16_000 * 0.95);
  collector.close('a');
  expect(collector.topEgress).toBeCloseTo(16_000 * 0.95);
  collector.close('b');
  expect(collector.topEgress).toBeCloseTo(0);
});

test('the log tells of each step of a session', () => {
  const { collector, messages, log } = setUp();
  collector.register('a', { ...VIEWER, extra: '[192.0.2.0] Player/1.0' });
  collector.register('b', VIEWER);
  collector.activate('a');
  collector.egress('a', 1024);
  collector.close('b');
  collector.close('a');
  expect(messages()).toEqual([
    'debug Pending',
    'debug Pending',
    'info Active',
    'debug Closed pending',
    'info Closed',
  ]);
  expect(log.events().at(-1)?.fields).toEqual({
    type: 'hls',
    id: 'a',
    ...VIEWER,
    extra: '[192.0.2.0] Player/1.0',
    rx_bytes: 0,
    rx_bitrate_kbit: 0,
    rx_maxbitrate_kbit: 0,
    tx_bytes: 1024,
    tx_bitrate_kbit: 0,
    tx_maxbitrate_kbit: 0,
  });
});

test('sessions are counted by the process they belong to', () => {
  const { collector } = setUp();
  for (const [id, reference] of [
    ['a', 'live'],
    ['b', 'live2'],
    ['c', 'other'],
    ['d', 'live'],
  ] as const) {
    collector.register(id, { ...VIEWER, reference });
    collector.activate(id);
  }
  collector.register('pending', VIEWER);
  collector.close('d');
  expect(collector.count('live')).toEqual({ active: 1, past: 1 });
  expect(collector.count('')).toEqual({ active: 3, past: 1 });
});

test('pending sessions are bounded: the oldest gives way', () => {
  const { collector } = setUp();
  for (let number = 0; number <= 10_000; number++) collector.register(`s${number}`, VIEWER);
  expect(collector.pendingCount).toBe(10_000);
  expect([collector.has('s0'), collector.has('s1'), collector.has('s10000')]).toEqual([false, true, true]);
});

test('one client displaces only its own pending sessions', () => {
  const { collector } = setUp();
  collector.register('honest', { ...VIEWER, client: '192.0.2.1' });
  for (let number = 0; number < 1_000; number++) {
    collector.register(`junk${number}`, { ...VIEWER, client: '198.51.100.1' });
  }
  expect(collector.has('honest')).toBe(true);
  expect(collector.pendingCount).toBe(101);
});
