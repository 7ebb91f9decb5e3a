import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { SEEDS, mutate } from '../test/mutation.ts';
import { createRandom } from '../test/random.ts';
import { createVictim, feed } from '../test/targets.ts';

const CORPUS = path.join(import.meta.dirname, '../test/corpus');

test('what once broke something, or is just strange, breaks nothing', () => {
  const files = readdirSync(CORPUS);
  expect(files.length).toBeGreaterThan(0);
  const victim = createVictim(1);
  for (const name of files) {
    const datagram = readFileSync(path.join(CORPUS, name));
    feed(datagram);
    victim.feed(datagram);
  }
  victim.check();
});

test.each([1, 2, 3])('datagrams changed at random break nothing: seed %i', (seed) => {
  const random = createRandom(seed);
  const victim = createVictim(seed);
  for (let count = 0; count < 5000; count++) {
    const datagram = mutate(random, SEEDS);
    feed(datagram);
    victim.feed(datagram);
  }
  victim.check();
});

test('every length of every well-formed datagram breaks nothing', () => {
  const victim = createVictim(4);
  for (const bytes of SEEDS) {
    for (let length = 0; length < bytes.length; length++) {
      feed(bytes.subarray(0, length));
      victim.feed(bytes.subarray(0, length));
    }
  }
  victim.check();
});
