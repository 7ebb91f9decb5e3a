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
export class Reloader {
  readonly #reload: () => Promise<void>;
  #latest: ReloadOutcome | undefined;
  #isWanted = false;
  #run: Promise<void> | undefined;

  /** @param reload rejects if the new configuration cannot run. */
  constructor(reload: () => Promise<void>) {
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
      this.#latest = outcome('running');
      try {
        await this.#reload();
        this.#latest = outcome('done');
      } catch (error) {
        this.#latest = outcome('failed', errorText(error));
      }
    }
  }
}

function outcome(state: ReloadOutcome['state'], error = ''): ReloadOutcome {
  return { state, at: new Date(), error };
}
