import type { Spawner } from '../child/children.ts';
import { parseStreams } from './json-channel.ts';
import { PreludeParser } from './prelude.ts';
import { isStatusLine } from './status-line.ts';
import type { Stream } from './stream.ts';
import { stripTags } from './tags.ts';

/** What FFmpeg says about inputs without doing anything with them. */
export interface Probe {
  streams: Stream[];
  /** Everything it wrote, or why it could not run. */
  log: string[];
}

/** How long a probe may take before it is ended, in milliseconds. */
export const PROBE_TIMEOUT = 20_000;

/** How many lines of a probe are kept. */
const MAX_LOG_LINES = 5_000;

export interface ProbeOptions {
  /** Ends the probe; it rejects with the signal's reason then. */
  signal?: AbortSignal | undefined;
  timeoutMs?: number;
}

/** Runs FFmpeg with inputs only and collects what it tells about them. It always ends. */
export function probe(
  spawner: Spawner,
  binary: string,
  args: readonly string[],
  { signal, timeoutMs = PROBE_TIMEOUT }: ProbeOptions = {},
): Promise<Probe> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const collector = new ProbeCollector();
    const child = spawner.spawn({ binary, args });
    const timer = setTimeout(() => {
      child.stop();
    }, timeoutMs);
    const abort = (): void => {
      child.kill();
    };
    signal?.addEventListener('abort', abort);
    child.on('line', (line) => {
      collector.line(line);
    });
    child.once('ended', (exit) => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
      if (exit.kind === 'error') collector.line(exit.error.message);
      // The reason is what the caller chose to abort with.
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors
      if (signal?.aborted) reject(signal.reason);
      else resolve(collector.result());
    });
  });
}

/** Collects streams and log from the lines of a probing FFmpeg. */
export class ProbeCollector {
  readonly #prelude = new PreludeParser();
  readonly #log: string[] = [];
  #streams: Stream[] | undefined;

  line(text: string): void {
    const line = stripTags(text);
    if (line.startsWith('avstream.progress:')) return;
    if (this.#log.length < MAX_LOG_LINES) this.#log.push(text);
    if (line.startsWith(JSON_INPUTS)) this.#streams ??= tryParse(line.slice(JSON_INPUTS.length));
    else if (!isStatusLine(line)) this.#prelude.line(line);
  }

  result(): Probe {
    return { streams: this.#streams ?? this.#prelude.inputs, log: this.#log };
  }
}

const JSON_INPUTS = 'ffmpeg.inputs:';

function tryParse(json: string): Stream[] | undefined {
  try {
    return parseStreams(json);
  } catch {
    return undefined; // the line is in the log, and the prelude tells the same
  }
}
