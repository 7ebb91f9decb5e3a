import { Writable } from 'node:stream';
import { expect, test } from 'vitest';
import { Outbox } from './outbox.ts';

/** A stream whose peer takes what it is told to. */
class Network extends Writable {
  readonly taken: Buffer[] = [];
  /** Sizes of what was written at a time. */
  readonly writes: number[] = [];
  #isOpen: boolean;
  #waiting: (() => void) | undefined;

  constructor(isOpen: boolean) {
    super({ highWaterMark: 1024 });
    this.#isOpen = isOpen;
  }

  override _writev(chunks: { chunk: Buffer }[], callback: () => void): void {
    this.#write(
      chunks.map(({ chunk }) => chunk),
      callback,
    );
  }

  override _write(chunk: Buffer, _encoding: string, callback: () => void): void {
    this.#write([chunk], callback);
  }

  /** Takes what waits. */
  take(): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.();
  }

  #write(chunks: Buffer[], callback: () => void): void {
    this.writes.push(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
    this.#waiting = () => {
      this.taken.push(...chunks);
      callback();
    };
    if (this.#isOpen) this.take();
  }
}

const piece = (size: number, value = 1) => Buffer.alloc(size, value);

test('what the network takes at once is written in one go and leaves nothing behind', () => {
  const network = new Network(true);
  const outbox = new Outbox(network);
  outbox.write([piece(16), piece(5000), piece(16), piece(5000)], 10_032);
  expect(network.writes).toEqual([10_032]);
  expect(outbox.backlog).toBe(0);
  expect(outbox.bytesSent).toBe(10_032);
});

test('what a slow network has not taken is counted, and written in portions', async () => {
  const network = new Network(false);
  const outbox = new Outbox(network);
  for (let i = 0; i < 10; i++) outbox.write([piece(100_000, i)], 100_000);
  expect(outbox.backlog).toBe(1_000_000);
  expect(outbox.bytesSent).toBe(100_000);
  while (outbox.backlog > 0) {
    network.take();
    await new Promise(setImmediate);
  }
  expect(Math.max(...network.writes)).toBeLessThanOrEqual(228_000);
  expect(network.taken.map((buffer) => buffer[0])).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

test('a peer that takes nothing shows as stalled, one that takes little does not', async () => {
  const network = new Network(false);
  const outbox = new Outbox(network);
  expect(outbox.stalledFor(1000)).toBe(0);
  outbox.write([piece(300_000)], 300_000);
  outbox.write([piece(300_000)], 300_000);
  expect(outbox.stalledFor(2000)).toBe(1000);
  network.take();
  await new Promise(setImmediate);
  expect(outbox.stalledFor(5000)).toBe(0);
  expect(outbox.stalledFor(9000)).toBe(4000);
  network.take();
  await new Promise(setImmediate);
  expect(outbox.stalledFor(20_000)).toBe(0);
});

test('the end comes after all that waits', async () => {
  const network = new Network(false);
  const outbox = new Outbox(network);
  for (let i = 0; i < 5; i++) outbox.write([piece(200_000, i)], 200_000);
  outbox.end();
  outbox.write([piece(1, 99)], 1);
  while (!network.writableFinished) {
    network.take();
    await new Promise(setImmediate);
  }
  expect(network.taken.map((buffer) => buffer[0])).toEqual([0, 1, 2, 3, 4]);
});
