import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';
import { peerAddress } from '../util/address.ts';
import { Ranges } from '../util/cidr.ts';

const LOOPBACK = new Ranges(['127.0.0.0/8', '::1/128']);
const FORWARDING_HEADERS = ['x-forwarded-for', 'forwarded', 'x-real-ip', 'via'] as const;
/** Longer texts are no address. */
const MAX_ADDRESS_LENGTH = 64;
const MAX_PREFIX_LENGTH = 256;
/** No host, no dot segments, nothing that would have to be escaped. */
const PREFIX = /^(?:\/(?!\.{1,2}(?:\/|$))[\w.~-]+)*$/;

/**
 * The address a request came from. Forwarding headers count only from trusted proxies, so nobody can choose
 * an own address; what a trusted proxy passed on may be something else than an address.
 */
export function clientAddress(peer: string, headers: IncomingHttpHeaders, trusted: Ranges): string {
  if (!trusted.has(peer)) return peer;
  const forwarded = headers['x-forwarded-for'];
  if (forwarded === undefined) {
    const real = headers['x-real-ip'];
    return typeof real === 'string' ? toAddress(real) : peer;
  }
  const hops = String(forwarded).split(',').map(toAddress);
  return hops.findLast((hop) => !trusted.has(hop)) ?? hops[0] ?? peer;
}

/**
 * The address that a request says it came from, whoever sent it: anybody can choose it, so it is good for counting
 * only. It may be something else than an address.
 */
export function claimedAddress(peer: string, headers: IncomingHttpHeaders): string {
  const claimed = headers['x-forwarded-for'] ?? headers['x-real-ip'];
  if (claimed === undefined) return peer;
  const [first = ''] = String(claimed).split(',');
  return toAddress(first);
}

/**
 * The path below which a proxy serves this server, such as `/media`; empty if it does not say so or is not trusted. What
 * several proxies have taken off is put together again.
 */
export function forwardedPrefix(peer: string, headers: IncomingHttpHeaders, trusted: Ranges): string {
  const header = headers['x-forwarded-prefix'];
  if (header === undefined || !trusted.has(peer)) return '';
  const prefix = String(header)
    .split(',')
    .map((part) => part.trim().replace(/\/+$/, ''))
    .join('');
  return prefix.length <= MAX_PREFIX_LENGTH && PREFIX.test(prefix) ? prefix : '';
}

/**
 * Whether a request is sent by a program on this machine and on its own account: neither passed on by a proxy
 * here nor by a browser that shows somebody else's page.
 *
 * @param hostNames names of this server beside those of the loopback interface.
 */
export function isLocalRequest(
  peer: string,
  headers: IncomingHttpHeaders,
  hostNames: readonly string[],
): boolean {
  if (!LOOPBACK.has(peer)) return false;
  if (FORWARDING_HEADERS.some((name) => headers[name] !== undefined)) return false;
  const host = headers.host?.toLowerCase() ?? '';
  if (!isOwnName(hostOnly(host), hostNames)) return false;
  const { origin, 'sec-fetch-site': site } = headers;
  // Of what a foreign page loads as an image there is no origin.
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return false;
  return origin === undefined || /^https?:\/\/(.*)$/.exec(origin.toLowerCase())?.[1] === host;
}

function isOwnName(name: string, hostNames: readonly string[]): boolean {
  return name === 'localhost' || LOOPBACK.has(name) || hostNames.some((own) => own.toLowerCase() === name);
}

function hostOnly(host: string): string {
  return host.startsWith('[') ? host.slice(1).replace(/\].*$/, '') : host.replace(/:\d*$/, '');
}

/** One element of a forwarding header; some proxies add the port. */
function toAddress(text: string): string {
  const trimmed = text.trim().slice(0, MAX_ADDRESS_LENGTH);
  const address = isIP(trimmed) === 0 ? hostOnly(trimmed) : trimmed;
  return peerAddress(address);
}
