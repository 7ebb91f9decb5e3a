// Files on disk: one of 100 MB beside a bare `node:http` server that pipes it, the time to the first byte of small and of
// large ones, and the memory that sending them takes.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { median, startMillrace, usage } from './children.ts';
import { type Server, drive } from './transfer.ts';

const MEGABYTE = 1_000_000;
const LARGE_BYTES = 100 * MEGABYTE;
const ROUNDS = 7;
const ROUND_MS = 2500;
const FIRST_BYTES = 40;

const folder = await mkdtemp(path.join(tmpdir(), 'millrace-bench-disk-'));
const file = (name: string) => path.join(folder, name);
await writeFile(file('100mb.ts'), Buffer.alloc(LARGE_BYTES, 'x'));
await sparse('small.ts', 2 * MEGABYTE);
await sparse('huge.ts', 1000 * MEGABYTE);

const bareChild = spawn(process.execPath, [path.join(import.meta.dirname, 'bare-files.ts')], {
  stdio: ['ignore', 'pipe', 'inherit'],
  env: { ...process.env, BYTES: String(LARGE_BYTES), FILE: file('100mb.ts') },
});
const [barePort] = (await once(bareChild.stdout, 'data')) as [Buffer];
const bare = { port: Number(barePort.toString()), pid: bareChild.pid ?? 0 };
const ours = await startMillrace({ CORE_STORAGE_DISK_DIR: folder });

const load = { request: get('100mb.ts'), answerBytes: LARGE_BYTES };
await drive(ours, load, 1000);
await drive(bare, load, 1000);
const { memoryBytes } = await usage(ours.pid);
const speeds: number[] = [];
const costs: number[] = [];
let perSecond = 0;
// Interleaved, so that a busy moment of the machine meets both.
for (let round = 0; round < ROUNDS; round++) {
  const own = await drive(ours, load, ROUND_MS);
  const peer = await drive(bare, load, ROUND_MS);
  perSecond = own.perSecond;
  speeds.push(own.perSecond / peer.perSecond);
  costs.push(peer.cpuMs / own.cpuMs);
}
const grown = (await usage(ours.pid)).memoryBytes - memoryBytes;
console.log(
  `GET of 100 MB from disk: ${median(speeds).toFixed(2)} of a bare server that pipes (goal ≥ 0.8; ` +
    `${Math.round(perSecond * 100)} MB/s); by CPU time ${median(costs).toFixed(2)}; ` +
    `memory grew by ${Math.round(grown / MEGABYTE)} MB`,
);

const waits: Record<string, number[]> = { 'small.ts': [], 'huge.ts': [] };
for (let round = 0; round < FIRST_BYTES; round++) {
  for (const [name, times] of Object.entries(waits)) times.push(await firstByteMs(ours, name));
}
const [small = NaN, huge = NaN] = Object.values(waits).map(median);
console.log(
  `first byte: ${huge.toFixed(2)} ms of 1 GB, ${small.toFixed(2)} ms of 2 MB: ${(huge / small).toFixed(2)} times as long (goal: about 1)`,
);

bareChild.kill();
await ours.stop();
await rm(folder, { recursive: true });

async function sparse(name: string, bytes: number): Promise<void> {
  await writeFile(file(name), '');
  await truncate(file(name), bytes);
}

function get(name: string): Buffer {
  return Buffer.from(`GET /${name} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`);
}

/** From the request to the first bytes behind the head of the answer; the connection is open before. */
async function firstByteMs({ port }: Server, name: string): Promise<number> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  const started = performance.now();
  socket.write(get(name));
  let received = '';
  while (!/\r\n\r\n[^]/.test(received)) {
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    received += chunk.toString('latin1', 0, 2000);
  }
  const elapsed = performance.now() - started;
  socket.destroy();
  return elapsed;
}
