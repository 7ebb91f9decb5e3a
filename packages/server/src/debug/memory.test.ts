import { setImmediate } from 'node:timers/promises';
import { expect, onTestFinished, test, vi } from 'vitest';
import { MemoryKeeper, type MemoryHints } from './memory.ts';

/** Whether garbage is collected within so many milliseconds. */
async function collects(hints: MemoryHints, ms: number): Promise<boolean> {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  onTestFinished(() => {
    vi.useRealTimers();
  });
  const keeper = new MemoryKeeper(hints);
  await keeper.start();
  const garbage = new WeakRef({ nobody: 'holds it' });
  // What was made in this turn of the event loop is kept until it is over.
  await setImmediate();
  vi.advanceTimersByTime(ms);
  await setImmediate();
  await keeper.close();
  expect(vi.getTimerCount()).toBe(0);
  return garbage.deref() === undefined;
}

test('collects garbage at the interval', async () => {
  expect(await collects({ forceIntervalMs: 5000, softLimitBytes: 0 }, 5000)).toBe(true);
});

test('collects garbage while there is more memory in use than wanted', async () => {
  expect(await collects({ forceIntervalMs: 0, softLimitBytes: 1 }, 10_000)).toBe(true);
});

test.each<[string, MemoryHints]>([
  ['nothing is wanted', { forceIntervalMs: 0, softLimitBytes: 0 }],
  ['there is memory enough', { forceIntervalMs: 0, softLimitBytes: 2 ** 50 }],
])('leaves V8 alone if %s', async (_, hints) => {
  expect(await collects(hints, 60_000)).toBe(false);
});
