import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Component } from '../components.ts';
import type { Logger } from '../log/logger.ts';
import { CoreError, errorText } from '../util/errors.ts';
import type { PlaneHost } from './host.ts';
import { type ArgsOf, Link, type Methods, type ResultOf } from './link.ts';
import type { Plane } from './plane.ts';

/** How long a plane may take to end its streams, in milliseconds. */
const CLOSE_TIMEOUT = 5_000;

/**
 * What V8 keeps for new objects, in MiB. What moves through a plane lies in buffers outside of it; with the default the
 * thread takes up to 50 MiB more, and is no faster.
 */
const YOUNG_GENERATION = 8;

/** Between a plane's unexpected end and the next start, in milliseconds; doubles up to the second value. */
const RESTART_DELAY = [500, 30_000] as const;

/** Runs a plane in a thread of its own, and starts it anew should that thread die. */
export class MediaWorker<Options, Offered extends Plane<Options>> implements Component {
  readonly #module: URL;
  readonly #host: Methods<PlaneHost>;
  readonly #log: Logger;
  readonly #onExit: () => void;
  /** What the plane is started with, should it have to be started again. */
  #options: Options;
  #thread: Thread<Offered> | undefined;
  /** That is being started. */
  #booting: Thread<Offered> | undefined;
  #isOpen = false;
  #restart: NodeJS.Timeout | undefined;
  #restartDelay: number = RESTART_DELAY[0];

  /**
   * @param module that calls `runPlane`; see `planeModule`.
   * @param onExit told when the thread has died by itself: its streams are over.
   */
  constructor(
    module: URL,
    options: Options,
    host: Methods<PlaneHost>,
    log: Logger,
    onExit: () => void = () => undefined,
  ) {
    this.#module = module;
    this.#options = options;
    this.#host = host;
    this.#log = log;
    this.#onExit = onExit;
  }

  /** Rejects if the plane cannot start, such as because its port is taken. */
  async start(): Promise<void> {
    this.#isOpen = true;
    try {
      await this.#run();
    } catch (error) {
      this.#isOpen = false;
      throw error;
    }
  }

  /** Whether the plane does its work. */
  get isRunning(): boolean {
    return this.#thread !== undefined;
  }

  /**
   * Calls a method of the plane.
   *
   * @throws what the method throws, and `unavailable` while the plane does not run.
   */
  call<Name extends keyof Offered & string>(
    name: Name,
    ...args: ArgsOf<Offered[Name]>
  ): Promise<ResultOf<Offered[Name]>> {
    return (
      this.#thread?.link.call(name, ...args) ??
      Promise.reject(new CoreError('unavailable', 'the media worker does not run'))
    );
  }

  /** Calls a method of the plane without waiting for its result. Does nothing while the plane does not run. */
  tell<Name extends keyof Offered & string>(name: Name, ...args: ArgsOf<Offered[Name]>): void {
    this.#thread?.link.tell(name, ...args);
  }

  /** Changes what can be changed while streams run. A plane that starts anew starts with these options. */
  configure(options: Options): void {
    this.#options = options;
    if (this.#thread !== undefined) lifeOf<Options>(this.#thread.link).tell('configure', options);
  }

  /** Ends all streams, and then the thread. One that is only being started has no streams, and ends at once. */
  async close(): Promise<void> {
    this.#isOpen = false;
    clearTimeout(this.#restart);
    if (this.#booting !== undefined) await end(this.#booting);
    const thread = this.#thread;
    if (thread === undefined) return;
    this.#thread = undefined;
    const deadline = setTimeout(() => {
      thread.link.close('the streams take too long to end');
    }, CLOSE_TIMEOUT);
    try {
      await lifeOf<Options>(thread.link).call('close');
    } catch (error) {
      this.#log.error('The streams did not end by themselves', { error: errorText(error) });
    } finally {
      clearTimeout(deadline);
    }
    await end(thread);
  }

  async #run(): Promise<void> {
    const worker = new Worker(this.#module, {
      // Sources run as they are; what is built needs no condition.
      execArgv: extname(this.#module.pathname) === '.ts' ? ['--conditions=source'] : [],
      env: {},
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION },
    });
    const link = new Link<Offered>(worker, this.#host, (error) => {
      this.#log.error('A call of the media worker failed', { error: errorText(error) });
    });
    let failure: unknown;
    worker.once('error', (error) => (failure = error));
    worker.once('exit', (code) => {
      link.close('the media worker has ended');
      if (this.#thread?.worker !== worker) return;
      this.#thread = undefined;
      this.#log.error('The media worker has ended', {
        error: failure === undefined ? `exit code ${code}` : errorText(failure),
      });
      this.#onExit();
      this.#runLater();
    });
    const thread = { worker, link };
    this.#booting = thread;
    try {
      await lifeOf<Options>(link).call('start', this.#options);
    } catch (error) {
      await end(thread);
      throw failure ?? error;
    } finally {
      this.#booting = undefined;
    }
    // It may have been closed in the meantime.
    if (this.#isOpen) this.#thread = thread;
    else await end(thread);
  }

  #runLater(): void {
    if (!this.#isOpen) return;
    this.#restart = setTimeout(() => {
      this.#run().then(
        () => (this.#restartDelay = RESTART_DELAY[0]),
        (error: unknown) => {
          if (!this.#isOpen) return;
          this.#log.error('The media worker cannot start', { error: errorText(error) });
          this.#restartDelay = Math.min(2 * this.#restartDelay, RESTART_DELAY[1]);
          this.#runLater();
        },
      );
    }, this.#restartDelay).unref();
  }
}

interface Thread<Offered> {
  worker: Worker;
  link: Link<Offered>;
}

/** The module that runs a plane: a file of this name beside the one that asks, as source or as built. */
export function planeModule(importer: string, name: string): URL {
  return new URL(`./${name}${extname(importer)}`, importer);
}

/** What every plane offers. */
function lifeOf<Options>(link: object): Link<Plane<Options>> {
  return link as Link<Plane<Options>>;
}

async function end({ worker, link }: Thread<unknown>): Promise<void> {
  link.close('the media worker was stopped');
  await worker.terminate();
}
