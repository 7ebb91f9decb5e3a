import type { Readable } from 'node:stream';
import type { NodeTracing } from 'node:inspector';
import { CoreError } from '../util/errors.ts';

/** How much of a trace is kept, in characters of its text. */
const MAX_TRACE_LENGTH = 64 * 1024 * 1024;
const TRACE_CATEGORIES = ['node', 'node.async_hooks', 'v8'];

/** Looks into the running program. Only one look at a time: each of them costs the others their truth. */
export class Profiler {
  #isBusy = false;

  /**
   * Records where the CPU time goes.
   *
   * @returns a `.cpuprofile`, as developer tools read it.
   * @throws CoreError `unavailable` while another recording goes on.
   */
  cpuProfile(seconds: number, signal: AbortSignal): Promise<string> {
    return this.#alone(async () => {
      const { Session } = await import('node:inspector/promises');
      const session = new Session();
      session.connect();
      try {
        await session.post('Profiler.enable');
        await session.post('Profiler.start');
        await wait(seconds, signal);
        const { profile } = await session.post('Profiler.stop');
        return JSON.stringify(profile);
      } finally {
        session.disconnect();
      }
    });
  }

  /**
   * Everything in the heap, as a `.heapsnapshot`; the program stands still while it is made. It has to be read or
   * destroyed before anything else can be recorded. Throws CoreError `unavailable`.
   */
  async heapSnapshot(): Promise<Readable> {
    const { getHeapSnapshot } = await import('node:v8');
    this.#begin();
    try {
      return getHeapSnapshot().once('close', () => {
        this.#isBusy = false;
      });
    } catch (error) {
      this.#isBusy = false;
      throw error;
    }
  }

  /** Records events of Node.js and V8, in the format of Chromium's trace viewer. Throws `unavailable`. */
  trace(seconds: number, signal: AbortSignal): Promise<string> {
    return this.#alone(async () => {
      const { Session } = await import('node:inspector/promises');
      const session = new Session();
      session.connect();
      const events: string[] = [];
      let length = 0;
      session.on('NodeTracing.dataCollected', ({ params }) => {
        for (const event of params.value) {
          const text = JSON.stringify(event);
          if ((length += text.length) <= MAX_TRACE_LENGTH) events.push(text);
        }
      });
      const traceConfig: NodeTracing.TraceConfig = { includedCategories: TRACE_CATEGORIES };
      try {
        await session.post('NodeTracing.start', { traceConfig });
        await wait(seconds, signal);
        const complete = new Promise<void>((resolve) => {
          session.once('NodeTracing.tracingComplete', () => {
            resolve();
          });
        });
        await session.post('NodeTracing.stop');
        await complete;
        return `{"traceEvents":[${events.join(',')}]}`;
      } finally {
        session.disconnect();
      }
    });
  }

  async #alone<T>(record: () => Promise<T>): Promise<T> {
    this.#begin();
    try {
      return await record();
    } finally {
      this.#isBusy = false;
    }
  }

  #begin(): void {
    if (this.#isBusy) throw new CoreError('unavailable', 'another recording is under way');
    this.#isBusy = true;
  }
}

/** Ends early if the signal is aborted. */
function wait(seconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, seconds * 1000);
    signal.addEventListener('abort', end);
    if (signal.aborted) end();
  });
}
