const INTERVAL_MS = 1_000;

/** Something with deadlines that are looked at once a second. */
export interface Swept {
  /** @param now - milliseconds of `performance.now()` */
  check(now: number): void;
}

/** One timer for all deadlines of all connections. It runs while there are any, and does not keep the process alive. */
export class Sweep {
  readonly #members = new Set<Swept>();
  #timer: NodeJS.Timeout | undefined;

  add(member: Swept): void {
    this.#members.add(member);
    this.#timer ??= setInterval(() => {
      const now = performance.now();
      for (const each of this.#members) each.check(now);
    }, INTERVAL_MS).unref();
  }

  delete(member: Swept): void {
    this.#members.delete(member);
    if (this.#members.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
