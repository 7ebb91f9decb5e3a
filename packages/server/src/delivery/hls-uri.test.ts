import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { normalizeHost, resolvePath, splitForSession } from './hls-uri.ts';

function withSession(uri: string): string | undefined {
  const parts = splitForSession(uri);
  return parts && `${parts.before}ID${parts.after}`;
}

describe('the id of a session in a URI', () => {
  test.each([
    ['a.ts', 'a.ts?session=ID'],
    ['../b/a.ts', '../b/a.ts?session=ID'],
    ['/memfs/a.ts', '/memfs/a.ts?session=ID'],
    ['a.ts?foo=bar&a=1', 'a.ts?a=1&foo=bar&session=ID'],
    ['a.ts?z=1&a=2&z=0', 'a.ts?a=2&session=ID&z=1&z=0'],
    ['a.ts?session=old&x=1&session=older', 'a.ts?session=ID&x=1'],
    ['a.ts?b=2&a=%20x', 'a.ts?a=+x&b=2&session=ID'],
    ['a.ts?a=b+c~d*e', 'a.ts?a=b+c~d%2Ae&session=ID'],
    ['a.ts?flag&&=x', 'a.ts?=x&flag=&session=ID'],
    ['a.ts?a=b=c&d=%zz', 'a.ts?a=b%3Dc&d=%25zz&session=ID'],
    ['a.ts?a=%ff%C3%A4', 'a.ts?a=%FF%C3%A4&session=ID'],
    ['a.ts#part', 'a.ts?session=ID#part'],
    ['a.ts?x=1#part?y', 'a.ts?session=ID&x=1#part?y'],
    ['my file.ts', 'my%20file.ts?session=ID'],
    ['a%20b!(1).ts', 'a%20b!(1).ts?session=ID'],
    ['http://host/a.ts?x=1', 'http://host/a.ts?session=ID&x=1'],
    ['HTTPS://user:secret@Host:8181/a.ts', 'HTTPS://user:secret@Host:8181/a.ts?session=ID'],
    ['//host/a.ts', '//host/a.ts?session=ID'],
    ['?x=1', '?session=ID&x=1'],
  ])('goes into %s', (uri, expected) => {
    expect(withSession(uri)).toBe(expected);
  });

  test.each([
    'data:video/mp2t;base64,AA.ts',
    'skd://host/key.ts',
    'a:b.ts',
    ':a.ts',
    'a%zz.ts',
    'a%2',
    'a\tb.ts',
    'a{$name}.ts',
    'a.ts?x={$name}',
    `${'a'.repeat(20_000)}.ts`,
  ])('does not go into %j', (uri) => {
    expect(splitForSession(uri)).toBeUndefined();
  });

  test('comes out again with the same path and the other parameters, whatever these are', () => {
    const parameters = fc.array(fc.tuple(fc.string({ minLength: 1 }), fc.string()));
    const property = fc.property(parameters, (pairs) => {
      const others = pairs.filter(([name]) => name !== 'session');
      const query = new URLSearchParams([...others, ['session', 'old']]).toString();
      const { pathname, searchParams } = new URL(withSession(`/a/b.ts?${query}`) ?? '', 'http://host');
      expect(pathname).toBe('/a/b.ts');
      expect(searchParams.getAll('session')).toEqual(['ID']);
      for (const [name] of others) {
        expect(searchParams.getAll(name)).toEqual(
          others.filter(([other]) => other === name).map(([, value]) => value.toWellFormed()),
        );
      }
    });
    fc.assert(property);
  });

  test('replaces the one that is there', () => {
    const property = fc.property(fc.string(), fc.string(), (path, query) => {
      const once = withSession(`/${path}?${query}`) ?? '';
      if (once !== '') expect(withSession(once)).toBe(once);
    });
    fc.assert(property);
  });
});

test.each([
  ['a.ts', undefined],
  ['/a.ts', undefined],
  ['http://Host/a.ts', 'host'],
  ['http://host:80/a.ts', 'host'],
  ['https://host:443/a.ts', 'host'],
  ['http://u:p@host:8080?x@y', 'host:8080'],
  ['//[::1]:8080/a.ts', '[::1]:8080'],
  ['http://evil/@host/a.ts', 'evil'],
  ['http://evil?@host/a.ts', 'evil'],
  ['http://evil#@host/a.ts', 'evil'],
  ['http://u@evil@host/a.ts', 'evil'],
  ['/\\evil/a.ts', undefined],
])('%s names the host %s', (uri, host) => {
  expect(splitForSession(uri)?.host).toBe(host);
});

test('hosts are compared without their case and default port', () => {
  expect(['Example.com:80', 'example.com:443', 'example.com:', '[::1]:8080'].map(normalizeHost)).toEqual([
    ...['example.com', 'example.com', 'example.com', '[::1]:8080'],
  ]);
});

test.each([
  ['a.ts', '/memfs/x.m3u8', '/memfs/a.ts'],
  ['./b/../a.ts', '/memfs/c/x.m3u8', '/memfs/c/a.ts'],
  ['/a.ts', '/memfs/x.m3u8', '/a.ts'],
  ['../../../a.ts', '/memfs/x.m3u8', '/a.ts'],
])('%s in %s leads to %s', (path, base, expected) => {
  expect(resolvePath(path, base)).toBe(expected);
});
