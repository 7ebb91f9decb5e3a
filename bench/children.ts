import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { freePort } from '../tests/support/ports.ts';

const MAIN = path.join(import.meta.dirname, '../packages/server/bin.js');
const BARE = path.join(import.meta.dirname, 'bare-server.ts');

/** Our server in a process of its own, with a token to call it. */
export interface MeasuredServer {
  port: number;
  pid: number;
  token: string;
  /** Milliseconds from the start of the process until it listens. */
  startMs: number;
  api(method: string, path: string, body?: unknown): Promise<unknown>;
  stop(): Promise<void>;
}

/** Starts our server as it is published with authentication on, in a new folder, and waits until it answers. */
export async function startMillrace(env: Record<string, string> = {}): Promise<MeasuredServer> {
  const folder = await mkdtemp(path.join(tmpdir(), 'millrace-bench-'));
  const port = await freePort();
  const base = `http://127.0.0.1:${port}`;
  const started = performance.now();
  const child = spawn(process.execPath, [MAIN], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: {
      PATH: process.env['PATH'],
      HOME: folder,
      CORE_ADDRESS: `127.0.0.1:${port}`,
      CORE_API_AUTH_ENABLE: 'true',
      CORE_API_AUTH_USERNAME: 'bench',
      CORE_API_AUTH_PASSWORD: 'bench-password',
      CORE_UPDATE_CHECK: 'false',
      ...env,
    },
  });
  await untilListening(child.stderr.setEncoding('utf8'));
  const startMs = performance.now() - started;

  const call = async (method: string, url: string, body?: unknown, token?: string) => {
    const response = await fetch(base + url, {
      method,
      headers: {
        'content-type': 'application/json',
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${method} ${url}: ${response.status} ${await response.text()}`);
    return (await response.json()) as unknown;
  };
  const credentials = { username: 'bench', password: 'bench-password' };
  const { access_token: token } = (await call('POST', '/api/login', credentials)) as { access_token: string };
  return {
    port,
    pid: child.pid ?? 0,
    token,
    startMs,
    api: (method, url, body) => call(method, url, body, token),
    stop: async () => {
      await end(child);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Starts a bare `node:http` server, in a process of its own, that answers everything with the given bytes. */
export async function startBare(body: string): Promise<{ port: number; stop(): Promise<void> }> {
  const child = spawn(process.execPath, [BARE], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, BODY: body },
  });
  const [port] = (await once(child.stdout, 'data')) as [Buffer];
  return { port: Number(port.toString()), stop: () => end(child) };
}

async function end(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit');
  if (child.exitCode !== null) return;
  child.kill('SIGTERM');
  await ended;
}

/** Reads the log rather than asks again and again, which would take the processor from what is measured. */
async function untilListening(stderr: Readable): Promise<void> {
  let log = '';
  await new Promise<void>((resolve, reject) => {
    stderr.on('data', (text: string) => {
      log = (log + text).slice(-5000);
      if (log.includes('component="HTTP" msg="Server started"')) resolve();
    });
    stderr.once('end', () => {
      reject(new Error(`the server did not start:\n${log}`));
    });
  });
}

/**
 * CPU time in seconds and resident memory in bytes that a process has used (Linux). As the scheduler counts it, in
 * nanoseconds: in whole ticks of 10 ms, what a server with few clients takes would be a matter of luck. Only threads that
 * run still are counted.
 */
export async function usage(pid: number): Promise<{ cpuSeconds: number; memoryBytes: number }> {
  const threads = await readdir(`/proc/${pid}/task`);
  const times = await Promise.all(
    threads.map(async (id) =>
      Number((await readFile(`/proc/${pid}/task/${id}/schedstat`, 'utf8')).split(' ')[0]),
    ),
  );
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const residentKib = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]);
  return {
    cpuSeconds: times.reduce((sum, time) => sum + time, 0) / 1e9,
    memoryBytes: residentKib * 1024,
  };
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? NaN)) / 2;
}
