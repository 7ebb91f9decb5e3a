import { isIPv4, isIPv6 } from 'node:net';

const GROUPS = 8;
const NETWORK_GROUPS = 4;

/** The network that an address belongs to, an IPv4 /24 or an IPv6 /64; any other text as it is. */
export function networkOf(address: string): string {
  if (isIPv4(address)) return address.replace(/\d+$/, '0');
  if (!isIPv6(address)) return address;
  return normalize(`${groupsOf(address).slice(0, NETWORK_GROUPS).join(':')}::`);
}

/** The eight numbers of an IPv6 address, in hexadecimal. */
function groupsOf(address: string): string[] {
  const [withoutZone = ''] = address.split('%');
  const [head = [], tail = []] = normalize(withoutZone)
    .split('::')
    .map((part) => part.split(':').filter((group) => group !== ''));
  const zeros = Array.from({ length: GROUPS - head.length - tail.length }, () => '0');
  return [...head, ...zeros, ...tail];
}

/** The shortest form (RFC 5952), with an IPv4 address at the end as two numbers. */
function normalize(address: string): string {
  return new URL(`http://[${address}]`).hostname.slice(1, -1);
}
