import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cleanPath, cleanPathIfValid } from './path.ts';

test.each([
  ['', '/'],
  ['/', '/'],
  ['a', '/a'],
  ['/a/', '/a'],
  ['//a///b//', '/a/b'],
  ['/a/./b/../c', '/a/c'],
  ['/../../etc/passwd', '/etc/passwd'],
  ['/..', '/'],
  ['/a/..', '/'],
  ['/...', '/...'],
  ['/a\\..\\b', '/a\\..\\b'],
  ['/ü b%2f', '/ü b%2f'],
])('%j becomes %j', (path, clean) => {
  expect(cleanPath(path)).toBe(clean);
});

test.each(['/a\0b', `/${'x'.repeat(4096)}`, `/${'ü'.repeat(2048)}`])('an invalid path is refused', (path) => {
  expect(() => cleanPath(path)).toThrow('invalid path');
  expect(cleanPathIfValid(path)).toBeUndefined();
});

test('a clean path stays as it is and has no segment that leads elsewhere', () => {
  const unit = fc.constantFrom('/', '.', '..', 'a', '\\', ' ');
  fc.assert(
    fc.property(fc.string({ unit, maxLength: 30 }), (path) => {
      const clean = cleanPath(path);
      expect(cleanPath(clean)).toBe(clean);
      expect(clean).toMatch(/^\//);
      expect(clean.slice(1).split('/')).not.toContain('..');
      expect(clean === '/' || !clean.slice(1).split('/').includes('')).toBe(true);
    }),
  );
});
