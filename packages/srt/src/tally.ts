/** Counts by name; what is at 0 takes no memory. */
export class Tally {
  readonly #counts = new Map<string, number>();

  count(name: string): number {
    return this.#counts.get(name) ?? 0;
  }

  increment(name: string): number {
    const count = this.count(name) + 1;
    this.#counts.set(name, count);
    return count;
  }

  decrement(name: string): void {
    const count = this.count(name) - 1;
    if (count > 0) this.#counts.set(name, count);
    else this.#counts.delete(name);
  }

  clear(): void {
    this.#counts.clear();
  }
}
