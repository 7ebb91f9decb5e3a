import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { chmod, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, onTestFinished, vi } from 'vitest';

const ROOT = path.resolve(import.meta.dirname, '../..');

/** How long something may take on a busy machine. */
const SOON = { timeout: 20_000, interval: 20 };

export interface ProgramOptions {
  /** `{ CORE_…: value }`; nothing else is in the environment but PATH and HOME. */
  env: Record<string, string>;
  /** The working directory. */
  folder: string;
  /** Run as this user instead of the present one. */
  uid?: number;
}

/** The server as a program of its own. It ends with the test, at the latest. */
export class Program {
  readonly pid: number;
  /** How it ended. */
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  readonly #process: ChildProcess;
  #log = '';

  constructor({ env, folder, uid }: ProgramOptions) {
    const program = spawn(
      path.join(ROOT, 'node_modules/.bin/node'),
      ['--conditions=source', path.join(ROOT, 'packages/server/bin.js')],
      {
        cwd: folder,
        env: { PATH: process.env['PATH'], HOME: folder, ...env },
        stdio: ['ignore', 'ignore', 'pipe'],
        ...(uid === undefined ? {} : { uid, gid: uid }),
      },
    );
    program.stderr.setEncoding('utf8').on('data', (text: string) => (this.#log += text));
    this.#process = program;
    this.pid = program.pid ?? -1;
    this.ended = once(program, 'close').then(([code, signal]: unknown[]) => ({
      code: code as number | null,
      signal: signal as NodeJS.Signals | null,
    }));
    onTestFinished(async () => {
      program.kill('SIGKILL');
      await this.ended;
    });
  }

  signal(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  /** What it has written to its console. */
  log(): string {
    return this.#log;
  }

  /** The texts of the events it has logged, each with the id of the process it is about, if there is one. */
  events(): string[] {
    return this.#log.split('\n').flatMap((line) => {
      const message = /msg="([^"]*)"/.exec(line)?.[1];
      const id = / id="([^"]*)"/.exec(line)?.[1];
      return message === undefined ? [] : [id === undefined ? message : `${message} ${id}`];
    });
  }

  async untilLogged(...texts: string[]): Promise<void> {
    await vi.waitFor(() => {
      for (const text of texts) expect(this.#log).toContain(text);
    }, SOON);
  }

  /** The ids of the programs it has started and that still run. */
  children(): number[] {
    return pids().filter((pid) => stat(pid)?.parent === this.pid);
  }
}

/** Waits until none of these programs runs. */
export async function untilGone(programs: readonly number[]): Promise<void> {
  await vi.waitFor(() => {
    expect(programs.filter((pid) => !'ZX'.includes(stat(pid)?.state ?? 'X'))).toEqual([]);
  }, SOON);
}

/** Puts a stand-in for FFmpeg into the folder, which does what its arguments say. Returns its path. */
export async function installStandIn(folder: string, version = 'echo ffmpeg version 5.1.9'): Promise<string> {
  const binary = path.join(folder, 'ffmpeg');
  const standIn = path.join(import.meta.dirname, 'fake-ffmpeg.sh');
  await writeFile(
    binary,
    `#!/bin/sh\nif [ "$1" = -version ]; then ${version}; exit; fi\nexec ${standIn} "$@"\n`,
  );
  await chmod(binary, 0o755);
  return binary;
}

function pids(): number[] {
  return readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? [Number(name)] : []));
}

function stat(pid: number): { state: string; parent: number } | undefined {
  try {
    const [, state = '', parent] =
      readFileSync(`/proc/${pid}/stat`, 'latin1')
        .split(') ')
        .at(-1)
        ?.match(/^(\S) (\d+)/) ?? [];
    return { state, parent: Number(parent) };
  } catch {
    return undefined;
  }
}
