import '../util/json.ts';

/** Any JSON value by key, kept in memory and written through. */
export class Metadata {
  readonly #values = new Map<string, unknown>();
  readonly #write: (key: string, value: string | undefined) => void;
  #whenEmpty: Record<string, never> | null;

  /**
   * @param entries what is stored, values as JSON text.
   * @param write stores a value, or removes it if it is `undefined`; throws if it cannot.
   * @param whenEmpty what stands for an empty set as long as nothing was removed from it.
   */
  constructor(
    entries: Iterable<readonly [key: string, value: string]>,
    write: (key: string, value: string | undefined) => void,
    whenEmpty: Record<string, never> | null = null,
  ) {
    for (const [key, value] of entries) this.#values.set(key, parse(value));
    this.#write = write;
    this.#whenEmpty = whenEmpty;
  }

  /** All values, sorted by key; `null` for none. */
  all(): Record<string, unknown> | null {
    if (this.#values.size === 0) return this.#whenEmpty;
    return Object.fromEntries([...this.#values].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  /** `undefined` if there is no such key. */
  get(key: string): unknown {
    return this.#values.get(key);
  }

  /** Stores a value; `null` removes the key. */
  set(key: string, value: unknown): void {
    if (value === null) {
      this.#write(key, undefined);
      // compat: clients see from this point on that there is nothing.
      if (this.#values.delete(key)) this.#whenEmpty = null;
    } else {
      const text = JSON.stringify(value);
      this.#write(key, text);
      this.#values.set(key, parse(text));
    }
  }
}

/** Numbers that a double cannot hold keep their text. */
function parse(text: string): unknown {
  return JSON.parse(text, (_key, value: unknown, context?: { source?: string }) =>
    typeof value === 'number' && context?.source !== undefined && context.source !== String(value)
      ? JSON.rawJSON(context.source)
      : value,
  );
}
