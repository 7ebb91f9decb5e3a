import fc from 'fast-check';
import { parseStreamAddress } from '@millrace/rtmp';
import { describe, expect, test } from 'vitest';
import {
  type AccessRules,
  playAccess,
  printable,
  publishAccess,
  referenceOf,
  withoutSecrets,
} from './access.ts';

const rules = (changes: Partial<AccessRules> = {}): AccessRules => ({
  app: '/live',
  token: '',
  keys: {},
  ...changes,
});
const to = (app: string, name: string, tcUrl = '') =>
  parseStreamAddress({ app, name, tcUrl }) ?? expect.fail('no address');
/** The path if it is granted, else why not. */
const outcome = (access: ReturnType<typeof playAccess>) =>
  'action' in access ? `${access.action} ${access.reason}` : access.path;

describe('the path', () => {
  test.each([
    ['live', '//a///b', '/live/a/b'],
    ['live', 'a%20b', '/live/a b'],
    ['live', 'q?foo=1', '/live/q'],
    ['live?foo=1', 'q', '/live/q'],
    ['live', '', '/live'],
    ['live?foo=1', '', '/live'],
    ['live', 'a/b/c/d', '/live/a/b/c/d'],
    ['live', 'Foo', '/live/Foo'],
    ['live', 'a%2Fb', '/live/a/b'],
    ['live', 'a%3Fb', '/live/a?b'],
    ['/live/', '/a/', '/live/a'],
    ['live', 'über', '/live/über'],
  ])('of app %s and name %s is %s', (app, name, path) => {
    expect(outcome(publishAccess(to(app, name), rules()))).toBe(path);
    expect(outcome(playAccess(to(app, name), rules()))).toBe(path);
  });

  test.each([
    ['', ''],
    ['/', '//'],
  ])('of app %j and name %j is invalid', (app, name) => {
    expect(outcome(publishAccess(to(app, name), rules({ app: '/' })))).toBe('INVALID invalid path');
    expect(outcome(playAccess(to(app, name), rules({ app: '/' })))).toBe('INVALID invalid path');
  });
});

describe('the token', () => {
  const guarded = rules({ token: 'abc' });
  test.each([
    ['live', 'foo?token=abc', '/live/foo'],
    ['live', 'foo/abc', '/live/foo'],
    ['live/foo', 'abc', '/live/foo'],
    ['live', 'abc', '/live'],
    ['live', 'foo', 'FORBIDDEN invalid streamkey (***)'],
    ['live', 'foo?token=', 'FORBIDDEN no streamkey provided'],
    ['live', 'foo/abc?token=x', 'FORBIDDEN invalid streamkey (***)'],
    ['live', 'foo/x?token=abc', '/live/foo/x'],
    ['live?token=abc', 'foo', '/live/foo'],
    ['live?token=abc', 'foo?token=x', 'FORBIDDEN invalid streamkey (***)'],
    ['live', 'foo/ABC', 'FORBIDDEN invalid streamkey (***)'],
    ['', '', 'FORBIDDEN no streamkey provided'],
    ['abc', '', 'INVALID invalid path'],
  ])('app %s, name %s: %s', (app, name, expected) => {
    expect(outcome(playAccess(to(app, name), guarded))).toBe(expected);
    expect(outcome(publishAccess(to(app, name), guarded))).toBe(expected);
  });

  test('may be in the query of tcUrl', () => {
    const destination = to('live', 'foo', 'rtmp://host/live?token=abc');
    expect(outcome(playAccess(destination, guarded))).toBe('/live/foo');
  });

  test('is compared decoded, in both forms', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), (token) => {
        const special = rules({ token });
        const encoded = encodeURIComponent(token);
        expect(outcome(playAccess(to('live', `foo/${encoded}`), special))).toBe('/live/foo');
        expect(outcome(playAccess(to('live', `foo?token=${encoded}`), special))).toBe('/live/foo');
      }),
    );
  });

  test('that is wrong is nowhere to be seen', () => {
    const denied = JSON.stringify(playAccess(to('live', 'foo/secret-guess'), guarded));
    expect(denied).not.toContain('secret-guess');
  });
});

describe('the app', () => {
  test.each([
    ['/live', 'live', 'x', '/live/x'],
    ['/live', 'livefoo', 'x', '/livefoo/x'],
    ['/live', 'other', 'x', 'FORBIDDEN invalid app'],
    ['/live', 'Live', 'x', 'FORBIDDEN invalid app'],
    ['/', 'other', 'x', '/other/x'],
  ])('%s of a publisher to %s/%s: %s', (app, given, name, expected) => {
    expect(outcome(publishAccess(to(given, name), rules({ app })))).toBe(expected);
  });

  test('does not matter to players', () => {
    expect(outcome(playAccess(to('other', 'x'), rules()))).toBe('/other/x');
  });

  test('comes after the token', () => {
    const guarded = rules({ token: 'abc' });
    expect(outcome(publishAccess(to('other', 'x'), guarded))).toBe('FORBIDDEN invalid streamkey (***)');
    expect(outcome(publishAccess(to('other', 'x/abc'), guarded))).toBe('FORBIDDEN invalid app');
  });
});

describe('a key', () => {
  const keys = { '/live/cam': 'secret-of-cam', '/live/deep/cam': 'secret-of-deep' };
  const keyed = rules({ keys, token: 'abc' });
  test.each([
    ['live', 'secret-of-cam', '/live/cam'],
    ['live', 'cam/secret-of-cam', '/live/cam'],
    ['live', 'cam?token=secret-of-cam', '/live/cam'],
    ['live/deep', 'secret-of-deep', '/live/deep/cam'],
    ['live', 'secret-of-deep', 'FORBIDDEN invalid streamkey (***)'],
    ['live', 'other?token=secret-of-cam', 'FORBIDDEN invalid streamkey (***)'],
    ['live', 'cam?token=abc', 'FORBIDDEN no streamkey provided'],
    ['live', 'cam/abc', 'FORBIDDEN no streamkey provided'],
    ['live', 'other/abc', '/live/other'],
  ])('publishing to app %s, name %s: %s', (app, name, expected) => {
    expect(outcome(publishAccess(to(app, name), keyed))).toBe(expected);
  });

  test('is needed where no token is, and only good for its own path', () => {
    const open = rules({ keys });
    expect(outcome(publishAccess(to('live', 'other/secret-of-cam'), open))).toBe(
      'FORBIDDEN invalid streamkey (***)',
    );
    expect(outcome(publishAccess(to('live', 'cam'), open))).toBe('FORBIDDEN no streamkey provided');
    expect(outcome(publishAccess(to('live', 'other'), open))).toBe('/live/other');
  });

  test('is hidden where it does not belong', () => {
    expect(withoutSecrets('/live/secret-of-cam/x/abc', keyed)).toBe('/live/***/x/***');
    expect(withoutSecrets('/live/cam', rules())).toBe('/live/cam');
  });

  test('is of no use to players', () => {
    expect(outcome(playAccess(to('live', 'cam?token=secret-of-cam'), keyed))).toBe(
      'FORBIDDEN invalid streamkey (***)',
    );
    expect(outcome(playAccess(to('live', 'cam?token=abc'), keyed))).toBe('/live/cam');
  });
});

test.each([
  ['/live/foo.stream', '/live', 'foo'],
  ['/live/foo', '/', '/live/foo'],
  ['/foo.stream', '/', '/foo'],
  ['/livefoo/x.y.z', '/live', '/livefoo/x.y'],
  ['/live/a.b/c', '/live', 'a.b/c'],
])('the reference of %s with app %s is %s', (path, app, reference) => {
  expect(referenceOf(path, app)).toBe(reference);
});

test('whatever a client sends, the outcome is a clean path or a refusal', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: 'binary' }),
      fc.string(),
      fc.constantFrom('', 'abc'),
      (app, name, tcUrl, token) => {
        const address = parseStreamAddress({ app, name, tcUrl });
        if (address === undefined) return;
        const access = publishAccess(address, rules({ app: '/', token }));
        if (!('action' in access)) expect(access.path).toMatch(/^(?:\/(?!\.{1,2}(?:\/|$))[^/\p{Cc}]+)+$/u);
      },
    ),
  );
});

test('a text for the log stays on its line', () => {
  expect(printable('a\r\nb\u202ec\u2028')).toBe('a\\u{d}\\u{a}b\\u{202e}c\\u{2028}');
});
