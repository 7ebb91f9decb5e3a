import { expect, test } from 'vitest';
import { Slots } from './slots.ts';

const never = new AbortController().signal;

/** A job that lasts until it is told to end. */
function job() {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let hasBegun = false;
  const run = () => {
    hasBegun = true;
    return promise;
  };
  return {
    run,
    end: () => {
      resolve('done');
    },
    fail: reject,
    hasBegun: () => hasBegun,
  };
}

test('jobs beyond the number wait for their turn, in order', async () => {
  const slots = new Slots(1);
  const [a, b, c] = [job(), job(), job()];
  const results = [a, b, c].map(({ run }) => slots.use(run, never));
  expect([a.hasBegun(), b.hasBegun()]).toEqual([true, false]);
  a.end();
  await results[0];
  await Promise.resolve();
  expect([b.hasBegun(), c.hasBegun()]).toEqual([true, false]);
  b.end();
  c.end();
  expect(await Promise.all(results)).toEqual(['done', 'done', 'done']);
});

test('a job that fails gives its place back', async () => {
  const slots = new Slots(1);
  await expect(slots.use(() => Promise.reject(new Error('no')), never)).rejects.toThrow('no');
  expect(await slots.use(() => Promise.resolve(1), never)).toBe(1);
});

test('who gives up while waiting is gone at once and takes no place', async () => {
  const slots = new Slots(1);
  const [first, second] = [job(), job()];
  const running = slots.use(first.run, never);
  const abort = new AbortController();
  const waiting = slots.use(second.run, abort.signal);
  abort.abort(new Error('gone'));
  await expect(waiting).rejects.toThrow('gone');
  first.end();
  await running;
  expect(second.hasBegun()).toBe(false);
  expect(await slots.use(() => Promise.resolve(1), never)).toBe(1);
});

test('is idle once no job runs', async () => {
  const slots = new Slots(2);
  const a = job();
  const running = slots.use(a.run, never);
  let isIdle = false;
  const idle = slots.idle().then(() => {
    isIdle = true;
  });
  await Promise.resolve();
  expect(isIdle).toBe(false);
  a.end();
  await Promise.all([running, idle]);
});
