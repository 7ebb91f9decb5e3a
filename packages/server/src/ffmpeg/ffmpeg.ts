import type { Spawner } from '../child/children.ts';
import type { Component } from '../components.ts';
import type { Logger } from '../log/logger.ts';
import { CoreError } from '../util/errors.ts';
import { findBinary } from './binary.ts';
import { probe, type Probe } from './probe.ts';
import { run } from './run.ts';
import { Slots } from './slots.ts';
import { loadSkills, parseVersion, type Skills } from './skills.ts';

/** How many probes run at a time; the others wait. */
const PARALLEL_PROBES = 8;

/** The FFmpeg of this machine. */
export class Ffmpeg implements Component {
  readonly #name: string;
  readonly #spawner: Spawner;
  readonly #log: Logger;
  readonly #probes = new Slots(PARALLEL_PROBES);
  readonly #closing = new AbortController();
  #binary = '';
  #version = '';
  #skills: Promise<Skills> | undefined;

  /** @param name a path, or a name to look up in PATH. */
  constructor(name: string, spawner: Spawner, log: Logger) {
    this.#name = name;
    this.#spawner = spawner;
    this.#log = log;
  }

  /** Absolute path. */
  get binary(): string {
    return this.#binary;
  }

  /** Three numbers, or, for a development build, its text. */
  get version(): string {
    return this.#version;
  }

  /** Finds the binary and asks for its version. Throws `invalid` if it is not an FFmpeg that runs. */
  async start(): Promise<void> {
    try {
      this.#binary = findBinary(this.#name);
    } catch (error) {
      throw new CoreError('invalid', `invalid ffmpeg binary given: ${this.#name} was not found`, {
        cause: error,
      });
    }
    const { stdout, stderr, isOk } = await run(this.#binary, ['-version']);
    this.#version = parseVersion(stdout + stderr).version;
    if (!isOk || this.#version === '') {
      throw new CoreError('invalid', `invalid ffmpeg binary given: ${this.#binary} does not tell a version`);
    }
  }

  /** Ends the probes that run and waits until they are gone. */
  async close(): Promise<void> {
    this.#closing.abort(new CoreError('unavailable', 'the server is shutting down'));
    await this.#probes.idle();
  }

  /** What the binary can do, asked once and remembered. */
  skills(): Promise<Skills> {
    this.#skills ??= this.#load();
    return this.#skills;
  }

  /** Asks the binary again. If it does not answer any more, the old answers stay. */
  async reloadSkills(): Promise<Skills> {
    const before = await this.skills();
    const after = await this.#load();
    if (after.ffmpeg.version === '') {
      this.#log.warn('FFmpeg does not tell what it can do', { binary: this.#binary });
      return before;
    }
    this.#skills = Promise.resolve(after);
    return after;
  }

  /**
   * Looks at inputs.
   *
   * @param args global options and inputs, no outputs.
   * @param signal ends the probe, also while it waits for its turn; it rejects with the signal's reason then.
   */
  async probe(args: readonly string[], signal?: AbortSignal): Promise<Probe> {
    const either = signal ? AbortSignal.any([signal, this.#closing.signal]) : this.#closing.signal;
    return this.#probes.use(() => probe(this.#spawner, this.#binary, args, { signal: either }), either);
  }

  #load(): Promise<Skills> {
    return loadSkills((args) => run(this.#binary, args));
  }
}
