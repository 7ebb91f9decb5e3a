import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkUrl, looksLikeUrl } from './url.ts';

function problemOf(address: string): string {
  try {
    checkUrl(address);
    return 'ok';
  } catch (error) {
    return (error as Error).message;
  }
}

test.each([
  ['rtmp://host/app', 'ok'],
  ['rtmp://host:1935/a b?c d', 'ok'],
  ['http:/path only', 'ok'],
  ['file:///any thing', 'ok'],
  ['srt://host:6000?streamid=#!::r=x y', 'ok'],
  ['rtsp://u:p@ss:w%20d@host', 'ok'],
  ['rtsp://[::1]:554/x', 'ok'],
  ['rtsp://[fe80::1%25eth0]/x', 'ok'],
  ['rtsp://h%C3%BC/x', 'ok'],
  ['rtsp://host:/x', 'ok'],
  ['rtsp://ho\u0001s\u007ft\n', 'parse "//ho\\x01s\\x7ft\\n": net/url: invalid control character in URL'],
  ['rtsp://a b@host', 'parse "//a b@host": net/url: invalid userinfo'],
  ['rtsp://a b@host:x', 'parse "//a b@host:x": invalid port ":x" after host'],
  ['a:b://host:x/', 'parse "//host:x": invalid port ":x" after host'],
  ['http://h:abc/http://host/x', 'ok'],
  ['rtsp://u:%zz@host', 'parse "//u:%zz@host": invalid URL escape "%zz"'],
  ['rtsp://h%41st', 'parse "//h%41st": invalid URL escape "%41"'],
  ['rtsp://host%4', 'parse "//host%4": invalid URL escape "%4"'],
  ['rtsp://[::1', `parse "//[::1": missing ']' in host`],
  ['rtsp://[::1]x', 'parse "//[::1]x": invalid port "x" after host'],
  ['rtsp://host:abc/x', 'parse "//host:abc": invalid port ":abc" after host'],
  ['rtsp://ho{st}', 'parse "//ho{st}": invalid character "{" in host name'],
  ['rtsp://a\\b', 'parse "//a\\\\b": invalid character "\\\\" in host name'],
])('%j: %s', (address, problem) => {
  expect(problemOf(address)).toBe(problem);
});

test.each([
  ['rtmp://a', true],
  ['RTMP:/a', true],
  ['a,b.c-d:/x', true],
  ['testsrc=size=1x1', false],
  ['/a:/b', false],
  ['pipe:0', false],
])('%j looks like a URL: %s', (address, isUrl) => {
  expect(looksLikeUrl(address)).toBe(isUrl);
});

test('every text is accepted or refused with a reason', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(problemOf(`rtmp://${text}`)).toMatch(/^ok$|^parse "\/\//);
    }),
  );
});
