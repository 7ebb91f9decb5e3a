import { EventEmitter } from 'node:events';
import { errorText } from './util/errors.ts';

/** How the latest reload went, or goes. */
export interface ReloadOutcome {
  state: 'running' | 'done' | 'failed';
  /** When it came to that. */
  at: Date;
  /** Why the old configuration still runs; empty unless it failed. */
  error: string;
}

/** Runs reloads in the background, one at a time; those asked for meanwhile are served by one more. */
export class Reloader extends EventEmitter<{ changed: [outcome: ReloadOutcome] }> {
  readonly #reload: () => Promise<void>;
  #latest: ReloadOutcome | undefined;
  #isWanted = false;
  #run: Promise<void> | undefined;

  /** @param reload rejects if the new configuration cannot run. */
  constructor(reload: () => Promise<void>) {
    super();
    this.#reload = reload;
  }

  /** Undefined before the first. */
  get latest(): ReloadOutcome | undefined {
    return this.#latest;
  }

  /** Asks for a reload that begins after this call. Resolves when it is over, however it went. */
  request(): Promise<void> {
    this.#isWanted = true;
    this.#run ??= this.#work().finally(() => {
      this.#run = undefined;
    });
    return this.#run;
  }

  async #work(): Promise<void> {
    while (this.#isWanted) {
      this.#isWanted = false;
      this.#become('running');
      try {
        await this.#reload();
        this.#become('done');
      } catch (error) {
        this.#become('failed', errorText(error));
      }
    }
  }

  #become(state: ReloadOutcome['state'], error = ''): void {
    this.#latest = { state, at: new Date(), error };
    this.emit('changed', this.#latest);
  }
}
