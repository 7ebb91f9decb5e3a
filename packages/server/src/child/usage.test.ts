import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { allowedCpus, parseStat } from './usage.ts';

const STAT =
  '4711 (ffmpeg) S 1 4711 4711 0 -1 4194304 2500 0 0 0 150 25 0 0 20 0 8 0 1234567 500000000 14887 184467';

test.each([
  ['a plain name', STAT],
  ['a name like the format itself', STAT.replace('(ffmpeg)', '(a) b (c) R 1 2)')],
])('reads ticks and pages with %s', (_, line) => {
  expect(parseStat(line)).toEqual({ ticks: 175, pages: 14887 });
});

test.each(['', '4711 (ffmpeg) S 1', 'no such thing'])('finds nothing in %j', (line) => {
  expect(parseStat(line)).toBeUndefined();
});

function cgroup(files: Record<string, string>): string {
  const root = mkdtempSync(join(tmpdir(), 'cgroup-'));
  onTestFinished(() => {
    rmSync(root, { recursive: true });
  });
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
  return root;
}

test.each([
  ['a v2 quota', { 'cpu.max': '150000 100000\n' }, 1.5],
  ['a v1 quota', { 'cpu/cpu.cfs_quota_us': '30000\n', 'cpu/cpu.cfs_period_us': '100000\n' }, 0.3],
  ['no v2 quota', { 'cpu.max': 'max 100000\n' }, cpus().length],
  ['no v1 quota', { 'cpu/cpu.cfs_quota_us': '-1\n', 'cpu/cpu.cfs_period_us': '100000\n' }, cpus().length],
  ['no cgroup', {}, cpus().length],
])('counts the CPUs with %s', (_, files, count) => {
  expect(allowedCpus(cgroup(files))).toBe(count);
});
