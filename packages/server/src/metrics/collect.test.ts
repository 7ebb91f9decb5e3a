import { expect, test } from 'vitest';
import { metricOf, METRICS } from './catalog.ts';
import { collect, type DiskReadings } from './collect.ts';
import type { Snapshot } from './snapshot.ts';
import type { IoSource, MetricSources, ProcessSource } from './sources.ts';

const TRANSITIONS = { finished: 1, starting: 2, running: 3, finishing: 4, failed: 5, killed: 6 };
const IO: IoSource = {
  ...{ id: 'i', address: 'rtmp://example/live', index: 1, stream: 2, type: 'video' },
  ...{ frame: 10, fps: 25, packet: 20, pps: 50, sizeBytes: 4096, bitrateKbit: 2, q: 28 },
  avstream: undefined,
};
const AVSTREAM = { queue: 1, dup: 2, drop: 3, enc: 4, looping: true, duplicating: false };

function processOf(id: string, exec: 'running' | 'failed' | undefined): ProcessSource {
  return {
    id,
    config: { limits: { cpuPercent: 50, memoryBytes: 1024 } },
    state: () => ({
      ...{ exec, order: 'start', inStateMs: 1500, cpuPercent: 12.5, memoryBytes: 100 },
      progress: {
        inputs: [{ ...IO, avstream: AVSTREAM }],
        outputs: [{ ...IO, id: 'o' }],
        ...{ frame: 10, packet: 20, fps: 25, q: 28, sizeBytes: 4096, timeSeconds: 0.4 },
        ...{ bitrateKbit: 800, speed: 1, drop: 0, dup: 0 },
      },
    }),
    transitions: () => TRANSITIONS,
  };
}

const SOURCES: MetricSources = {
  host: {
    cpuCount: 1.5,
    cpuLoad: () => ({ system: 1, user: 2, idle: 96, other: 1 }),
    memory: () => ({ totalBytes: 100, freeBytes: 60 }),
    network: () => [{ name: 'lo', rxBytes: 1, txBytes: 2 }],
  },
  runSince: () => new Date(Date.now() - 5000),
  processes: {
    list: () => [processOf('p1', 'running'), processOf('p2', 'failed'), processOf('invalid', undefined)],
    transitions: TRANSITIONS,
  },
  filesystems: [],
  collectors: () => [
    {
      ...{ name: 'hls', total: 9, active: 3, maxActive: 10, rxBytes: 1, txBytes: 2 },
      ...{ rxBitrate: 8, txBitrate: 16, maxTxBitrate: 1024 },
    },
  ],
};
const COUNT = { bytes: 7, limit: 0, files: 1 };
const DISKS: DiskReadings = {
  partition: { path: '/data', totalBytes: 1000, usedBytes: 300 },
  filesystems: [
    { source: { name: 'mem', type: 'mem' }, ...COUNT },
    { source: { name: 'disk', type: 'disk' }, ...COUNT },
    { source: { name: 'bucket', type: 's3' }, ...COUNT },
  ],
};

/** The values of a metric, each behind its labels. */
function valuesOf(snapshot: Snapshot, name: string): Record<string, number> {
  const { labels: names = [] } = metricOf(name) ?? {};
  const key = (labels: readonly string[]) => names.map((label, index) => `${label}=${labels[index]}`).join();
  return Object.fromEntries(snapshot.rows(name).map(({ labels, value }) => [key(labels), value]));
}

test('there is a value of every metric, and a label for every name', () => {
  const snapshot = collect(SOURCES, DISKS);
  expect([...snapshot.names()].sort()).toEqual(METRICS.map(({ name }) => name));
  for (const { name, labels } of METRICS) {
    for (const row of snapshot.rows(name)) expect([name, row.labels.length]).toEqual([name, labels.length]);
  }
});

test.each<[string, Record<string, number>]>([
  ['cpu_ncpu', { '': 1.5 }],
  ['disk_usage', { 'path=/data': 300 }],
  ['filesystem_limit', { 'name=memfs': 0, 'name=diskfs': -1, 'name=bucket': -1 }],
  ['session_maxtxbitrate', { 'collector=hls': 1024 }],
  ['session_maxrxbitrate', { 'collector=hls': 0 }],
])('reports %s', (name, values) => {
  expect(valuesOf(collect(SOURCES, DISKS), name)).toEqual(values);
});

test('counts the valid processes in each state, and names all states', () => {
  expect(valuesOf(collect(SOURCES, DISKS), 'restream_state')).toEqual({
    'state=finished': 0,
    'state=starting': 0,
    'state=running': 1,
    'state=finishing': 0,
    'state=failed': 1,
    'state=killed': 0,
  });
});

test('reports what a process does', () => {
  const values = valuesOf(collect(SOURCES, DISKS), 'restream_process');
  const of = (name: string) => values[`name=${name},order=start,processid=p1,state=running`];
  expect(['frame', 'bitrate', 'cpu', 'cpu_limit', 'uptime', 'memory_limit', 'time'].map(of)).toEqual([
    ...[10, 800 * 1024, 12.5, 50, 1.5, 1024, 0.4],
  ]);
  expect(Object.keys(values).length).toBe(2 * 15);
});

test('reports the streams of a process, and what only inputs or only outputs have', () => {
  const values = valuesOf(collect(SOURCES, DISKS), 'restream_io');
  const names = (type: string) =>
    Object.keys(values)
      .filter((key) => key.includes('processid=p1') && key.endsWith(`type=${type}`))
      .map((key) => /,name=(\w+)/.exec(key)?.[1]);
  const common = ['frame', 'fps', 'packet', 'pps', 'size', 'bitrate'];
  const avstream = ['queue', 'dup', 'drop', 'enc', 'looping', 'duplicating'].map(
    (name) => `avstream_${name}`,
  );
  expect(names('input')).toEqual([...common, ...avstream]);
  expect(names('output')).toEqual([...common, 'q']);
  const where = 'address=rtmp://example/live,id=i,index=1,media=video';
  expect(values[`${where},name=avstream_looping,processid=p1,stream=2,type=input`]).toBe(1);
});
