// RTMP, beside node-media-server: one stream to many players, and many publishers.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { median, usage } from './children.ts';

const PLAYERS = [50, 200, 400];
const STREAM_KBIT = 4_000;
const PUBLISHERS = 1_000;
const PUBLISHER_KBIT = 100;
/** Measured in turns, so that a busy moment of the machine meets both. */
const ROUNDS = 3;
const ROUND_MS = 6_000;
const SETTLE_MS = 2_000;

interface FanOut {
  cpuPerGigabit: number;
  memoryMib: number;
  firstFrameMs: number;
  /** Bytes of the player who got least, of those of the one who got most. */
  evenness: number;
  gigabits: number;
}

const children = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of children) child.kill();
});

function start(file: string, ...args: number[]): ChildProcess {
  const child = fork(path.join(import.meta.dirname, file), args.map(String), {
    // The servers run as published, our own tools from their sources.
    execArgv: file.endsWith('.mjs') ? [] : ['--conditions=source'],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  children.add(child);
  child.once('exit', () => children.delete(child));
  return child;
}

/** What a child sends next. */
async function answer(child: ChildProcess): Promise<unknown> {
  const ended = new AbortController();
  const abort = () => {
    ended.abort(new Error('a process ended before its time'));
  };
  child.once('exit', abort);
  const [message] = (await once(child, 'message', { signal: ended.signal })) as unknown[];
  child.off('exit', abort);
  return message;
}

async function stop(...stopped: ChildProcess[]): Promise<void> {
  for (const child of stopped) {
    const ended = once(child, 'exit');
    if (child.exitCode !== null) throw new Error('a process ended before its time');
    child.kill();
    await ended;
  }
}

async function measureFanOut(file: string, players: number): Promise<FanOut> {
  const server = start(file);
  const pid = server.pid ?? 0;
  const port = (await answer(server)) as number;
  const publisher = start('rtmp-publisher.ts', port, 1, STREAM_KBIT);
  await answer(publisher);
  await sleep(SETTLE_MS);
  const audience = start('rtmp-players.ts', port, players);
  const firstFrames = (await answer(audience)) as number[];
  await sleep(SETTLE_MS);
  const received = async () => {
    const answered = answer(audience);
    audience.send('count');
    return (await answered) as number[];
  };
  const before = await received();
  const idle = await usage(pid);
  await sleep(ROUND_MS);
  const after = await received();
  const busy = await usage(pid);
  await stop(audience, publisher, server);
  const bytes = after.map((count, i) => count - (before[i] ?? 0));
  const gigabits = (bytes.reduce((sum, one) => sum + one, 0) * 8) / 1e9;
  return {
    cpuPerGigabit: (busy.cpuSeconds - idle.cpuSeconds) / gigabits,
    memoryMib: busy.memoryBytes / 2 ** 20,
    firstFrameMs: median(firstFrames),
    evenness: Math.min(...bytes) / Math.max(...bytes),
    gigabits,
  };
}

interface Ingest {
  /** How many publishers the server took within half a minute. */
  publishers: number;
  /** CPU milliseconds for a second of one publisher. */
  cpuMs: number;
  memoryMib: number;
}

async function measureIngest(file: string): Promise<Ingest> {
  const server = start(file);
  const pid = server.pid ?? 0;
  const port = (await answer(server)) as number;
  const encoders = start('rtmp-publisher.ts', port, PUBLISHERS, PUBLISHER_KBIT);
  const publishers = (await answer(encoders)) as number;
  await sleep(SETTLE_MS);
  const idle = await usage(pid);
  await sleep(ROUND_MS);
  const busy = await usage(pid);
  await stop(encoders, server);
  return {
    publishers,
    cpuMs: ((busy.cpuSeconds - idle.cpuSeconds) * 1000) / (ROUND_MS / 1000) / publishers,
    memoryMib: busy.memoryBytes / 2 ** 20,
  };
}

const OURS = 'rtmp-server.mjs';
const PEER = 'rtmp-peer.mjs';

const only = process.argv[2];
for (const players of PLAYERS) {
  if (only !== undefined && only !== String(players)) continue;
  const ours: FanOut[] = [];
  const peers: FanOut[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    ours.push(await measureFanOut(OURS, players));
    peers.push(await measureFanOut(PEER, players));
  }
  const of = (runs: FanOut[], key: keyof FanOut) => median(runs.map((run) => run[key]));
  const ratio = (key: keyof FanOut) => (of(ours, key) / of(peers, key)).toFixed(2);
  console.log(
    `rtmp: ${players} players of ${STREAM_KBIT / 1000} Mbit/s: CPU per gigabit ${ratio('cpuPerGigabit')} of the peer's ` +
      `(${of(ours, 'cpuPerGigabit').toFixed(3)} s), memory ${ratio('memoryMib')} (${of(ours, 'memoryMib').toFixed(0)} MiB), ` +
      `first frame ${ratio('firstFrameMs')} (${of(ours, 'firstFrameMs').toFixed(0)} ms), ` +
      `least of most bytes ${Math.min(...ours.map(({ evenness }) => evenness)).toFixed(3)}`,
  );
}

if (only !== undefined && only !== 'ingest') process.exit();
const ours: Ingest[] = [];
const peers: Ingest[] = [];
for (let round = 0; round < ROUNDS; round++) {
  ours.push(await measureIngest(OURS));
  peers.push(await measureIngest(PEER));
}
const of = (runs: Ingest[], key: keyof Ingest) => median(runs.map((run) => run[key]));
console.log(
  `rtmp: ${of(ours, 'publishers')} publishers of ${PUBLISHER_KBIT} kbit/s (the peer took ${of(peers, 'publishers')}): ` +
    `CPU of each ${(of(ours, 'cpuMs') / of(peers, 'cpuMs')).toFixed(2)} of the peer's ` +
    `(${of(ours, 'cpuMs').toFixed(2)} ms a second), ` +
    `memory of all ${(of(ours, 'memoryMib') / of(peers, 'memoryMib')).toFixed(2)} (${of(ours, 'memoryMib').toFixed(0)} MiB)`,
);
process.exit();
