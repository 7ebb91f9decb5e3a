// Segments of 1 MB into and out of the memory filesystem, beside a bare `node:http` server that sends one Buffer,
// or drops what it reads.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { median, startMillrace } from './children.ts';
import { type Load, drive } from './transfer.ts';

const BYTES = 1_000_000;
const ROUNDS = 9;
const ROUND_MS = 1500;

interface NamedLoad extends Load {
  name: string;
  goal: number;
}

const authorization = `Basic ${Buffer.from('bench:bench-password').toString('base64')}`;
const head = (method: string, more = '') =>
  Buffer.from(`${method} /memfs/segment.ts HTTP/1.1\r\nHost: 127.0.0.1\r\n${more}\r\n`);
const upload = Buffer.concat([
  head('PUT', `Authorization: ${authorization}\r\nContent-Length: ${BYTES}\r\n`),
  Buffer.alloc(BYTES, 'x'),
]);
const loads: NamedLoad[] = [
  { name: 'PUT', goal: 0.7, request: upload, answerBytes: 0 },
  { name: 'GET', goal: 0.9, request: head('GET'), answerBytes: BYTES },
];

const bareChild = spawn(process.execPath, [path.join(import.meta.dirname, 'bare-files.ts')], {
  stdio: ['ignore', 'pipe', 'inherit'],
  env: { ...process.env, BYTES: String(BYTES) },
});
const [barePort] = (await once(bareChild.stdout, 'data')) as [Buffer];
const bare = { port: Number(barePort.toString()), pid: bareChild.pid ?? 0 };
const ours = await startMillrace({
  CORE_STORAGE_MEMORY_AUTH_ENABLE: 'true',
  CORE_STORAGE_MEMORY_AUTH_USERNAME: 'bench',
  CORE_STORAGE_MEMORY_AUTH_PASSWORD: 'bench-password',
});

for (const load of loads) {
  await drive(ours, load, 1000);
  await drive(bare, load, 1000);
  const speeds: number[] = [];
  const costs: number[] = [];
  let last = { perSecond: 0, cpuMs: 0 };
  // Interleaved, so that a busy moment of the machine meets both.
  for (let round = 0; round < ROUNDS; round++) {
    last = await drive(ours, load, ROUND_MS);
    const peer = await drive(bare, load, ROUND_MS);
    speeds.push(last.perSecond / peer.perSecond);
    costs.push(peer.cpuMs / last.cpuMs);
  }
  console.log(
    `${load.name} of 1 MB: ${median(speeds).toFixed(2)} of a bare server (goal ≥ ${load.goal}; ` +
      `${Math.round(last.perSecond)} requests/s); by CPU time ${median(costs).toFixed(2)}`,
  );
}
bareChild.kill();
await ours.stop();
