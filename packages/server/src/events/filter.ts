import { createGlob } from '../util/glob.ts';
import type { Entry } from './event.ts';

/** Which events somebody wants. Empty parts want all. */
export interface Selection {
  /** Names such as `process.state`, patterns such as `process.*`, or first parts of names such as `process`. */
  types: readonly string[];
  /** Pattern of process ids. */
  process: string;
  /** Lowest level of the log's lines. */
  level: string;
}

const LEVELS = ['debug', 'info', 'warn', 'error'];

/** Chooses events. Gaps pass all filters: what is missing may have been anything. */
export class Filter {
  /** Equal for filters that choose the same. */
  readonly key: string;
  readonly #isType: (type: string) => boolean;
  readonly #isProcess: (process: string) => boolean;
  readonly #lowest: number;

  constructor({ types, process, level }: Selection) {
    this.key = JSON.stringify([types, process, level]);
    const patterns = types.map((type) => ({ matches: createGlob(type), below: `${type}.` }));
    this.#isType =
      types.length === 0
        ? () => true
        : (name) => patterns.some(({ matches, below }) => matches(name) || name.startsWith(below));
    this.#isProcess = process === '' ? () => true : createGlob(process);
    this.#lowest = level === '' ? 0 : LEVELS.indexOf(level);
  }

  matches({ type, process, level }: Pick<Entry, 'type' | 'process' | 'level'>): boolean {
    if (type === 'gap') return true;
    return (
      this.#isType(type) &&
      this.#isProcess(process) &&
      (level === '' || LEVELS.indexOf(level) >= this.#lowest)
    );
  }
}
