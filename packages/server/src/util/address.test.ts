import { expect, test } from 'vitest';
import { networkOf } from './address.ts';

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
