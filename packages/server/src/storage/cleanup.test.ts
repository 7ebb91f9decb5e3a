import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Log } from '../log/logger.ts';
import { Cleanup, type CleanupRule } from './cleanup.ts';
import { MemoryFilesystem } from './memory.ts';

const NOW = new Date('2026-01-01T00:00:00Z');
const log = new Log({ write: () => true }, { level: 'info', topics: [], maxLines: 10 });
let memory: MemoryFilesystem;
let cleanup: Cleanup;

beforeEach(() => {
  vi.useFakeTimers({ now: NOW, toFake: ['Date', 'setTimeout', 'clearTimeout'] });
  memory = new MemoryFilesystem({ maxBytes: 0, purge: false });
  cleanup = new Cleanup((name) => (name === 'mem' ? memory : undefined), log.component('Cleanup'));
});

afterEach(async () => {
  await cleanup.close();
  vi.useRealTimers();
});

const rule = (pattern: string, more: Partial<CleanupRule> = {}): CleanupRule => ({
  pattern,
  maxFiles: 0,
  maxFileAgeSeconds: 0,
  purgeOnDelete: false,
  ...more,
});

async function make(...names: string[]): Promise<void> {
  for (const name of names) await memory.write(name, Readable.from([Buffer.from('x')]));
}

async function names(): Promise<string[]> {
  return (await memory.list()).map(({ name }) => name);
}

describe('cleanup rules', () => {
  test('only the newest files of a pattern stay', async () => {
    await make('/a1.ts', '/a2.ts', '/b.txt', '/a3.ts', '/sub/a0.ts');
    await cleanup.set('p', [rule('memfs:/a*.ts', { maxFiles: 2 })]);
    await cleanup.sweep();
    expect(await names()).toEqual(['/a2.ts', '/b.txt', '/a3.ts', '/sub/a0.ts']);
  });

  test('files above an age go', async () => {
    await make('/old.ts');
    vi.setSystemTime(NOW.getTime() + 5_000);
    await make('/new.ts');
    await cleanup.set('p', [rule('memfs:/**', { maxFileAgeSeconds: 10 })]);
    vi.setSystemTime(NOW.getTime() + 10_000);
    await cleanup.sweep();
    expect(await names()).toEqual(['/old.ts', '/new.ts']);
    vi.setSystemTime(NOW.getTime() + 10_001);
    await cleanup.sweep();
    expect(await names()).toEqual(['/new.ts']);
  });

  test.each(['mem:/a', 'memfs:/a'])('%j means the memory', async (pattern) => {
    await make('/a');
    await cleanup.set('p', [rule(pattern, { purgeOnDelete: true })]);
    await cleanup.remove('p');
    expect(await names()).toEqual([]);
  });

  test.each(['/a', 'nope:/a', 'MEM:/a', '', 'mem', 'mem:a', 'mem:/['])(
    '%j matches nothing',
    async (pattern) => {
      await make('/a');
      await cleanup.set('p', [rule(pattern, { maxFiles: 1, maxFileAgeSeconds: 1, purgeOnDelete: true })]);
      vi.setSystemTime(NOW.getTime() + 60_000);
      await cleanup.sweep();
      await cleanup.remove('p');
      expect(await names()).toEqual(['/a']);
    },
  );

  test('an owner that goes takes its files along, but only where its rules say so', async () => {
    await make('/a.ts', '/a.m3u8', '/b.ts');
    await cleanup.set('p', [rule('memfs:/a.ts', { purgeOnDelete: true }), rule('memfs:/a.m3u8')]);
    await cleanup.remove('p');
    expect(await names()).toEqual(['/a.m3u8', '/b.ts']);
  });

  test('rules that stay purge nothing; those that go do', async () => {
    await make('/a.ts', '/b.ts');
    const [a, b] = ['memfs:/a.ts', 'memfs:/b.ts'].map((pattern) => rule(pattern, { purgeOnDelete: true }));
    await cleanup.set('p', [a, b] as CleanupRule[]);
    await cleanup.set('p', [{ ...a, pattern: 'mem:/a.ts', maxFiles: 5 } as CleanupRule]);
    expect(await names()).toEqual(['/a.ts']);
  });

  test('closing purges nothing', async () => {
    await make('/a.ts');
    await cleanup.set('p', [rule('memfs:/**', { purgeOnDelete: true })]);
    await cleanup.close();
    expect(await names()).toEqual(['/a.ts']);
  });

  test('every second the rules are applied, each filesystem listed once for all of them', async () => {
    const list = vi.spyOn(memory, 'list');
    await make('/a1', '/a2', '/b1', '/b2');
    await cleanup.set('p', [rule('memfs:/a*', { maxFiles: 1 })]);
    await cleanup.set('q', [rule('memfs:/b*', { maxFiles: 1 })]);
    await cleanup.start();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await names()).toEqual(['/a2', '/b2']);
    list.mockClear();
    await vi.advanceTimersByTimeAsync(2_000);
    expect(list).toHaveBeenCalledTimes(2);
  });

  test('without rules nothing is listed', async () => {
    const list = vi.spyOn(memory, 'list');
    await cleanup.start();
    await vi.advanceTimersByTimeAsync(3_000);
    expect(list).not.toHaveBeenCalled();
  });

  test('rules of one folder list that folder only', async () => {
    const list = vi.spyOn(memory, 'list');
    await cleanup.set('p', [
      rule('memfs:/hls/cam1_*.ts', { maxFiles: 1 }),
      rule('memfs:/hls/cam2_*.ts', { maxFiles: 1 }),
    ]);
    await cleanup.sweep();
    expect(list).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ prefix: '/hls/cam' }));
  });

  test('a filesystem that fails is tried again', async () => {
    await make('/a1', '/a2');
    await cleanup.set('p', [rule('memfs:/a*', { maxFiles: 1 })]);
    vi.spyOn(memory, 'list').mockRejectedValueOnce(new Error('broken'));
    await cleanup.start();
    await vi.advanceTimersByTimeAsync(2_000);
    expect(await names()).toEqual(['/a2']);
    expect(log.events().map(({ message }) => message)).toContain('Cleanup failed');
  });
});
