// SRT: one publisher of 4 Mbit/s, relayed to 20 and to 100 players, which run in processes of their own. Beside our server,
// in the same run and in turns: the example server of gosrt and a relay on libsrt, each where it can be built.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { freePort } from '../tests/support/ports.ts';
import { median, startMillrace, usage } from './children.ts';

const PLAYERS = [20, 100];
const STREAM = { publish: 'bench,mode:publish', play: 'bench' };
const BITRATE = 4_000_000;
/** Measured in turns, so that a busy moment of the machine meets all. */
const ROUNDS = 3;
/** Streams run for days: by then what is hot has been compiled. */
const WARM_UP_MS = 12_000;
const MEASURED_MS = 7_000;

interface Peer {
  name: string;
  start: (port: number) => Promise<Running>;
  publish: string;
  play: string;
}

interface Running {
  pid: number;
  stop: () => Promise<void>;
}

interface Measurement {
  /** CPU seconds of the server for each gigabit that players received. */
  cpuPerGigabit: number;
  memoryMib: number;
  /** Share of what was published that the players got. */
  delivered: number;
  /** ms by which ticks of 10 ms were late at the 99th percentile: the server's as seen from outside. */
  lateness: number;
  /** The same of a timer beside it in a process that does little else. */
  bareLateness: number;
}

const folder = mkdtempSync(path.join(tmpdir(), 'millrace-bench-'));
try {
  const bare = spawnSync(process.execPath, ['-p', 'process.memoryUsage.rss() / 2 ** 20'], {
    encoding: 'utf8',
  });
  console.log(`srt: Node alone takes ${Number(bare.stdout).toFixed(0)} MiB`);
  const peers = [server(), buildGosrt(), buildLibsrt()].filter((peer) => peer !== undefined);
  for (const players of PLAYERS) {
    const runs = peers.map(() => [] as Measurement[]);
    for (let round = 0; round < ROUNDS; round++) {
      for (const [index, peer] of peers.entries()) runs[index]?.push(await measure(peer, players));
    }
    const medians = runs.map(mediansOf);
    for (const [index, peer] of peers.entries()) report(peer.name, players, medians[index], medians[0]);
  }
} finally {
  rmSync(folder, { recursive: true });
}

function mediansOf(runs: readonly Measurement[]): Measurement {
  const of = (key: keyof Measurement) => median(runs.map((run) => run[key]));
  return {
    cpuPerGigabit: of('cpuPerGigabit'),
    memoryMib: of('memoryMib'),
    delivered: of('delivered'),
    lateness: of('lateness'),
    bareLateness: of('bareLateness'),
  };
}

function report(name: string, players: number, measured?: Measurement, own?: Measurement): void {
  if (measured === undefined || own === undefined) return;
  const { cpuPerGigabit, memoryMib, delivered, lateness, bareLateness } = measured;
  const ratios =
    measured === own
      ? ''
      : `; our server is ${(own.cpuPerGigabit / cpuPerGigabit).toFixed(2)} of its CPU, ` +
        `${(own.memoryMib / memoryMib).toFixed(2)} of its memory`;
  console.log(
    `srt: ${name}, ${players} players of ${BITRATE / 1e6} Mbit/s: ${cpuPerGigabit.toFixed(2)} CPU s/Gbit, ` +
      `${memoryMib.toFixed(0)} MiB, ${(delivered * 100).toFixed(1)} % delivered, ` +
      `ticks ${lateness.toFixed(2)} ms late (p99), a timer beside it ${bareLateness.toFixed(2)} ms${ratios}`,
  );
}

async function measure(peer: Peer, count: number): Promise<Measurement> {
  const port = await freePort();
  const { pid, stop: stopServer } = await peer.start(port);
  const publisher = script('srt-publisher.ts', String(port), peer.publish, String(BITRATE));
  const publisherLines = lineReader(publisher);
  try {
    await publisherLines();
    const players = script('srt-players.ts', String(port), String(count), peer.play);
    const answers = lineReader(players);
    await answers();
    await delay(WARM_UP_MS);
    const read = async () => {
      players.stdin?.write('\n');
      return JSON.parse(await answers()) as { bytes: number };
    };
    const [before, start, startedAt] = [await read(), await usage(pid), performance.now()];
    await delay(MEASURED_MS);
    const [after, end, seconds] = [await read(), await usage(pid), (performance.now() - startedAt) / 1000];
    publisher.stdin?.end();
    const late = JSON.parse(await publisherLines()) as { server: number; own: number };
    await stop(players);
    const bits = (after.bytes - before.bytes) * 8;
    return {
      cpuPerGigabit: (end.cpuSeconds - start.cpuSeconds) / (bits / 1e9),
      memoryMib: end.memoryBytes / 2 ** 20,
      delivered: bits / (BITRATE * seconds * count),
      lateness: late.server,
      bareLateness: late.own,
    };
  } finally {
    await stop(publisher);
    await stopServer();
  }
}

/** The whole server, as people run it. */
function server(): Peer {
  return {
    name: 'our server',
    start: async (port) => {
      const millrace = await startMillrace({
        CORE_SRT_ENABLE: 'true',
        CORE_SRT_ADDRESS: `127.0.0.1:${port}`,
        CORE_SESSIONS_IP_IGNORELIST: '',
      });
      return { pid: millrace.pid, stop: () => millrace.stop() };
    },
    ...STREAM,
  };
}

/** The example server of the library that datarhei Core uses. */
function buildGosrt(): Peer | undefined {
  const program = path.join(folder, 'gosrt');
  writeFileSync(path.join(folder, 'go.mod'), 'module bench\n');
  const server = 'github.com/datarhei/gosrt/contrib/server';
  const isBuilt = [
    ['get', `${server}@v0.9.0`],
    ['build', '-o', program, server],
  ].every((args) => spawnSync('go', args, { cwd: folder, stdio: 'ignore', timeout: 240_000 }).status === 0);
  if (!isBuilt) {
    console.log('srt: skipped gosrt, which Go could not build here');
    return undefined;
  }
  return {
    name: 'gosrt',
    start: (port) => startProgram(program, '-addr', `127.0.0.1:${port}`),
    publish: 'publish:/bench',
    play: '/bench',
  };
}

/** The reference implementation, in a relay as small as ours. */
function buildLibsrt(): Peer | undefined {
  const program = path.join(folder, 'libsrt');
  const source = path.join(import.meta.dirname, 'srt-libsrt.c');
  const args = ['-O2', '-o', program, source, '-I/usr/include/srt', '-lsrt'];
  if (spawnSync('cc', args, { stdio: 'ignore' }).status !== 0) {
    console.log('srt: skipped libsrt, which the C compiler could not build with here');
    return undefined;
  }
  return {
    name: 'libsrt',
    start: (port) => startProgram(program, String(port)),
    publish: 'publish',
    play: 'play',
  };
}

/** A server that does not say when it is ready. */
async function startProgram(program: string, ...args: string[]): Promise<Running> {
  const child = spawn(program, args, { stdio: 'ignore' });
  await delay(1000);
  return { pid: child.pid ?? 0, stop: () => stop(child, 'SIGKILL') };
}

function script(name: string, ...args: string[]): ChildProcess {
  const file = path.join(import.meta.dirname, name);
  return spawn(process.execPath, ['--conditions=source', file, ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
}

/** Reads a process's lines one at a time. */
function lineReader(child: ChildProcess): () => Promise<string> {
  if (child.stdout === null) throw new Error('process without output');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`${child.spawnargs.join(' ')} ended`);
    return value;
  };
}

async function stop(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'close');
  child.kill(signal);
  await ended;
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
