// `npm run fuzz -w packages/rtmp -- [seconds] [seed] [target]`: feeds mutations of the corpus to everything that reads
// bytes from outside. What breaks it is written to the corpus, which the unit tests replay.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ProtocolError } from '../src/errors.ts';
import { mutate, seeded } from './feed.ts';
import { TARGETS, type Target } from './fuzz-targets.ts';

const CORPUS = path.join(import.meta.dirname, 'corpus');
const MAX_RESIDENT_BYTES = 512 * 1024 * 1024;
/** A case that takes longer is a finding too. */
const MAX_CASE_MS = 2_000;

const [seconds = '30', seed = String(Date.now() % 1_000_000), only] = process.argv.slice(2);
const random = seeded(Number(seed));
const names = Object.keys(TARGETS).filter((name) => only === undefined || name === only);
const counts = new Map(names.map((name) => [name, 0]));
let findings = 0;
console.log(`fuzz: ${seconds} s of ${names.join(', ')} with seed ${seed}`);

const corpora = new Map(names.map((name) => [name, readCorpus(name)]));
const end = performance.now() + Number(seconds) * 1000;
while (performance.now() < end) {
  for (const name of names) {
    const target = TARGETS[name];
    const corpus = corpora.get(name) ?? [];
    if (target) await runCase(name, target, nextCase(corpus));
  }
}
const resident = process.memoryUsage.rss();
console.log(
  `fuzz: ${[...counts].map(([name, count]) => `${count} ${name}`).join(', ')}; ` +
    `${findings} found, ${(resident / 2 ** 20).toFixed(0)} MiB resident`,
);
if (findings > 0 || resident > MAX_RESIDENT_BYTES) process.exitCode = 1;

function readCorpus(name: string): Buffer[] {
  const folder = path.join(CORPUS, name);
  mkdirSync(folder, { recursive: true });
  return readdirSync(folder).map((file) => readFileSync(path.join(folder, file)));
}

/** A mutation of one case, sometimes with a part of another behind it. */
function nextCase(corpus: readonly Buffer[]): Buffer {
  const pick = () => corpus[Math.floor(random() * corpus.length)] ?? Buffer.of(0);
  const first = mutate(pick(), random);
  if (random() < 0.8) return first;
  const second = pick();
  return Buffer.concat([first, second.subarray(Math.floor(random() * second.length))]);
}

async function runCase(name: string, target: Target, bytes: Buffer): Promise<void> {
  counts.set(name, (counts.get(name) ?? 0) + 1);
  const started = performance.now();
  try {
    await target(Buffer.from(bytes));
    if (performance.now() - started < MAX_CASE_MS) return;
    console.log(`fuzz: ${name} took ${(performance.now() - started).toFixed(0)} ms`);
  } catch (error) {
    if (error instanceof ProtocolError) return;
    console.log(`fuzz: ${name}:`, error);
  }
  findings++;
  const file = path.join(
    CORPUS,
    name,
    `${createHash('sha256').update(bytes).digest('hex').slice(0, 16)}.bin`,
  );
  writeFileSync(file, bytes);
  console.log(`fuzz: kept as ${path.relative(process.cwd(), file)}`);
}
