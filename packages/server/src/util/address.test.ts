import { expect, test } from 'vitest';
import { hostAndPort, isLoopback, networkOf, peerAddress, splitListenAddress } from './address.ts';

test.each([
  ['192.0.2.17', '192.0.2.0'],
  ['127.0.0.1', '127.0.0.0'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::'],
  ['2001:DB8::1', '2001:db8::'],
  ['::1', '::'],
  ['1::4:5:6:7:8', '1:0:0:4::'],
  ['fe80::1%eth0', 'fe80::'],
  ['::ffff:192.0.2.1', '::'],
  ['unknown', 'unknown'],
  ['', ''],
])('the network of %s is %s', (address, network) => {
  expect(networkOf(address)).toBe(network);
});

test.each([
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['::FFFF:192.0.2.1', '192.0.2.1'],
  ['192.0.2.1', '192.0.2.1'],
  ['2001:db8::1', '2001:db8::1'],
  [undefined, ''],
])('the other end of a socket at %s is %s', (remote, address) => {
  expect(peerAddress(remote)).toBe(address);
});

test.each([
  ['192.0.2.1', '192.0.2.1:80'],
  ['2001:db8::1', '[2001:db8::1]:80'],
])('%s with port 80 is %s', (address, expected) => {
  expect(hostAndPort(address, 80)).toBe(expected);
});

test.each([
  [':80', '', 80],
  ['127.0.0.1:0', '127.0.0.1', 0],
  ['[::1]:1935', '::1', 1935],
])('%s is listened on at host %j and port %d', (text, host, port) => {
  expect(splitListenAddress(text)).toEqual({ host, port });
});

test.each([
  ['localhost', true],
  ['127.9.9.9', true],
  ['::1', true],
  ['192.0.2.1', false],
  ['::', false],
  ['', false],
])('%j is of this machine: %s', (host, expected) => {
  expect(isLoopback(host)).toBe(expected);
});
