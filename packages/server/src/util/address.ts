import { isIP, isIPv4, isIPv6 } from 'node:net';

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

const IPV4_MAPPED = /^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i;

/** The address of a socket's other end, IPv4 in its own form. */
export function peerAddress(remoteAddress: string | undefined): string {
  return remoteAddress?.replace(IPV4_MAPPED, '') ?? '';
}

/** Whether a host is this machine itself. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || (isIP(host) === 4 ? host.startsWith('127.') : host === '::1');
}

/** `address:port`, an IPv6 address in brackets. */
export function hostAndPort(address: string, port: number): string {
  return `${isIPv6(address) ? `[${address}]` : address}:${port}`;
}

/** Takes `host:port` apart; an empty host is all interfaces. */
export function splitListenAddress(address: string): { host: string; port: number } {
  const colon = address.lastIndexOf(':');
  return { host: address.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(address.slice(colon + 1)) };
}
