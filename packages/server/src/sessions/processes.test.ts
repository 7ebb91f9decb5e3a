import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Log } from '../log/logger.ts';
import { Ranges } from '../util/cidr.ts';
import { Collector } from './collector.ts';
import { HostAddresses } from './hosts.ts';
import { ProcessTraffic } from './processes.ts';

type Io = [address: string, bytes: number];

async function setUp() {
  const log = new Log({ write: () => undefined }, { level: 'info', topics: [], maxLines: 10 });
  const settings = {
    timeoutMs: 30_000,
    ignored: new Ranges(['127.0.0.0/8']),
    maxSessions: 0,
    maxTxBitrate: 0,
  };
  const silent = { opened: () => undefined, closed: () => undefined };
  const collector = new Collector('ffmpeg', settings, log.component('Session'), silent);
  const collectors: { collector: () => Collector | undefined } = { collector: () => collector };
  const processes = new EventEmitter();
  const resolve = vi.fn((host: string) =>
    host === 'media.example' ? Promise.resolve('192.0.2.1') : Promise.reject(new Error('no such host')),
  );
  const traffic = new ProcessTraffic(processes, collectors, new HostAddresses(resolve));
  await traffic.start();
  const progress = (inputs: Io[], outputs: Io[]) => {
    const toBytes = ([address, bytes]: Io) => ({ address, bytes });
    processes.emit('progress', {
      id: 'p',
      config: { reference: 'ref' },
      traffic: () => ({ inputs: inputs.map(toBytes), outputs: outputs.map(toBytes) }),
    });
  };
  const state = (to: string) => processes.emit('state', { id: 'p' }, to, 'running');
  return { collector, collectors, processes, traffic, resolve, progress, state };
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test('a process that exchanges bytes with another host is a session', async () => {
  const { collector, progress } = await setUp();
  progress([['rtsp://192.0.2.1/in', 100]], [['rtmp://user:p@ss@192.0.2.2:1935/live', 1000]]);
  progress([['rtsp://192.0.2.1/in', 150]], [['rtmp://user:p@ss@192.0.2.2:1935/live', 3000]]);
  expect(collector.active()).toMatchObject([
    { id: 'p', reference: 'ref', location: 'unknown', peer: 'unknown', rxBytes: 150, txBytes: 3000 },
  ]);
});

test.each<[string]>([
  ['/data/file.ts'],
  ['testsrc=size=64x64'],
  ['http://127.0.0.1:8080/memfs/live.m3u8'],
  ['rtmp://127.1.2.3/live'],
  ['pipe:1'],
  ['-'],
  ['http://'],
  ['[f=flv]rtmp://192.0.2.1/live|/data/file.ts'],
])('what goes to %s is not counted', async (address) => {
  const { collector, progress } = await setUp();
  progress([], [[address, 1000]]);
  expect(collector.has('p')).toBe(false);
});

test.each<[string]>([
  ['srt://192.0.2.1:6000?mode=caller'],
  ['rtmp://[2001:db8::1]/live'],
  ['avstream:rtmp://192.0.2.1/x'],
])('what goes to %s is counted', async (address) => {
  const { collector, progress } = await setUp();
  progress([], [[address, 1000]]);
  expect(collector.active()).toMatchObject([{ txBytes: 1000 }]);
});

test('of several outputs only those on other hosts count', async () => {
  const { collector, progress } = await setUp();
  progress(
    [],
    [
      ['http://127.0.0.1/a', 10],
      ['http://192.0.2.1/b', 200],
    ],
  );
  progress(
    [],
    [
      ['http://127.0.0.1/a', 1000],
      ['http://192.0.2.1/b', 300],
    ],
  );
  expect(collector.active()).toMatchObject([{ txBytes: 300 }]);
});

test('names are looked up in the background, and once', async () => {
  const { collector, progress, resolve } = await setUp();
  progress(
    [],
    [
      ['rtmp://media.example/live', 100],
      ['rtmp://nowhere.example/live', 100],
    ],
  );
  expect(collector.has('p')).toBe(false);
  await vi.advanceTimersByTimeAsync(0);
  progress(
    [],
    [
      ['rtmp://media.example/live', 150],
      ['rtmp://nowhere.example/live', 150],
    ],
  );
  expect(collector.active()).toMatchObject([{ txBytes: 50 }]);
  expect(resolve.mock.calls).toEqual([['media.example'], ['nowhere.example']]);
});

test('the session ends with the run, and the next run counts from the beginning', async () => {
  const { collector, progress, state } = await setUp();
  progress([], [['rtmp://192.0.2.1/live', 1000]]);
  state('running');
  expect(collector.activeCount).toBe(1);
  state('failed');
  expect(collector.totals).toEqual({ sessions: 1, rxBytes: 0, txBytes: 1000 });
  progress([], [['rtmp://192.0.2.1/live', 10]]);
  expect(collector.active()).toMatchObject([{ txBytes: 10 }]);
});

test('what went while sessions were off is not counted later', async () => {
  const { collector, collectors, progress } = await setUp();
  const { collector: on } = collectors;
  collectors.collector = () => undefined;
  progress([], [['rtmp://192.0.2.1/live', 1000]]);
  collectors.collector = on;
  progress([], [['rtmp://192.0.2.1/live', 1001]]);
  expect(collector.active()).toMatchObject([{ txBytes: 1 }]);
});

test('after the end nobody listens', async () => {
  const { processes, traffic } = await setUp();
  await traffic.close();
  expect([processes.listenerCount('progress'), processes.listenerCount('state')]).toEqual([0, 0]);
});

test('only two lookups go on at a time, and the number of those waiting is limited', async () => {
  const pending: (() => void)[] = [];
  const resolve = vi.fn(
    () =>
      new Promise<string>((done) => {
        pending.push(() => {
          done('192.0.2.1');
        });
      }),
  );
  const hosts = new HostAddresses(resolve);
  for (let number = 0; number < 500; number++) expect(hosts.of(`h${number}`)).toBeUndefined();
  expect(resolve).toHaveBeenCalledTimes(2);
  for (let answered = 0; answered < 200; answered++) {
    pending.shift()?.();
    await vi.advanceTimersByTimeAsync(0);
  }
  expect(resolve).toHaveBeenCalledTimes(102);
  expect(hosts.of('h0')).toBe('192.0.2.1');
});

test('a host is looked up again after five minutes, with the old address until then', async () => {
  let address = '192.0.2.1';
  const hosts = new HostAddresses(() => Promise.resolve(address));
  hosts.of('h');
  await vi.advanceTimersByTimeAsync(0);
  address = '192.0.2.2';
  await vi.advanceTimersByTimeAsync(299_000);
  expect(hosts.of('h')).toBe('192.0.2.1');
  await vi.advanceTimersByTimeAsync(2_000);
  expect(hosts.of('h')).toBe('192.0.2.1');
  await vi.advanceTimersByTimeAsync(0);
  expect(hosts.of('h')).toBe('192.0.2.2');
});
