import { Ring } from '../util/ring.ts';
import type { Failure } from './failure.ts';

export interface LogLine {
  /** Unix time in milliseconds. */
  at: number;
  text: string;
}

/** What one run of FFmpeg wrote. */
export interface Run {
  /** Start of the run in unix milliseconds. */
  createdAt: number;
  /** What came before the first progress. */
  prelude: readonly string[];
  log: readonly LogLine[];
  /** Why it failed, if it did. */
  failure?: Failure | undefined;
}

/** The latest run, and those before it, oldest first. */
export interface Report extends Run {
  history: readonly Run[];
}

/** Keeps runs that are over. */
export interface RunHistory {
  add(run: Run): void;
  /** Oldest first. */
  runs(): readonly Run[];
}

/** A history in memory that keeps the newest `capacity` runs. */
export function createHistory(capacity: number): RunHistory {
  const ring = new Ring<Run>(capacity);
  return {
    add: (run) => {
      ring.push(run);
    },
    runs: () => ring.toArray(),
  };
}

const PRELUDE_HEAD = 100;
const PRELUDE_TAIL = 50;

/** Collects what the present run writes. */
export class RunLog {
  readonly #log: Ring<LogLine>;
  #createdAt = Date.now();
  #head: string[] = [];
  #tail = new Ring<string>(PRELUDE_TAIL);
  #preludeLines = 0;
  #lastLine = '';
  /** Why the run failed; `undefined` as long as it did not. */
  failure: Failure | undefined;

  /** @param maxLines how many lines of the log are kept; at least one is. */
  constructor(maxLines: number) {
    this.#log = new Ring(Math.max(1, maxLines));
  }

  resize(maxLines: number): void {
    this.#log.resize(Math.max(1, maxLines));
  }

  /** Whether there is a run worth keeping. */
  get isTelling(): boolean {
    return this.#preludeLines > 0 || this.failure !== undefined;
  }

  get log(): readonly LogLine[] {
    return this.#log.toArray();
  }

  /** The newest line of FFmpeg, or of ours if FFmpeg wrote none. */
  get lastLine(): string {
    return this.#lastLine;
  }

  /** Empties everything: a new run begins. */
  clear(): void {
    this.#createdAt = Date.now();
    this.#head = [];
    this.#tail = new Ring(PRELUDE_TAIL);
    this.#preludeLines = 0;
    this.#lastLine = '';
    this.failure = undefined;
    this.#log.clear();
  }

  line(text: string): void {
    this.#lastLine = text;
    this.#log.push({ at: Date.now(), text });
  }

  /** Adds a line of ours. It does not hide what FFmpeg said last, which is what people look for. */
  note(text: string): void {
    if (this.#lastLine === '') this.#lastLine = text;
    this.#log.push({ at: Date.now(), text });
  }

  preludeLine(text: string): void {
    this.#preludeLines++;
    if (this.#head.length < PRELUDE_HEAD) this.#head.push(text);
    else this.#tail.push(text);
  }

  run(): Run {
    const { failure } = this;
    return {
      createdAt: this.#createdAt,
      prelude: this.#prelude(),
      log: this.#log.toArray(),
      ...(failure && { failure }),
    };
  }

  #prelude(): string[] {
    const truncated = this.#preludeLines - PRELUDE_HEAD - PRELUDE_TAIL;
    const gap = truncated > 0 ? [`... truncated ${truncated} lines ...`] : [];
    return [...this.#head, ...gap, ...this.#tail.toArray()];
  }
}
