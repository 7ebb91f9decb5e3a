import { BlockList, isIP } from 'node:net';
import { CoreError } from '../util/errors.ts';

/** Who may come, as lists of CIDR ranges. An empty allow list allows everybody. */
export interface AccessLists {
  allow: readonly string[];
  block: readonly string[];
}

/** A list of CIDR ranges. Throws `invalid` when made of something else. */
export class Ranges {
  readonly #list = new BlockList();
  readonly isEmpty: boolean;

  constructor(ranges: readonly string[]) {
    this.isEmpty = ranges.length === 0;
    for (const range of ranges) {
      const [network = '', prefix = ''] = range.split('/');
      try {
        if (!/^\d{1,3}$/.test(prefix)) throw new Error('no prefix length');
        this.#list.addSubnet(network, Number(prefix), familyOf(network));
      } catch (error) {
        throw new CoreError('invalid', `${range} is no CIDR range`, { cause: error });
      }
    }
  }

  has(address: string): boolean {
    return !this.isEmpty && isIP(address) !== 0 && this.#list.check(bare(address), familyOf(address));
  }
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

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return address.includes(':') ? 'ipv6' : 'ipv4';
}

/** Without the zone of a link-local address, which lists cannot name. */
function bare(address: string): string {
  return address.replace(/%.*$/, '');
}
