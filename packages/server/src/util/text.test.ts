import { expect, test } from 'vitest';
import { maskSecrets } from './text.ts';

test.each([
  ['/memfs/a.ts', '/memfs/a.ts'],
  ['/a?token=x&b=c', '/a?token=***&b=c'],
  ['/a?b=c&access_token=x#y', '/a?b=c&access_token=***#y'],
  ['rtmp://host/app/name?TOKEN=x', 'rtmp://host/app/name?TOKEN=***'],
  [
    'srt://h:6000?streamid=a,mode:publish,token:x&passphrase=y',
    'srt://h:6000?streamid=a,mode:publish,token:***&passphrase=***',
  ],
  [
    "from 'srt://h:1?streamid=a,token:x, y#z,mode:request&passphrase=p ;q#r': error",
    "from 'srt://h:1?streamid=a,token:***,mode:request&passphrase=*** error",
  ],
  ['srt://h:1?passphrase=p q: Input/output error', 'srt://h:1?passphrase=*** Input/output error'],
  [
    `Unable to find a format for 'srt://h:1?streamid=a,token:it's "so",mode:publish&passphrase=it's my pass'`,
    "Unable to find a format for 'srt://h:1?streamid=a,token:***,mode:publish&passphrase=***",
  ],
  ['http://mem:x@localhost:8080/memfs/a', 'http://mem:***@localhost:8080/memfs/a'],
  ['the address (rtsp://u:p@ss@h/x) and (http://:x@h)', 'the address (rtsp://u:***@h/x) and (http://:***@h)'],
  ['http://user@host:80/a', 'http://user@host:80/a'],
  ['http://host:80/a@b', 'http://host:80/a@b'],
])('%s is shown as %s', (text, shown) => {
  expect(maskSecrets(text)).toBe(shown);
});
