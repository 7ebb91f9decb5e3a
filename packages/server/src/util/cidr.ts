import { BlockList, isIP } from 'node:net';
import { CoreError } from './errors.ts';

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

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return address.includes(':') ? 'ipv6' : 'ipv4';
}

/** Without the zone of a link-local address, which lists cannot name. */
function bare(address: string): string {
  return address.replace(/%.*$/, '');
}
