/** Between two reports of the same, in milliseconds. */
const INTERVAL = 10_000;
/** What is remembered; beyond it the oldest is forgotten, and reported again. */
const MAX_KEYS = 1_000;

/** Keeps a caller that asks a hundred times a second, as libsrt's tools do, from filling the log. */
export class Repeats {
  /** By what happened: when it was last reported, and how often it has happened since. */
  readonly #known = new Map<string, { at: number; count: number }>();

  /** How often the same has happened without a report; undefined if it is too early for one. */
  take(key: string): number | undefined {
    const now = performance.now();
    const known = this.#known.get(key);
    if (known !== undefined && now - known.at < INTERVAL) {
      known.count++;
      return undefined;
    }
    this.#known.delete(key);
    this.#known.set(key, { at: now, count: 0 });
    const [oldest] = this.#known.keys();
    if (this.#known.size > MAX_KEYS && oldest !== undefined) this.#known.delete(oldest);
    return known?.count ?? 0;
  }
}
