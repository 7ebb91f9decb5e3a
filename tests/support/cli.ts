import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { onTestFinished } from 'vitest';

const ROOT = path.resolve(import.meta.dirname, '../..');
const NODE = path.join(ROOT, 'node_modules/.bin/node');
const MAIN = path.join(ROOT, 'packages/cli/src/main.ts');

/** How a command line of `millrace` starts. */
export const MILLRACE = [NODE, '--conditions=source', MAIN] as const;

/** What a command has left behind. */
export interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  env?: Readonly<Record<string, string>>;
  /** The standard input; empty if left out. */
  input?: string | Buffer;
}

/** The command line `millrace` as a program of its own, with profiles of its own. */
export class Cli {
  /** For the profiles and for files. */
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** One whose profiles end with the test. */
  static async forTest(): Promise<Cli> {
    const folder = await mkdtemp(path.join(tmpdir(), 'millrace-cli-'));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    return new Cli(folder);
  }

  get env(): Record<string, string> {
    return { PATH: process.env['PATH'] ?? '', HOME: this.folder, MILLRACE_CONFIG_DIR: this.configFolder };
  }

  get configFolder(): string {
    return path.join(this.folder, 'config');
  }

  /** Runs it to its end. */
  async run(args: readonly string[], { env = {}, input = '' }: RunOptions = {}): Promise<Outcome> {
    const command = this.start(args, env);
    command.process.stdin.end(input);
    return command.ended;
  }

  /** Starts it. It ends with the test, at the latest. */
  start(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    const [node, ...before] = MILLRACE;
    const program = spawn(node, [...before, ...args], {
      cwd: this.folder,
      env: { ...this.env, ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const out = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      program[name].setEncoding('utf8').on('data', (text: string) => (out[name] += text));
    }
    program.stdin.on('error', () => undefined);
    const ended = once(program, 'close').then(([code]: unknown[]): Outcome => ({
      code: code as number | null,
      ...out,
    }));
    onTestFinished(async () => {
      program.kill('SIGKILL');
      await ended;
    });
    return { process: program, ended, out };
  }

  /** Runs it and throws unless it succeeds. Returns what it has printed. */
  async ok(args: readonly string[], options: RunOptions = {}): Promise<string> {
    const { code, stdout, stderr } = await this.run(args, options);
    if (code !== 0) throw new Error(`millrace ${args.join(' ')} ended with ${code}: ${stderr}`);
    return stdout;
  }
}
