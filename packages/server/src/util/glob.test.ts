import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createGlob, literalPrefix } from './glob.ts';

const CASES: [pattern: string, matches: string[], others: string[]][] = [
  ['', [''], ['/', 'a']],
  ['*.txt', ['a.txt', '.txt'], ['/a.txt', 'sub/a.txt', 'a.txt.', 'A.TXT']],
  ['**.txt', ['a.txt', '/a.txt', '/sub/deep/d.txt'], ['/a.ts']],
  ['/*.txt', ['/a.txt', '/.txt'], ['/sub/a.txt', 'a.txt']],
  ['/**.txt', ['/a.txt', '/sub/a.txt', '/sub/deep/d.txt'], ['/a.ts']],
  ['/**/*.txt', ['/sub/a.txt', '/sub/deep/d.txt'], ['/a.txt']],
  ['/***', ['/', '/a/b'], ['a']],
  ['/?.txt', ['/a.txt', '/ü.txt', '/😀.txt'], ['/ab.txt', '//.txt', '/.txt']],
  ['/[ab].*', ['/a.txt', '/b.'], ['/c.ts', '/ab.ts']],
  ['/[a-c]', ['/a', '/c'], ['/d', '/-']],
  ['/[!a-c]', ['/d', '/-'], ['/a', '/']],
  ['/[!x]y', ['/ay', '/!y'], ['/xy', '/y']],
  ['[a-]', ['a', '-'], ['b']],
  ['[^a]', ['^', 'a'], ['b']],
  ['[\\]]', [']'], ['\\', '[']],
  ['/{a,c}.*', ['/a.txt', '/c.ts'], ['/b.txt', '/a,c.txt']],
  ['{a,{b,c}d,*e}', ['a', 'bd', 'cd', 'xxe', 'e'], ['b', 'ad']],
  ['{,x}a', ['a', 'xa'], ['xxa']],
  ['a,b}', ['a,b}'], ['a', 'b']],
  ['\\*\\?\\[\\{\\\\', ['*?[{\\'], ['a?[{\\']],
  ['/a.b+c(d)|^$', ['/a.b+c(d)|^$'], ['/aXb+c(d)|^$']],
  ['/line*end', ['/line\nend'], []],
];

test.each(CASES)('pattern %j matches with separator as the table says', (pattern, matches, others) => {
  const glob = createGlob(pattern, { separator: '/' });
  expect(matches.filter((name) => !glob(name))).toEqual([]);
  expect(others.filter((name) => glob(name))).toEqual([]);
});

test.each(['/[', '[]', '[!]', '[z-a]', '{a', '{a,{b}', 'a\\', '[a\\', 'x'.repeat(4097)])(
  'invalid pattern %.20j matches nothing',
  (pattern) => {
    const glob = createGlob(pattern, { separator: '/' });
    expect([pattern, '', '/', 'a', '['].filter((name) => glob(name))).toEqual([]);
  },
);

test.each<[string, string]>([
  ['cam*', 'cam:1/a'],
  ['a?b', 'a:b'],
  ['a?b', 'a/b'],
])('without a separator, %j matches %j', (pattern, name) => {
  expect(createGlob(pattern)(name)).toBe(true);
});

test('a text with all special characters escaped matches itself only', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'grapheme', maxLength: 30 }),
      fc.string({ maxLength: 30 }),
      (name, other) => {
        const glob = createGlob(name.replace(/[*?[\]{},\\!-]/g, '\\$&'), { separator: '/' });
        expect(glob(name)).toBe(true);
        expect(glob(other)).toBe(name === other);
      },
    ),
  );
});

test('no pattern throws, and what matches starts with the literal prefix', () => {
  const unit = fc.constantFrom(...Array.from('ab/*?[]{},!-\\'));
  fc.assert(
    fc.property(fc.string({ unit, maxLength: 20 }), fc.string({ unit, maxLength: 20 }), (pattern, name) => {
      if (createGlob(pattern, { separator: '/' })(name)) {
        expect(name.startsWith(literalPrefix(pattern))).toBe(true);
      }
    }),
    { numRuns: 2000 },
  );
});

test('many stars do not keep the matcher busy', () => {
  const glob = createGlob(`${'*a'.repeat(200)}b`, { separator: '/' });
  const start = performance.now();
  expect(glob('a'.repeat(2000))).toBe(false);
  expect(performance.now() - start).toBeLessThan(2000);
});
