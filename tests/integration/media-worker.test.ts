import type { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest';
import { planeHost } from '../../packages/server/src/media/host.ts';
import { MediaWorker } from '../../packages/server/src/media/worker.ts';
import { Log } from '../../packages/server/src/log/logger.ts';
import type { EchoOptions, EchoPlane } from '../support/echo-plane.ts';

const MODULE = new URL('../support/echo-plane.ts', import.meta.url);

let log: Log;
let worker: MediaWorker<EchoOptions, EchoPlane>;

const messages = () => log.events().map(({ level, message }) => `${level} ${message}`);

function create(options: EchoOptions): MediaWorker<EchoOptions, EchoPlane> {
  const logger = log.component('Echo');
  const sessions = {
    collector: () => ({
      isCountable: (ip: string) => ip !== '127.0.0.1',
      has: () => false,
      register: () => undefined,
      activate: () => undefined,
      ingress: () => undefined,
      egress: () => undefined,
      close: () => undefined,
    }),
    refusal: () => 'sessions',
  };
  return new MediaWorker(MODULE, options, planeHost('echo', sessions, logger), logger);
}

beforeEach(async () => {
  log = new Log({ write: () => undefined }, { level: 'debug', topics: [], maxLines: 100 });
  worker = create({ greeting: 'hello' });
  await worker.start();
});

afterEach(() => worker.close());

test('a plane is started with its options, and changed while it runs', async () => {
  expect(await worker.call('greeting')).toBe('hello');
  worker.configure({ greeting: 'good day' });
  expect(await worker.call('greeting')).toBe('good day');
  expect(messages()).toEqual(['info Server started']);
});

test('bytes come back as they went', async () => {
  expect(await worker.call('echo', Uint8Array.of(1, 2, 3))).toEqual(Uint8Array.of(1, 2, 3));
});

test('a refusal keeps its code', async () => {
  await expect(worker.call('refuse')).rejects.toMatchObject({ code: 'not_found', message: 'no such path' });
});

test('a plane asks the server whether there is room, but not for those who do not count', async () => {
  expect(await worker.call('ask', '192.0.2.1')).toBe('sessions');
  expect(await worker.call('ask', '127.0.0.1')).toBeUndefined();
});

test('a plane that cannot start says why, and leaves no thread', async () => {
  const broken = create({ greeting: '', isBroken: true });
  await expect(broken.start()).rejects.toMatchObject({ code: 'invalid', message: 'the port is taken' });
  await expect(broken.call('greeting')).rejects.toMatchObject({ code: 'unavailable' });
});

test('a plane that dies is started anew, with the newest options', async () => {
  worker.configure({ greeting: 'good day' });
  const waiting = worker.call('hang');
  await worker.call('crash');
  await expect(waiting).rejects.toMatchObject({ code: 'unavailable' });
  await expect.poll(() => worker.call('greeting').catch(() => undefined)).toBe('good day');
  expect(messages()).toContain('error The media worker has ended');
  expect(messages().filter((text) => text === 'info Server started')).toHaveLength(2);
});

test('the end lets the plane end first, and is final', async () => {
  const waiting = expect(worker.call('hang')).rejects.toMatchObject({ code: 'unavailable' });
  await worker.close();
  await waiting;
  expect(messages()).toEqual(['info Server started', 'info Server exited']);
  await expect(worker.call('greeting')).rejects.toMatchObject({ code: 'unavailable' });
  await worker.close();
});

test('the end waits for a start that is under way, and for its thread', async () => {
  const threads: Worker[] = [];
  const note = (thread: Worker) => threads.push(thread);
  process.on('worker', note);
  onTestFinished(() => void process.off('worker', note));
  worker.configure({ greeting: '', hangsAtStart: true });
  await worker.call('crash');
  await expect.poll(messages).toContain('info Starting');
  await worker.close();
  // What has ended has no id.
  expect(threads.map(({ threadId }) => threadId)).toEqual([-1]);
  expect(messages().at(-1)).toBe('info Starting');
});
