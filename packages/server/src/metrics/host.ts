import { readFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { cpus, freemem, totalmem } from 'node:os';
import { join } from 'node:path';
import type { Component } from '../components.ts';
import { Cgroup, type Throttling } from './cgroup.ts';

/** Shares of the CPU time, in percent of all CPUs; together 100. */
export interface CpuLoad {
  system: number;
  user: number;
  idle: number;
  other: number;
}

/** Bytes that a network interface has carried since it exists. */
export interface InterfaceTraffic {
  name: string;
  rxBytes: number;
  txBytes: number;
}

/** For how long work had to wait for a resource: some of it, or all there was (Linux' PSI). */
export interface Pressure {
  resource: string;
  kind: string;
  seconds: number;
}

/** How CPU time was spent up to a moment, in any one unit. */
interface CpuTimes {
  system: number;
  user: number;
  idle: number;
  total: number;
}

/** Where the kernel tells about itself; elsewhere only in tests. */
export interface HostPaths {
  proc: string;
  cgroup: string;
}

const IDLE: CpuLoad = { system: 0, user: 0, idle: 100, other: 0 };
const SAMPLE_INTERVAL = 1_000;
/** For how long the load goes on being sampled after somebody has asked for it, in milliseconds. */
const INTEREST = 30_000;

/** The machine, or as much of it as the control group of this process leaves: what it has and what is used. */
export class Host implements Component {
  readonly #paths: HostPaths;
  #cgroup: Cgroup | undefined;
  #last: { times: CpuTimes; at: number } | undefined;
  #load = IDLE;
  #sampler: NodeJS.Timeout | undefined;
  #askedAt = 0;

  constructor(paths: HostPaths = { proc: '/proc', cgroup: '/sys/fs/cgroup' }) {
    this.#paths = paths;
  }

  start(): Promise<void> {
    const { proc, cgroup } = this.#paths;
    this.#cgroup = new Cgroup(cgroup, join(proc, 'self/cgroup'));
    this.#sample();
    return Promise.resolve();
  }

  close(): Promise<void> {
    clearInterval(this.#sampler);
    this.#sampler = undefined;
    return Promise.resolve();
  }

  /** How many CPUs may be used: the quota, which may be a fraction, else all logical ones. */
  get cpuCount(): number {
    return this.#cgroup?.cpuCount() ?? cpus().length;
  }

  /** Over the last second; over the time since the last question if that was long ago. */
  cpuLoad(): CpuLoad {
    this.#askedAt = performance.now();
    if (this.#sampler === undefined && this.#last !== undefined) {
      if (this.#askedAt - this.#last.at >= SAMPLE_INTERVAL) this.#sample();
      this.#sampler = setInterval(() => {
        this.#sampleForReaders();
      }, SAMPLE_INTERVAL).unref();
    }
    return this.#load;
  }

  /** In bytes; free is what could still be used. */
  memory(): { totalBytes: number; freeBytes: number } {
    const { totalBytes, freeBytes } = this.#machineMemory();
    const group = this.#cgroup?.memory();
    // A limit above what there is limits nothing: it is how "none" is written down.
    if (group === undefined || group.totalBytes > totalBytes) return { totalBytes, freeBytes };
    return { totalBytes: group.totalBytes, freeBytes: Math.max(0, group.totalBytes - group.usedBytes) };
  }

  /** Every interface of the machine, the local one included. Linux only: elsewhere there are none. */
  network(): InterfaceTraffic[] {
    return parseInterfaces(this.#read('net/dev'));
  }

  /** Linux only, and only if its kernel measures it: elsewhere there are none. */
  pressure(): Pressure[] {
    return ['cpu', 'io', 'memory'].flatMap((resource) =>
      parsePressure(this.#read(`pressure/${resource}`)).map((stall) => ({ resource, ...stall })),
    );
  }

  /** How the CPU quota was enforced; undefined if there is none. */
  throttling(): Throttling | undefined {
    return this.#cgroup?.throttling();
  }

  #sampleForReaders(): void {
    if (performance.now() - this.#askedAt > INTEREST) {
      clearInterval(this.#sampler);
      this.#sampler = undefined;
    }
    this.#sample();
  }

  #sample(): void {
    const at = performance.now();
    const times = this.#cpuTimes(at);
    const last = this.#last;
    this.#last = { times, at };
    if (last !== undefined) this.#load = loadBetween(last.times, times);
  }

  #cpuTimes(now: number): CpuTimes {
    const group = this.#cgroup?.cpu();
    if (group === undefined) return parseCpuTimes(this.#read('stat')) ?? timesOfNode();
    const { user, system } = group;
    const total = (group.cpus * now) / 1000;
    return { user, system, idle: total - user - system, total };
  }

  #machineMemory(): { totalBytes: number; freeBytes: number } {
    const info = this.#read('meminfo');
    const total = kibibytes(info, 'MemTotal');
    const available = kibibytes(info, 'MemAvailable');
    return { totalBytes: total ?? totalmem(), freeBytes: available ?? freemem() };
  }

  #read(name: string): string {
    try {
      return readFileSync(join(this.#paths.proc, name), 'latin1');
    } catch {
      return '';
    }
  }
}

/** Size and use of the partition that a directory is on, in bytes; what only root may use counts as free. */
export async function partitionOf(directory: string): Promise<{ totalBytes: number; usedBytes: number }> {
  const { bsize, blocks, bfree } = await statfs(directory);
  return { totalBytes: blocks * bsize, usedBytes: (blocks - bfree) * bsize };
}

/** How the CPUs were loaded between two moments. A group that used more than its quota in between was never idle. */
export function loadBetween(before: CpuTimes, after: CpuTimes): CpuLoad {
  const user = Math.max(0, after.user - before.user);
  const system = Math.max(0, after.system - before.system);
  const idle = Math.max(0, after.idle - before.idle);
  const total = Math.max(after.total - before.total, user + system + idle);
  if (!(total > 0)) return IDLE;
  const percent = (part: number) => (part / total) * 100;
  return {
    system: percent(system),
    user: percent(user),
    idle: percent(idle),
    other: percent(total - user - system - idle),
  };
}

/** The sum line of `/proc/stat` (proc_stat(5)); undefined if it is not there. */
export function parseCpuTimes(stat: string): CpuTimes | undefined {
  const fields = /^cpu +(.+)$/m.exec(stat)?.[1]?.split(' ').map(Number);
  if (fields === undefined || fields.length < 4 || fields.some(Number.isNaN)) return undefined;
  const [user = 0, , system = 0, idle = 0] = fields;
  // Guest time, behind the eighth, is part of user time already.
  const total = fields.slice(0, 8).reduce((sum, value) => sum + value, 0);
  return { user, system, idle, total };
}

/** The interfaces of `/proc/net/dev` (proc_pid_net(5)). */
export function parseInterfaces(text: string): InterfaceTraffic[] {
  return text.split('\n').flatMap((line) => {
    const [, name, counters] = /^\s*(\S+?):\s*(.+)$/.exec(line) ?? [];
    if (name === undefined || counters === undefined) return [];
    const fields = counters.trim().split(/\s+/).map(Number);
    return [{ name, rxBytes: fields[0] ?? 0, txBytes: fields[8] ?? 0 }];
  });
}

/** The lines of a file below `/proc/pressure` (the kernel's accounting/psi). */
export function parsePressure(text: string): { kind: string; seconds: number }[] {
  return [...text.matchAll(/^(some|full) .*\btotal=(\d+)$/gm)].map(([, kind = '', total]) => ({
    kind,
    seconds: Number(total) / 1e6,
  }));
}

function timesOfNode(): CpuTimes {
  const all = cpus().map(({ times }) => times);
  const sum = (part: (times: (typeof all)[number]) => number) =>
    all.reduce((result, times) => result + part(times), 0);
  return {
    user: sum(({ user }) => user),
    system: sum(({ sys }) => sys),
    idle: sum(({ idle }) => idle),
    total: sum(({ user, nice, sys, idle, irq }) => user + nice + sys + idle + irq),
  };
}

function kibibytes(info: string, name: string): number | undefined {
  const text = new RegExp(`^${name}: +(\\d+) kB$`, 'm').exec(info)?.[1];
  return text === undefined ? undefined : Number(text) * 1024;
}
