// `npm run fuzz -w packages/srt [-- SECONDS [SEED]]`: changed datagrams, for a minute unless told otherwise. What breaks
// something is kept in `corpus`, which the tests replay.
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { SEEDS, mutate } from './mutation.ts';
import { createRandom } from './random.ts';
import { createVictim, feed } from './targets.ts';

const CORPUS = path.join(import.meta.dirname, 'corpus');
const seconds = Number(process.argv[2] ?? 60);
const seed = Number(process.argv[3] ?? Date.now() % 1_000_000);

const random = createRandom(seed);
const seeds = [...SEEDS, ...readdirSync(CORPUS).map((name) => readFileSync(path.join(CORPUS, name)))];
const victim = createVictim(seed);
const end = performance.now() + seconds * 1000;
let count = 0;
let failures = 0;

console.log(`seed ${seed}, ${seconds} s`);
while (performance.now() < end && failures < 10) {
  const datagram = mutate(random, seeds);
  count++;
  try {
    feed(datagram);
    victim.feed(datagram);
    if (count % 1000 === 0) victim.check();
  } catch (error) {
    failures++;
    const name = createHash('sha256').update(datagram).digest('hex').slice(0, 16);
    writeFileSync(path.join(CORPUS, `${name}.bin`), datagram);
    console.error(`${name}:`, error);
  }
}
console.log(`${count} datagrams, ${failures} failures`);
process.exitCode = failures === 0 ? 0 : 1;
