import { expect, test } from 'vitest';
import { AddressFilter, type AddressLists } from './address-filter.ts';
import { checkInputAddress, checkOutputAddress } from './address.ts';

const cwd = process.cwd();
const outside = (path: string) => `${path} is not inside of /data`;

function problemOf(check: () => unknown): string {
  try {
    check();
    return 'ok';
  } catch (error) {
    return (error as Error).message;
  }
}

function output(address: string, lists: Partial<AddressLists> = {}): string {
  const filter = new AddressFilter({ allow: [], block: [], ...lists });
  return problemOf(() => checkOutputAddress(address, { filter, diskDir: '/data' }));
}

function input(address: string, lists: Partial<AddressLists> = {}): string {
  return problemOf(() => {
    checkInputAddress(address, new AddressFilter({ allow: [], block: [], ...lists }));
  });
}

test.each([
  // Below the directory of the disk.
  ['/data/a.mp4', 'ok'],
  ['file:/data/a.mp4', 'ok'],
  ['file:///data/a.mp4', 'ok'],
  ['/data/../data/a.mp4', 'ok'],
  ['  /data/a.mp4  ', 'ok'],
  // Elsewhere.
  ['/database/a.mp4', outside('/database/a.mp4')],
  ['/data', 'ok'],
  ['/data/../etc/passwd', outside('/etc/passwd')],
  ['/etc/passwd', outside('/etc/passwd')],
  ['file:/etc/passwd', outside('/etc/passwd')],
  ['foo/bar.mp4', outside(`${cwd}/foo/bar.mp4`)],
  ['pipe:1', outside(`${cwd}/pipe:1`)],
  ['tcp:foo', outside(`${cwd}/tcp:foo`)],
  ['file:-', outside(`${cwd}/-`)],
  ['a/b:/c', outside(`${cwd}/a/b:/c`)],
  // Protocols that only pass on to another address.
  ['concat:/etc/passwd', outside('/etc/passwd')],
  ['subfile,,start,0,end,0,,:/etc/passwd', outside('/etc/passwd')],
  ['crypto:file:/etc/passwd', outside('/etc/passwd')],
  ['crypto+file:/etc/passwd', outside('/etc/passwd')],
  ['async:cache:/data/a.mp4', 'ok'],
  [`${'cache:'.repeat(20_000)}/etc/passwd`, outside('/etc/passwd')],
  ['md5:-', outside(`${cwd}/-`)],
  // Elsewhere than in the file system.
  ['-', 'ok'],
  [' - ', 'ok'],
  ['/dev/null', 'ok'],
  ['/dev/../etc/x', outside('/etc/x')],
  ['udp://1.2.3.4:5', 'ok'],
  ['http:/x', 'ok'],
  ['srt://h:1?streamid=#!::m=publish', 'ok'],
  ['rtmp://a b/c', 'parse "//a b": invalid character " " in host name'],
  // Lists of them.
  ['[f=null]-|[f=null]-', 'ok'],
  ['[f=mpegts]udp://1.2.3.4:5|/data/a.ts', 'ok'],
  ['[f=null]', outside(cwd)],
  ['||', outside(cwd)],
  ['/data/a.ts|/etc/passwd', outside('/etc/passwd')],
  ['[f=mpegts]/etc/passwd', outside('/etc/passwd')],
  [`/data/'..'/x`, outside('/x')],
  [String.raw`[f=mpegts]/data/.\./etc/passwd|/data/x`, outside('/etc/passwd')],
  [`/data/it's.mp4`, 'ok'],
])('output %j: %s', (address, problem) => {
  expect(output(address)).toBe(problem);
});

test.each<[string, Partial<AddressLists>, string]>([
  ['rtmp://a', { block: ['^rtmp:'] }, 'address is not allowed'],
  ['/data/a.mp4', { block: ['^file:/data/'] }, 'address is not allowed'],
  ['/data/x/../a.mp4', { allow: ['^file:/data/a'] }, 'ok'],
  ['/dev/null', { block: ['^file:/dev/'] }, 'address is not allowed'],
  ['-', { block: ['.'] }, 'ok'],
  ['udp://a|rtmp://a', { block: ['^rtmp:'] }, 'address is not allowed'],
])('output %j with %j: %s', (address, lists, problem) => {
  expect(output(address, lists)).toBe(problem);
});

test.each([
  ['/data/a.mp4', true],
  ['[f=null]-|/data/a.mp4', true],
  ['/dev/null', false],
  ['-', false],
  ['rtmp://a/b', false],
])('output %j is a file: %s', (address, isFile) => {
  const filter = new AddressFilter({ allow: [], block: [] });
  expect(checkOutputAddress(address, { filter, diskDir: '/data/' })).toEqual({ isFile });
});

test('the directory of the disk may be the root', () => {
  const filter = new AddressFilter({ allow: [], block: [] });
  expect(checkOutputAddress('/a.mp4', { filter, diskDir: '/' })).toEqual({ isFile: true });
});

test.each<[string, Partial<AddressLists>, string]>([
  ['testsrc2=size=320x180:rate=25', {}, 'ok'],
  ['/etc/passwd', {}, 'ok'],
  ['  rtmp://a  ', { allow: ['^rtmp://a$'] }, 'ok'],
  ['/etc/passwd', { allow: ['^rtmp:'] }, 'address is not allowed'],
  ['rtsp://user:p@ss@host:554/path', {}, 'ok'],
  ['rtsp://user:p#ss@host/', {}, 'parse "//user:p": invalid port ":p" after host'],
  ['rtsp://host:abc/', { block: ['.'] }, 'parse "//host:abc": invalid port ":abc" after host'],
])('input %j with %j: %s', (address, lists, problem) => {
  expect(input(address, lists)).toBe(problem);
});
