import type { ChildProcess } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { getSystemErrorMessage } from 'node:util';
import { LineSplitter } from './lines.ts';
import { NO_USAGE, type Usage } from './usage.ts';

/** How a child ended. An `error` means that it never ran; `outOfMemory`, that the kernel ended it for want of memory. */
export type Exit =
  | { kind: 'code'; code: number }
  | { kind: 'signal'; signal: NodeJS.Signals; outOfMemory: boolean }
  | { kind: 'error'; error: Error };

/** How long a child may take to end after SIGINT before it is killed. */
export const STOP_GRACE = 5_000;

/** How long after its exit a child's output is awaited: a program it left behind may keep that open forever. */
const OUTPUT_GRACE = 1_000;

interface ChildEvents {
  /** A line that it wrote to standard error. */
  line: [text: string];
  /** Its usage was measured, about once a second. */
  sampled: [usage: Usage];
  /** It ran and is gone; its pid may be used again. Lines may still follow. */
  exited: [];
  /** It is gone and all its lines were given out. Comes exactly once, never before `spawn` returned. */
  ended: [exit: Exit];
}

/** One child process from its start to its end. */
export class Child extends EventEmitter<ChildEvents> {
  /** `undefined` if it could not be started; `ended` follows. */
  readonly pid: number | undefined;
  readonly #process: ChildProcess | undefined;
  #usage = NO_USAGE;
  #stopTimer: NodeJS.Timeout | undefined;
  #outputTimer: NodeJS.Timeout | undefined;
  readonly #wasOutOfMemory: () => boolean;
  #forced = false;
  #isKilled = false;
  #ended = false;

  /**
   * @param process just spawned, or why it could not be.
   * @param wasOutOfMemory whether the kernel has just ended a child; asked if nobody here sent a SIGKILL.
   */
  constructor(process: ChildProcess | Error, binary: string, wasOutOfMemory = () => false) {
    super();
    this.#wasOutOfMemory = wasOutOfMemory;
    if (process instanceof Error) {
      queueMicrotask(() => {
        this.#end({ kind: 'error', error: spawnError(binary, process) });
      });
      return;
    }
    this.pid = process.pid;
    this.#process = process;
    this.#listen(process, binary);
  }

  /** The newest measured usage; zeros before the first and after the end. */
  get usage(): Usage {
    return this.#usage;
  }

  /** Whether it had to be killed because it did not react to `stop`. */
  get forced(): boolean {
    return this.#forced;
  }

  /** Asks it to end (SIGINT) and kills it if it does not within the grace period. Does not wait. */
  stop(): void {
    if (this.#ended || this.#stopTimer !== undefined) return;
    this.#stopTimer = setTimeout(() => {
      this.#forced = true;
      this.kill();
    }, STOP_GRACE);
    this.#process?.kill('SIGINT');
  }

  /** Ends it at once (SIGKILL). Does not wait. */
  kill(): void {
    this.#isKilled = true;
    this.#process?.kill('SIGKILL');
  }

  /** Takes a new measurement. */
  sample(usage: Usage): void {
    if (this.#ended) return;
    this.#usage = usage;
    this.emit('sampled', usage);
  }

  #listen(process: ChildProcess, binary: string): void {
    const lines = new LineSplitter((line) => this.emit('line', line));
    process.stderr?.on('data', (chunk: Buffer) => {
      lines.push(chunk);
    });
    process.stderr?.on('error', () => {
      // A broken pipe ends the output, which is all there is to know; the exit follows.
    });
    process.on('error', (error) => {
      // With a pid it is only a signal that could not be delivered.
      if (this.pid === undefined) this.#end({ kind: 'error', error: spawnError(binary, error) });
    });
    process.on('exit', () => {
      clearTimeout(this.#stopTimer);
      this.emit('exited');
      this.#outputTimer = setTimeout(() => process.stderr?.destroy(), OUTPUT_GRACE);
    });
    process.on('close', (code, signal) => {
      lines.end();
      if (signal === null) this.#end({ kind: 'code', code: code ?? 0 });
      else this.#end({ kind: 'signal', signal, outOfMemory: this.#isOutOfMemory(signal) });
    });
  }

  #isOutOfMemory(signal: NodeJS.Signals): boolean {
    return signal === 'SIGKILL' && !this.#isKilled && this.#wasOutOfMemory();
  }

  #end(exit: Exit): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#stopTimer);
    clearTimeout(this.#outputTimer);
    this.#usage = NO_USAGE;
    this.emit('ended', exit);
  }
}

/** compat: the wording that users of the reference know from their process logs. */
function spawnError(binary: string, error: Error): Error {
  return new Error(`fork/exec ${binary}: ${reasonOf(error)}`, { cause: error });
}

function reasonOf(error: Error): string {
  if ('errno' in error && typeof error.errno === 'number') return getSystemErrorMessage(error.errno);
  // The runtime's own text shows the argument, which may hold a secret.
  const isArgument = 'code' in error && error.code === 'ERR_INVALID_ARG_VALUE';
  return isArgument ? 'invalid argument' : error.message;
}
