import { expect, test } from 'vitest';
import { parseRemote, requireRemote } from './storage.ts';

test.each([
  ['mem:/a/b.ts', { storage: 'mem', path: '/a/b.ts' }],
  ['memfs:/a', { storage: 'mem', path: '/a' }],
  ['diskfs:a', { storage: 'disk', path: '/a' }],
  ['my-bucket:/x:y', { storage: 'my-bucket', path: '/x:y' }],
  ['mem:', { storage: 'mem', path: '/' }],
  ['./mem:/a', undefined],
  ['/mem:/a', undefined],
  ['C:\\a', undefined],
  ['a.ts', undefined],
  ['-', undefined],
])('%s', (text, remote) => {
  expect(parseRemote(text)).toEqual(remote);
});

test('a path on this machine is none on the server', () => {
  expect(() => requireRemote('/a')).toThrow('is not a file on the server');
});
