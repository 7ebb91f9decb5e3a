import { expect, test } from 'vitest';
import { findBinary, parseRelease } from './binary.ts';

test.each([
  ['5.1.9-0+deb12u1', '5.1.9'],
  ['7.1', '7.1.0'],
  ['n6.0-12-gdeadbee', '6.0.0'],
  ['4.4.1-datarhei', '4.4.1'],
  ['8.0.1', '8.0.1'],
  ['N-113007-g8d24a28d06', undefined],
  ['git-2024-05-01-abcdef', undefined],
  ['', undefined],
])('the release of %j is %s', (version, release) => {
  expect(parseRelease(version)).toBe(release);
});

test('a program is found in the given path', () => {
  expect(findBinary('sh', '/no/such:/bin')).toBe('/bin/sh');
});

test.each([
  ['a missing program', 'no-such-program', '/bin'],
  ['a program outside of the path', 'sh', '/no/such'],
  ['a directory', '/bin', '/bin'],
  ['a file that cannot be executed', '/etc/passwd', ''],
  ['nothing', '', '/bin'],
])('%s is not found', (_, name, path) => {
  expect(() => findBinary(name, path)).toThrow(expect.objectContaining({ code: 'not_found' }));
});
