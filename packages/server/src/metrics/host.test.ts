import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { Cgroup } from './cgroup.ts';
import { Host, loadBetween, parseCpuTimes, parseInterfaces, parsePressure } from './host.ts';

type Files = Record<string, string>;

function folder(files: Files): string {
  const root = mkdtempSync(join(tmpdir(), 'host-'));
  onTestFinished(() => {
    rmSync(root, { recursive: true });
  });
  write(root, files);
  return root;
}

function write(root: string, files: Files): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
}

function cgroup(files: Files, membership = ''): Cgroup {
  const root = folder({ ...files, membership });
  return new Cgroup(root, join(root, 'membership'));
}

test.each<[string, number | undefined, Files, string?]>([
  ['a v2 quota', 1.5, { 'cpu.max': '150000 100000\n' }],
  ['no v2 quota', undefined, { 'cpu.max': 'max 100000\n' }],
  ['a v1 quota', 0.3, { 'cpu/cpu.cfs_quota_us': '30000\n', 'cpu/cpu.cfs_period_us': '100000\n' }],
  ['no v1 quota', undefined, { 'cpu/cpu.cfs_quota_us': '-1\n', 'cpu/cpu.cfs_period_us': '100000\n' }],
  ['no cgroup', undefined, {}],
  [
    'a quota of the nested group',
    0.5,
    { 'system.slice/millrace.service/cpu.max': '50000 100000\n' },
    '0::/system.slice/millrace.service\n',
  ],
  [
    'a tighter quota above the nested group',
    1,
    { 'a/cpu.max': '100000 100000\n', 'a/b/cpu.max': '200000 100000\n' },
    '0::/a/b\n',
  ],
  ['a path that only the host sees', 2, { 'cpu.max': '200000 100000\n' }, '0::/docker/0123456789\n'],
  [
    'a nested v1 quota beside controllers mounted together',
    0.25,
    { 'cpu/job/cpu.cfs_quota_us': '25000\n', 'cpu/job/cpu.cfs_period_us': '100000\n' },
    '4:memory:/other\n3:cpu,cpuacct:/job\n0::/\n',
  ],
])('counts the CPUs with %s', (_, count, files, membership) => {
  expect(cgroup(files, membership).cpuCount()).toBe(count);
});

test.each<[string, unknown, Files, string?]>([
  ['v2', { totalBytes: 1000, usedBytes: 400 }, { 'memory.max': '1000\n', 'memory.current': '400\n' }],
  ['v2 without limit', undefined, { 'memory.max': 'max\n', 'memory.current': '400\n' }],
  [
    'v1',
    { totalBytes: 1000, usedBytes: 400 },
    { 'memory/memory.limit_in_bytes': '1000\n', 'memory/memory.usage_in_bytes': '400\n' },
  ],
  [
    'a group above',
    { totalBytes: 500, usedBytes: 300 },
    {
      'a/memory.max': '500\n',
      'a/memory.current': '300\n',
      'a/b/memory.max': 'max\n',
      'a/b/memory.current': '100\n',
    },
    '0::/a/b',
  ],
])('finds the memory limit of %s', (_, memory, files, membership) => {
  expect(cgroup(files, membership).memory()).toEqual(memory);
});

test('tells user and system time apart where the kernel does', () => {
  const files = { 'cpu.max': '100000 100000', 'cpu.stat': 'usage_usec 9000000\nuser_usec 6000000\n' };
  expect(cgroup(files).cpu()).toEqual({ cpus: 1, user: 6, system: 3 });
});

test('reads the time of a v1 group from its accounting', () => {
  const quota = { 'cpu/job/cpu.cfs_quota_us': '30000', 'cpu/job/cpu.cfs_period_us': '100000' };
  const group = cgroup(
    { ...quota, 'cpuacct/job/cpuacct.usage': '4000000000' },
    '3:cpu:/job\n2:cpuacct:/job\n',
  );
  expect(group.cpu()).toEqual({ cpus: 0.3, user: 0, system: 4 });
});

const STAT = 'cpu  100 20 300 4000 50 6 7 8 9 10\ncpu0 1 2 3 4\n';

test('reads the sum line of /proc/stat, guest time counted once', () => {
  expect(parseCpuTimes(STAT)).toEqual({ user: 100, system: 300, idle: 4000, total: 4491 });
});

test.each(['', 'cpu\n', 'cpu  1 2 x 4\n', 'cpu0 1 2 3 4\n'])('finds no CPU times in %j', (text) => {
  expect(parseCpuTimes(text)).toBeUndefined();
});

test('shares of the CPU time add up to 100 percent', () => {
  const before = { user: 0, system: 0, idle: 0, total: 0 };
  expect(loadBetween(before, { user: 20, system: 10, idle: 60, total: 100 })).toEqual({
    user: 20,
    system: 10,
    idle: 60,
    other: 10,
  });
});

test('a group that used more than its quota was not idle', () => {
  const before = { user: 0, system: 0, idle: 0, total: 0 };
  const load = loadBetween(before, { user: 0, system: 15, idle: -5, total: 10 });
  expect(load).toEqual({ user: 0, system: 100, idle: 0, other: 0 });
});

test('without time between two readings the CPU is idle', () => {
  const times = { user: 1, system: 1, idle: 1, total: 3 };
  expect(loadBetween(times, times)).toEqual({ user: 0, system: 0, idle: 100, other: 0 });
});

test('reads every interface, the local one included', () => {
  const header = 'Inter-|   Receive\n face |bytes    packets errs\n';
  const text = `${header}    lo: 111 1 0 0 0 0 0 0 222 2 0 0 0 0 0 0\n  eth0:333 1 0 0 0 0 0 0 444 2 0 0 0 0 0 0\n`;
  expect(parseInterfaces(text)).toEqual([
    { name: 'lo', rxBytes: 111, txBytes: 222 },
    { name: 'eth0', rxBytes: 333, txBytes: 444 },
  ]);
});

async function startHost(proc: Files, groups: Files = {}): Promise<{ host: Host; proc: string }> {
  const paths = { proc: folder(proc), cgroup: folder(groups) };
  const host = new Host(paths);
  await host.start();
  onTestFinished(() => host.close());
  return { host, proc: paths.proc };
}

const MEMINFO = 'MemTotal:       1000 kB\nMemFree:         100 kB\nMemAvailable:    600 kB\n';

test('reports the memory of the machine without a limit', async () => {
  const { host } = await startHost({ meminfo: MEMINFO });
  expect(host.memory()).toEqual({ totalBytes: 1_024_000, freeBytes: 614_400 });
});

test('reports the memory of the group if it is limited', async () => {
  const { host } = await startHost(
    { meminfo: MEMINFO },
    { 'memory.max': '500000', 'memory.current': '200000' },
  );
  expect(host.memory()).toEqual({ totalBytes: 500_000, freeBytes: 300_000 });
});

test('a limit above the memory there is limits nothing', async () => {
  const limit = {
    'memory/memory.limit_in_bytes': '9223372036854771712',
    'memory/memory.usage_in_bytes': '1',
  };
  const { host } = await startHost({ meminfo: MEMINFO }, limit);
  expect(host.memory().totalBytes).toBe(1_024_000);
});

test('counts all CPUs without a quota', async () => {
  const { host } = await startHost({});
  expect(host.cpuCount).toBe(cpus().length);
});

test('measures the load between questions, and each second while somebody asks', async () => {
  vi.useFakeTimers();
  onTestFinished(() => {
    vi.useRealTimers();
  });
  const { host, proc } = await startHost({ stat: 'cpu 0 0 0 0\n' });
  expect(host.cpuLoad().idle).toBe(100);

  write(proc, { stat: 'cpu 25 0 0 75\n' });
  vi.advanceTimersByTime(1000);
  expect(host.cpuLoad()).toMatchObject({ user: 25, idle: 75 });

  write(proc, { stat: 'cpu 25 0 100 75\n' });
  vi.advanceTimersByTime(1000);
  expect(host.cpuLoad()).toMatchObject({ system: 100, idle: 0 });
});

test('stops measuring when nobody has asked for a while', async () => {
  vi.useFakeTimers();
  onTestFinished(() => {
    vi.useRealTimers();
  });
  const { host } = await startHost({ stat: 'cpu 0 0 0 0\n' });
  expect(vi.getTimerCount()).toBe(0);
  host.cpuLoad();
  expect(vi.getTimerCount()).toBe(1);
  vi.advanceTimersByTime(40_000);
  expect(vi.getTimerCount()).toBe(0);
});

test.each<[string, unknown, Files]>([
  [
    'a v2 quota',
    { periods: 3, seconds: 1.5 },
    { 'cpu.max': '50000 100000\n', 'cpu.stat': 'usage_usec 9\nnr_throttled 3\nthrottled_usec 1500000\n' },
  ],
  [
    'a v1 quota',
    { periods: 3, seconds: 1.5 },
    {
      'cpu/cpu.cfs_quota_us': '30000\n',
      'cpu/cpu.cfs_period_us': '100000\n',
      'cpu/cpu.stat': 'nr_periods 9\nnr_throttled 3\nthrottled_time 1500000000\n',
    },
  ],
  ['no quota', undefined, { 'cpu.max': 'max 100000\n', 'cpu.stat': 'usage_usec 9\nnr_throttled 0\n' }],
])('tells how %s is enforced', (_, throttling, files) => {
  expect(cgroup(files).throttling()).toEqual(throttling);
});

test('reads for how long work had to wait', () => {
  const text =
    'some avg10=0.00 avg60=0.00 avg300=0.00 total=2500000\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=7\n';
  expect(parsePressure(text)).toEqual([
    { kind: 'some', seconds: 2.5 },
    { kind: 'full', seconds: 0.000007 },
  ]);
  expect(parsePressure('')).toEqual([]);
});
