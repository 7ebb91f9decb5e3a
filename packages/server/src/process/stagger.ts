/** Starts things at random moments within a while, so that not all begin at once. */
export class Stagger {
  readonly #timers = new Set<NodeJS.Timeout>();

  /** @param start must not throw. */
  later(start: () => void, withinMs: number): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      start();
    }, Math.random() * withinMs);
    this.#timers.add(timer);
  }

  /** Forgets what has not been started yet. */
  close(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }
}
