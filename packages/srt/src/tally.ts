/** Counts by name; what is at 0 takes no memory. */
export class Tally {
  readonly #counts = new Map<string, number>();
  #total = 0;

  /** Of all names. */
  get total(): number {
    return this.#total;
  }

  count(name: string): number {
    return this.#counts.get(name) ?? 0;
  }

  increment(name: string): void {
    this.#counts.set(name, this.count(name) + 1);
    this.#total++;
  }

  decrement(name: string): void {
    const count = this.count(name) - 1;
    if (count > 0) this.#counts.set(name, count);
    else this.#counts.delete(name);
    this.#total--;
  }

  clear(): void {
    this.#counts.clear();
    this.#total = 0;
  }
}
