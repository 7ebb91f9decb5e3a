import { isIP } from 'node:net';
import { Ranges } from '../util/cidr.ts';

/** Who may come, as lists of CIDR ranges. An empty allow list allows everybody. */
export interface AccessLists {
  allow: readonly string[];
  block: readonly string[];
}

/** Lets addresses in or not: the block list comes first, and what is no address is refused. */
export class IpFilter {
  readonly #allow: Ranges;
  readonly #block: Ranges;

  constructor({ allow, block }: AccessLists) {
    this.#allow = new Ranges(allow);
    this.#block = new Ranges(block);
  }

  /** Whether there is nothing to look at. */
  get allowsAll(): boolean {
    return this.#allow.isEmpty && this.#block.isEmpty;
  }

  allows(address: string): boolean {
    if (this.allowsAll) return true;
    if (isIP(address) === 0 || this.#block.has(address)) return false;
    return this.#allow.isEmpty || this.#allow.has(address);
  }
}
