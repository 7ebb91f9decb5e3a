import { expect, test } from 'vitest';
import { Reloader } from './reloader.ts';

test('reloads asked for while one runs are served by one more', async () => {
  const gates: (() => void)[] = [];
  const reloader = new Reloader(() => new Promise((resolve) => gates.push(resolve)));
  const over = reloader.request();
  void reloader.request();
  void reloader.request();
  expect(gates).toHaveLength(1);
  expect(reloader.latest?.state).toBe('running');

  gates[0]?.();
  await expect.poll(() => gates.length).toBe(2);
  gates[1]?.();
  await over;
  expect(gates).toHaveLength(2);
  expect(reloader.latest).toMatchObject({ state: 'done', error: '' });
});

test('a reload that fails says why, and the next one is a fresh try', async () => {
  let failure: Error | undefined = new Error('port taken');
  const reloader = new Reloader(() => (failure ? Promise.reject(failure) : Promise.resolve()));
  await reloader.request();
  expect(reloader.latest).toMatchObject({ state: 'failed', error: 'port taken' });
  failure = undefined;
  await reloader.request();
  expect(reloader.latest).toMatchObject({ state: 'done', error: '' });
});
