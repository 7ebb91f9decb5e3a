import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { toBase, toPath } from './url.ts';

describe('the address of the server', () => {
  test.each([
    ['http://127.0.0.1:8080', 'http://127.0.0.1:8080'],
    ['http://127.0.0.1:8080/', 'http://127.0.0.1:8080'],
    ['https://example.com/core//', 'https://example.com/core'],
    ['https://example.com/core?x=1#y', 'https://example.com/core'],
  ])('%s is taken as %s', (address, base) => {
    expect(toBase(address)).toBe(base);
    expect(toBase(new URL(address))).toBe(base);
  });

  test.each(['', 'example.com', '/core', 'ftp://example.com', 'http://admin:secret@example.com'])(
    '%j is none, and is not repeated in the error',
    (address) => {
      expect(() => toBase(address)).toThrow(expect.objectContaining({ code: 'argument' }) as Error);
      expect(() => toBase(address)).not.toThrow(/secret/);
    },
  );
});

describe('a path', () => {
  const id = (value: string) => toPath('/process/{id}/config', { id: value }, {});
  const key = (value: string) => toPath('/metadata/{key*}', { key: value }, {});

  test.each([
    ['cam', '/process/cam/config'],
    ['restreamer-ui:ingest:1', '/process/restreamer-ui%3Aingest%3A1/config'],
    ['a/b?c#d e', '/process/a%2Fb%3Fc%23d%20e/config'],
    ['a%2Fb', '/process/a%252Fb/config'],
    ['..a', '/process/..a/config'],
  ])('has %j in it as %s', (value, path) => {
    expect(id(value)).toBe(path);
  });

  test.each([
    ['a/b', '/metadata/a/b'],
    ['/a//b/', '/metadata/a//b/'],
    ['ä b', '/metadata/%C3%A4%20b'],
  ])('may have slashes in its rest: %j', (value, path) => {
    expect(key(value)).toBe(path);
  });

  test.each(['', '.', '..'])('that %j would make another one is refused', (value) => {
    expect(() => id(value)).toThrow(expect.objectContaining({ code: 'argument' }) as Error);
    expect(() => key(value)).toThrow(expect.objectContaining({ code: 'argument' }) as Error);
  });

  test('cannot leave its folder', () => {
    expect(() => key('a/../../login')).toThrow('key must not be');
  });

  test('brings back what was put in, and is not changed by the platform', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', minLength: 1 }).filter((value) => value !== '.' && value !== '..'),
        (value) => {
          const { pathname } = new URL(`http://localhost${id(value)}`);
          expect(pathname).toBe(id(value));
          expect(decodeURIComponent(pathname.split('/')[2] ?? '')).toBe(value);
        },
      ),
    );
  });

  test('has the query behind it, without what is undefined', () => {
    const query = { filter: ['config', 'state'], id: undefined, limit: 3, idpattern: 'a&b' };
    expect(toPath('/process', {}, query)).toBe('/process?filter=config%2Cstate&limit=3&idpattern=a%26b');
  });
});
