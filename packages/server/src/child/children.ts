import { spawn, type ChildProcess } from 'node:child_process';
import { cpus } from 'node:os';
import type { Component } from '../components.ts';
import type { Logger } from '../log/logger.ts';
import { Child } from './child.ts';
import { Guardian } from './guardian.ts';
import { OutOfMemoryKills } from './out-of-memory.ts';
import { UsageReader } from './usage.ts';

/** A program and its exact arguments. */
export interface Command {
  /** An absolute path; PATH is not searched. */
  binary: string;
  args: readonly string[];
  /** The whole environment; that of all children if left out. */
  env?: Readonly<Record<string, string>>;
}

/** Starts children. What a supervisor needs to know of `Children`. */
export interface Spawner {
  /** Starts a child. Never throws: a child that cannot run ends at once with an error. */
  spawn(command: Command): Child;
}

/** How often the usage of the children is measured, in milliseconds. */
const SAMPLE_INTERVAL = 1_000;

/** All child processes of the server: started alike, measured together, and never left behind. */
export class Children implements Component, Spawner {
  readonly #guardian: Guardian;
  readonly #cpuCount: () => number;
  readonly #living = new Map<Child, UsageReader>();
  #outOfMemoryKills: OutOfMemoryKills | undefined;
  #sampler: NodeJS.Timeout | undefined;
  #isOpen = false;
  #environment: Readonly<Record<string, string>> = {};

  /** @param cpuCount how many CPUs there are, or are allowed: what is 100 % in the usage of a child. */
  constructor(log: Logger, cpuCount = () => cpus().length) {
    this.#cpuCount = cpuCount;
    this.#guardian = new Guardian(log);
  }

  /** Gives children that are started from now on these variables; before, they have none. */
  configure(environment: Readonly<Record<string, string>>): void {
    this.#environment = environment;
  }

  /** The process that kills the children if the server cannot. */
  get guardianPid(): number | undefined {
    return this.#guardian.pid;
  }

  start(): Promise<void> {
    this.#isOpen = true;
    this.#outOfMemoryKills = new OutOfMemoryKills();
    this.#guardian.start();
    this.#sampler = setInterval(() => {
      this.#sample();
    }, SAMPLE_INTERVAL).unref();
    return Promise.resolve();
  }

  spawn(command: Command): Child {
    const wasOutOfMemory = () => this.#outOfMemoryKills?.claim() ?? false;
    const child = new Child(this.#launch(command), command.binary, wasOutOfMemory);
    if (child.pid !== undefined) this.#adopt(child, child.pid);
    return child;
  }

  /** Kills the children that still run and waits for their end. */
  async close(): Promise<void> {
    this.#isOpen = false;
    clearInterval(this.#sampler);
    await Promise.all(
      [...this.#living.keys()].map(
        (child) =>
          new Promise<void>((resolve) => {
            child.once('ended', () => {
              resolve();
            });
            child.kill();
          }),
      ),
    );
    await this.#guardian.close();
  }

  #launch({ binary, args, env = this.#environment }: Command): ChildProcess | Error {
    if (!this.#isOpen) return new Error('the server is shutting down');
    const marker = this.#guardian.marker;
    try {
      return spawn(binary, args, {
        // compat: nothing to read from, only standard error is kept.
        stdio: ['ignore', 'ignore', 'pipe', ...(marker === undefined ? [] : [marker])],
        env,
      });
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
  }

  #adopt(child: Child, pid: number): void {
    this.#guardian.add(pid);
    const reader = new UsageReader(pid, this.#cpuCount());
    this.#living.set(child, reader);
    child.once('exited', () => {
      this.#guardian.remove(pid);
      reader.close();
    });
    child.once('ended', () => {
      this.#living.delete(child);
    });
  }

  #sample(): void {
    const now = performance.now();
    for (const [child, reader] of this.#living) child.sample(reader.read(now));
  }
}
