import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { claimedAddress, clientAddress, forwardedPrefix, isLocalRequest } from './client-ip.ts';
import { Ranges } from '../util/cidr.ts';
import { IpFilter } from './ip-filter.ts';

const PROXIES = new Ranges(['10.0.0.0/8', 'fd00::/8']);
const NOBODY = new Ranges([]);

describe('the client', () => {
  test.each([
    ['without headers', '10.0.0.1', {}, '10.0.0.1'],
    ['behind a proxy', '10.0.0.1', { 'x-forwarded-for': '192.0.2.1' }, '192.0.2.1'],
    ['that made up a hop', '10.0.0.1', { 'x-forwarded-for': '127.0.0.1, 192.0.2.1' }, '192.0.2.1'],
    ['behind two proxies', '10.0.0.1', { 'x-forwarded-for': '127.0.0.1,192.0.2.1, 10.0.0.2' }, '192.0.2.1'],
    ['that is a proxy', '10.0.0.1', { 'x-forwarded-for': '10.0.0.3, 10.0.0.2' }, '10.0.0.3'],
    ['with a port', '10.0.0.1', { 'x-forwarded-for': '192.0.2.1:4711' }, '192.0.2.1'],
    ['of IPv6', 'fd00::1', { 'x-forwarded-for': '2001:db8::1' }, '2001:db8::1'],
    ['of IPv6 in brackets', '10.0.0.1', { 'x-forwarded-for': '[2001:db8::1]:4711' }, '2001:db8::1'],
    ['of mapped IPv4', '10.0.0.1', { 'x-forwarded-for': '::ffff:192.0.2.1' }, '192.0.2.1'],
    ['named otherwise', '10.0.0.1', { 'x-real-ip': '192.0.2.1' }, '192.0.2.1'],
    ['named twice', '10.0.0.1', { 'x-forwarded-for': '192.0.2.1', 'x-real-ip': '127.0.0.1' }, '192.0.2.1'],
    ['that is unknown', '10.0.0.1', { 'x-forwarded-for': 'unknown' }, 'unknown'],
    ['that is no proxy', '192.0.2.9', { 'x-forwarded-for': '127.0.0.1', 'x-real-ip': '::1' }, '192.0.2.9'],
  ])('%s', (_what, peer, headers, address) => {
    expect(clientAddress(peer, headers, PROXIES)).toBe(address);
  });

  test('without trusted proxies is always the other end of the socket', () => {
    fc.assert(
      fc.property(fc.ipV4(), fc.string(), fc.string(), (peer, forwarded, real) => {
        const headers = { 'x-forwarded-for': forwarded, 'x-real-ip': real };
        expect(clientAddress(peer, headers, NOBODY)).toBe(peer);
      }),
    );
  });

  test('cannot choose its address by what it puts in front', () => {
    fc.assert(
      fc.property(fc.string(), (forged) => {
        const headers = { 'x-forwarded-for': `${forged},192.0.2.1` };
        expect(clientAddress('10.0.0.1', headers, PROXIES)).toBe('192.0.2.1');
      }),
    );
  });
});

describe('a request is local', () => {
  const HOSTS = ['core.example.com'];

  test.each([
    ['from this machine', '127.0.0.1', { host: '127.0.0.1:8080' }, true],
    ['from another loopback address', '127.1.2.3', { host: 'localhost' }, true],
    ['over IPv6', '::1', { host: '[::1]:8080' }, true],
    ['to its own name', '127.0.0.1', { host: 'Core.Example.com:8080' }, true],
    ['from its own page', '127.0.0.1', { host: 'localhost:8080', origin: 'http://localhost:8080' }, true],
    ['from elsewhere', '192.0.2.1', { host: 'localhost' }, false],
    ['from elsewhere, pretending', '192.0.2.1', { host: 'localhost', 'x-forwarded-for': '127.0.0.1' }, false],
    [
      'through a proxy (X-Forwarded-For)',
      '127.0.0.1',
      { host: 'localhost', 'x-forwarded-for': '127.0.0.1' },
      false,
    ],
    ['through a proxy (Forwarded)', '127.0.0.1', { host: 'localhost', forwarded: 'for=127.0.0.1' }, false],
    ['through a proxy (X-Real-IP)', '127.0.0.1', { host: 'localhost', 'x-real-ip': '127.0.0.1' }, false],
    ['through a proxy (Via)', '127.0.0.1', { host: 'localhost', via: '1.1 proxy' }, false],
    ['with an empty header of a proxy', '127.0.0.1', { host: 'localhost', via: '' }, false],
    [
      'from a foreign page',
      '127.0.0.1',
      { host: 'localhost:8080', origin: 'https://evil.example.com' },
      false,
    ],
    [
      'from a page of another port',
      '127.0.0.1',
      { host: 'localhost:8080', origin: 'http://localhost:3000' },
      false,
    ],
    ['from a page without origin', '127.0.0.1', { host: 'localhost:8080', origin: 'null' }, false],
    [
      'for an image of a foreign page',
      '127.0.0.1',
      { host: 'localhost:8080', 'sec-fetch-site': 'cross-site' },
      false,
    ],
    ['typed into a browser', '127.0.0.1', { host: 'localhost:8080', 'sec-fetch-site': 'none' }, true],
    ['to a foreign name that points here', '127.0.0.1', { host: 'evil.example.com:8080' }, false],
    ['to a name that begins alike', '127.0.0.1', { host: '127.0.0.1.evil.example.com' }, false],
    ['without a name', '127.0.0.1', {}, false],
  ])('%s: %s', (_what, peer, headers, isLocal) => {
    expect(isLocalRequest(peer, headers, HOSTS)).toBe(isLocal);
  });
});

describe('the IP lists', () => {
  test.each([
    [[], [], '192.0.2.1', true],
    [[], [], 'unknown', true],
    [['192.0.2.0/24'], [], '192.0.2.1', true],
    [['192.0.2.0/24'], [], '198.51.100.1', false],
    [['192.0.2.0/24'], [], '2001:db8::1', false],
    [['0.0.0.0/0'], [], '2001:db8::1', false],
    [['2001:db8::/32'], [], '2001:db8::1', true],
    [['fe80::/10'], [], 'fe80::1%eth0', true],
    [[], ['192.0.2.1/32'], '192.0.2.1', false],
    [[], ['192.0.2.1/32'], '192.0.2.2', true],
    [['192.0.2.0/24'], ['192.0.2.1/32'], '192.0.2.1', false],
    [[], ['192.0.2.1/32'], 'unknown', false],
    [[], ['192.0.2.1/32'], '', false],
  ])('allow %j, block %j: %s is let in: %s', (allow, block, address, isAllowed) => {
    expect(new IpFilter({ allow, block }).allows(address)).toBe(isAllowed);
  });

  test.each(['192.0.2.1', '192.0.2.0/33', 'x/8', '192.0.2.0/', '192.0.2.0/-1', '::/129', ''])(
    '"%s" is no range',
    (range) => {
      expect(() => new Ranges([range])).toThrow(/is no CIDR range/);
    },
  );
});

test.each([
  [{}, 'peer'],
  [{ 'x-forwarded-for': '192.0.2.1' }, '192.0.2.1'],
  [{ 'x-forwarded-for': '192.0.2.1, 10.0.0.1', 'x-real-ip': '192.0.2.2' }, '192.0.2.1'],
  [{ 'x-forwarded-for': '[2001:db8::1]' }, '2001:db8::1'],
  [{ 'x-forwarded-for': '' }, ''],
  [{ 'x-real-ip': '[2001:db8::2]' }, '2001:db8::2'],
  [{ 'x-real-ip': 'nobody' }, 'nobody'],
])('%j claims the address %s', (headers, address) => {
  expect(claimedAddress('peer', headers)).toBe(address);
});

test.each([
  ['10.0.0.1', undefined, ''],
  ['10.0.0.1', '/media', '/media'],
  ['10.0.0.1', '/media/', '/media'],
  ['10.0.0.1', '/a/b-c.d', '/a/b-c.d'],
  ['10.0.0.1', '/outer, /inner', '/outer/inner'],
  ['10.0.0.1', '/', ''],
  ['10.0.0.1', 'media', ''],
  ['10.0.0.1', '//evil.example', ''],
  ['10.0.0.1', '/, /evil.example', '/evil.example'],
  ['10.0.0.1', 'https://evil.example', ''],
  ['10.0.0.1', '/\\evil.example', ''],
  ['10.0.0.1', '/a/../b', ''],
  ['10.0.0.1', '/a\r\nb', ''],
  ['10.0.0.1', '/a?b', ''],
  ['10.0.0.1', `/${'a'.repeat(300)}`, ''],
  ['192.0.2.9', '/media', ''],
])('the prefix that %s gives as %j is %j', (peer, header, prefix) => {
  const headers = header === undefined ? {} : { 'x-forwarded-prefix': header };
  expect(forwardedPrefix(peer, headers, PROXIES)).toBe(prefix);
});
