/** Keeps the newest `capacity` items. A capacity of 0 keeps none. */
export class Ring<T> {
  #items: T[] = [];
  #capacity: number;

  constructor(capacity: number) {
    this.#capacity = Math.max(0, capacity);
  }

  push(item: T): void {
    this.#items.push(item);
    // Dropping in blocks keeps a push cheap on average.
    if (this.#items.length >= 2 * this.#capacity) this.#trim();
  }

  resize(capacity: number): void {
    this.#capacity = Math.max(0, capacity);
    this.#trim();
  }

  clear(): void {
    this.#items = [];
  }

  /** The items, oldest first, as a new array. */
  toArray(): T[] {
    return this.#capacity === 0 ? [] : this.#items.slice(-this.#capacity);
  }

  #trim(): void {
    this.#items = this.toArray();
  }
}
