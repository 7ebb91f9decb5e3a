import { expect, test } from 'vitest';
import { parseClientAddress } from './client-address.ts';
import { parseStreamAddress } from './stream-address.ts';

test.each([
  ['live', 'foo', '/live/foo', ''],
  ['live', '//a///b', '/live/a/b', ''],
  ['live/', 'a%20b', '/live/a b', ''],
  ['live', 'a%2Fb', '/live/a/b', ''],
  ['live', 'q?foo=1', '/live/q', 'foo=1'],
  ['live', '', '/live', ''],
  ['', 'foo', '/foo', ''],
  ['', '', '/', ''],
  ['live/foo', 'tok%C3%A9n', '/live/foo/tokén', ''],
  ['live?token=abc', 'foo', '/live/foo', 'token=abc'],
  ['live?token=abc&a=1', 'foo?token=def', '/live/foo', 'token=def&a=1'],
])('app %j and name %j', (app, name, path, query) => {
  const address = parseStreamAddress({ app, name });
  expect(address?.path).toBe(path);
  expect(address?.query.toString()).toBe(query);
});

test('the query of the URL is used if neither name nor app has the parameter', () => {
  const tcUrl = 'rtmp://host/live?token=url&b=2';
  expect(parseStreamAddress({ app: 'live', name: 'foo', tcUrl })?.query.toString()).toBe('token=url&b=2');
  expect(parseStreamAddress({ app: 'live', name: 'foo?token=x', tcUrl })?.query.get('token')).toBe('x');
});

test('the segments keep the slashes that were escaped', () => {
  const address = parseStreamAddress({ app: 'live', name: '/foo//to%2Fk%20n' });
  expect(address?.segments).toEqual(['live', 'foo', 'to/k n']);
  expect(address?.path).toBe('/live/foo/to/k n');
});

test.each([
  ['a broken escape', 'a%2'],
  ['an escape that is no UTF-8', 'a%ff'],
  ['a control character', 'a%0Ab'],
  ['a segment that goes up', '../b'],
  ['an escaped segment that goes up', '%2e%2E/b'],
  ['an escaped slash before a segment that goes up', 'a%2F..%2Fb'],
  ['a segment that stays', './b'],
  ['a broken escape alone', '%'],
  ['letters of two bytes that are too long', 'ü'.repeat(510)],
  ['a path that is too long', 'x'.repeat(1024)],
])('%s is refused', (_name, name) => {
  expect(parseStreamAddress({ app: 'live', name })).toBeUndefined();
});

test.each([
  ['rtmp://host/app/name', { isSecure: false, host: 'host', port: 1935, app: 'app', name: 'name' }],
  [
    'rtmps://host:1936/a/b/name?token=x',
    { isSecure: true, host: 'host', port: 1936, app: 'a/b', name: 'name?token=x' },
  ],
  ['rtmp://[::1]:1/name', { isSecure: false, host: '::1', port: 1, app: '', name: 'name' }],
])('the address %s', (address, expected) => {
  expect(parseClientAddress(address)).toMatchObject(expected);
});

test('an address of something else', () => {
  expect(() => parseClientAddress('http://host/app/name')).toThrow(TypeError);
  expect(() => parseClientAddress('rtmp:')).toThrow(TypeError);
  expect(() => parseClientAddress('')).toThrow(TypeError);
});
