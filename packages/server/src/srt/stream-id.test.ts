import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseStreamId } from './stream-id.ts';

const ask = (resource: string, mode = 'request', token = '') => ({ resource, mode, token });

test.each([
  ['bla', ask('bla')],
  ['bla,mode:publish', ask('bla', 'publish')],
  ['bla,mode:request', ask('bla')],
  ['bla,token:foo,bar', ask('bla', 'request', 'foo,bar')],
  ['bla,token:x,mode:publish', ask('bla', 'publish', 'x')],
  ['bla,mode:publish,token:x', ask('bla', 'publish', 'x')],
  ['bla,token:a,b,mode:publish', ask('bla', 'publish', 'a,b')],
  ['mode:publish', ask('mode:publish')],
  ['foo,mode:', ask('foo,mode:')],
  ['foo,mode:publish,token:', ask('foo', 'publish,token:')],
  ['foo,mode:request,mode:publish', ask('foo', 'publish')],
  ['foo,mode:,token:x', ask('foo', '', 'x')],
  ['foo,mode:bogus', ask('foo', 'bogus')],
  [',mode:publish', ask('', 'publish')],
  ['a,b', ask('a,b')],
  ['a/b c%20,mode:publish', ask('a/b c%20', 'publish')],
  ['', ask('')],
])('%j in the grammar of markers', (text, expected) => {
  expect(parseStreamId(text)).toEqual(expected);
});

test.each([
  ['#!:m=publish,r=foo,token=x', ask('foo', 'publish', 'x')],
  ['#!:r=foo', ask('foo')],
  ['#!:token=foo,bar', ask('', 'request', 'foo')],
  ['#!:m=publish', ask('', 'publish')],
  ['#!:m=,r=foo', ask('foo', '')],
  ['#!:r=a,r=b', ask('b')],
  ['#!:r=a=b', ask('a=b')],
  ['#!:', ask('')],
  ['#!:=x,r=foo', ask('foo')],
  ['#!:r=foo,u=me,h=host,t=stream', ask('foo')],
  ['#!::r=foo,m=request', ask('foo')],
  ['#!::m=publish,r=foo', ask('foo', 'publish')],
  ['#!::x=1,r=foo,m=request', ask('foo')],
  ['#!::r=foo,m=publish,s=x', ask('foo', 'publish', 'x')],
  ['#!::token=x,r=foo,s=y', ask('foo', 'request', 'x')],
  ['#!:foo,mode:publish', ask('')],
])('%j in the grammar of keys', (text, expected) => {
  expect(parseStreamId(text)).toEqual(expected);
});

test('any resource, mode and token without markers in them come back', () => {
  const plain = fc.string({ minLength: 1 }).filter((text) => !text.startsWith('#!:') && !text.includes(','));
  fc.assert(
    fc.property(plain, plain, plain, (resource, mode, token) => {
      expect(parseStreamId(`${resource},mode:${mode},token:${token}`)).toEqual({ resource, mode, token });
      expect(parseStreamId(`${resource},token:${token},mode:${mode}`)).toEqual({ resource, mode, token });
    }),
  );
});

test('any text is read', () => {
  fc.assert(fc.property(fc.string(), (text) => text.includes(parseStreamId(text).resource)));
});
