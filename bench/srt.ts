// SRT: one publisher of 4 Mbit/s, relayed to 20 and to 100 players, which run in processes of their own. Beside it, in
// the same run, the example server of gosrt and a relay on libsrt, each where it can be built.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { freePort } from '../tests/support/ports.ts';
import { startMillrace, usage } from './children.ts';

const PLAYERS = [20, 100];
const STREAM = { publish: 'bench,mode:publish', play: 'bench' };
const BITRATE = 4_000_000;
const WARM_UP_MS = 3_000;
const MEASURED_MS = 10_000;

interface Peer {
  name: string;
  start: (port: number) => Promise<Running>;
  publish: string;
  play: string;
}

interface Running {
  pid: number;
  /** ms by which its ticks were late at the 99th percentile, if it tells. */
  stop: () => Promise<number | undefined>;
}

interface Measurement {
  /** CPU seconds of the server for each gigabit that players received. */
  cpuPerGigabit: number;
  memoryBytes: number;
  /** Share of what was published that the players got. */
  delivered: number;
  /** ms at the 99th percentile: of our ticks, and of the same timer in a process that does nothing else. */
  lateness: { own: number; bare: number } | undefined;
}

const folder = mkdtempSync(path.join(tmpdir(), 'millrace-bench-'));
try {
  const peers = [server(), relay(), buildGosrt(), buildLibsrt()].filter((peer) => peer !== undefined);
  for (const players of PLAYERS) {
    let first: Measurement | undefined;
    for (const peer of peers) {
      const measured = await measure(peer, players);
      first ??= measured;
      report(peer, players, measured, first);
    }
  }
} finally {
  rmSync(folder, { recursive: true });
}

function report(peer: Peer, players: number, measured: Measurement, own: Measurement): void {
  const { cpuPerGigabit, memoryBytes, delivered, lateness } = measured;
  const parts = [
    `srt: ${peer.name}, ${players} players of ${BITRATE / 1e6} Mbit/s:`,
    `${cpuPerGigabit.toFixed(2)} CPU s/Gbit,`,
    `${(memoryBytes / 1024 / 1024).toFixed(0)} MiB, ${(delivered * 100).toFixed(1)} % delivered`,
  ];
  if (lateness !== undefined) {
    const { own: ticks, bare } = lateness;
    parts.push(`, ticks ${ticks.toFixed(2)} ms late (p99), ${bare.toFixed(2)} ms in an idle process`);
  }
  if (measured !== own) {
    parts.push(
      `; our server is ${(own.cpuPerGigabit / cpuPerGigabit).toFixed(2)} of its CPU,`,
      `${(own.memoryBytes / memoryBytes).toFixed(2)} of its memory`,
    );
  }
  console.log(parts.join(' ').replaceAll(' ,', ',').replaceAll(' ;', ';'));
}

async function measure(peer: Peer, count: number): Promise<Measurement> {
  const port = await freePort();
  const { pid, stop: end } = await peer.start(port);
  let ended: ReturnType<typeof end> | undefined;
  const stopServer = () => (ended ??= end());
  const timer = script('srt-timer.ts');
  const timerLines = lineReader(timer);
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
    const memoryBytes = await residentBytes(pid);
    await stop(players);
    const bits = (after.bytes - before.bytes) * 8;
    timer.stdin?.end();
    const bare = Number(await timerLines());
    const own = await stopServer();
    const lateness = own === undefined ? undefined : { own, bare };
    return {
      cpuPerGigabit: (end.cpuSeconds - start.cpuSeconds) / (bits / 1e9),
      memoryBytes,
      delivered: bits / (BITRATE * seconds * count),
      lateness,
    };
  } finally {
    await stop(publisher);
    await stop(timer);
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
      return { pid: millrace.pid, stop: () => millrace.stop().then(() => undefined) };
    },
    ...STREAM,
  };
}

/** The thread that does its work, alone in a process. */
function relay(): Peer {
  return {
    name: 'our relay alone',
    start: async (port) => {
      const child = script('srt-relay.ts', String(port));
      const lines = lineReader(child);
      await lines();
      return {
        pid: child.pid ?? 0,
        stop: async () => {
          child.stdin?.end();
          return Number(await lines());
        },
      };
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
  return { pid: child.pid ?? 0, stop: () => stop(child, 'SIGKILL').then(() => undefined) };
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

async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1024;
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
