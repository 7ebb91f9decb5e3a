import type { Run, RunHistory } from '../ffmpeg/report.ts';
import { Ring } from '../util/ring.ts';

/** The newest runs of a process, to be stored when they changed. */
export class History implements RunHistory {
  readonly #ring: Ring<Run>;
  #isDirty = false;

  /** @param capacity how many runs are kept; may be 0. */
  constructor(capacity: number, runs: readonly Run[] = []) {
    this.#ring = new Ring(capacity);
    for (const run of runs) this.#ring.push(run);
  }

  /** Whether it changed since it was last stored. */
  get isDirty(): boolean {
    return this.#isDirty;
  }

  add(run: Run): void {
    this.#ring.push(run);
    this.#isDirty = true;
  }

  runs(): readonly Run[] {
    return this.#ring.toArray();
  }

  resize(capacity: number): void {
    this.#ring.resize(capacity);
  }

  /** Notes that the present state is stored. */
  stored(): void {
    this.#isDirty = false;
  }
}
