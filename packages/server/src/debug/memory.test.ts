import { setImmediate } from 'node:timers/promises';
import { expect, onTestFinished, test, vi } from 'vitest';
import { MemoryKeeper, type MemoryHints } from './memory.ts';

/** Starts a keeper; time stands still from then on. */
async function startKeeper(hints: MemoryHints): Promise<MemoryKeeper> {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'setTimeout', 'clearTimeout'] });
  onTestFinished(() => {
    vi.useRealTimers();
  });
  const keeper = new MemoryKeeper(hints);
  await keeper.start();
  return keeper;
}

/** Whether garbage is collected within so many milliseconds. */
async function collects(ms: number): Promise<boolean> {
  const garbage = new WeakRef({ nobody: 'holds it' });
  // What was made in this turn of the event loop is kept until it is over.
  await setImmediate();
  vi.advanceTimersByTime(ms);
  await setImmediate();
  return garbage.deref() === undefined;
}

/** Whether these hints have garbage collected within so many milliseconds, once the start is long over. */
async function followed(hints: MemoryHints, ms: number): Promise<boolean> {
  const keeper = await startKeeper(hints);
  vi.advanceTimersByTime(100_000);
  const result = await collects(ms);
  await keeper.close();
  expect(vi.getTimerCount()).toBe(0);
  return result;
}

test('collects what the start has left', async () => {
  const keeper = await startKeeper({ forceIntervalMs: 0, softLimitBytes: 0 });
  expect(await collects(2000)).toBe(true);
  await keeper.close();
});

test('forgets about the start if it is closed before', async () => {
  const keeper = await startKeeper({ forceIntervalMs: 0, softLimitBytes: 0 });
  await keeper.close();
  expect(vi.getTimerCount()).toBe(0);
});

test('collects garbage at the interval', async () => {
  expect(await followed({ forceIntervalMs: 5000, softLimitBytes: 0 }, 5000)).toBe(true);
});

test('collects garbage while there is more memory in use than wanted', async () => {
  expect(await followed({ forceIntervalMs: 0, softLimitBytes: 1 }, 10_000)).toBe(true);
});

test.each<[string, MemoryHints]>([
  ['nothing is wanted', { forceIntervalMs: 0, softLimitBytes: 0 }],
  ['there is memory enough', { forceIntervalMs: 0, softLimitBytes: 2 ** 50 }],
])('leaves V8 alone if %s', async (_, hints) => {
  expect(await followed(hints, 60_000)).toBe(false);
});
