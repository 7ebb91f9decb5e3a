const SIZE = 256;

/** The full ACKs that were not answered yet; their answers measure the round-trip time. */
export class AckHistory {
  readonly #sentAt = new Float64Array(SIZE);
  readonly #positions = new Float64Array(SIZE);
  #last = 0;

  /** Notes an ACK and returns its number, which counts from 1. */
  add(position: number, now: number): number {
    this.#last = this.#last === 0xffff_ffff ? 1 : this.#last + 1;
    this.#sentAt[this.#last % SIZE] = now;
    this.#positions[this.#last % SIZE] = position;
    return this.#last;
  }

  /** The round trip (ms) and the position that an answer confirms; undefined if there is no such ACK waiting. */
  confirm(number: number, now: number): { rtt: number; position: number } | undefined {
    if (number < 1 || number > this.#last || number <= this.#last - SIZE) return undefined;
    const sentAt = this.#sentAt[number % SIZE] ?? 0;
    if (sentAt === 0) return undefined;
    this.#sentAt[number % SIZE] = 0;
    return { rtt: now - sentAt, position: this.#positions[number % SIZE] ?? 0 };
  }
}
