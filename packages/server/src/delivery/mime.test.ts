import { expect, test } from 'vitest';
import { MimeFile, parseMimeTypes } from './mime.ts';

const mime = parseMimeTypes(
  [
    '# all we know',
    'video/MP2T\t.ts',
    'image/jpeg .jpg .jpeg # .png',
    '',
    '  text/plain .txt\r',
    '#x/y .z',
  ].join('\n'),
);

test.each([
  ['/a.ts', 'video/MP2T'],
  ['/a.jpeg', 'image/jpeg'],
  ['/two.dots.txt', 'text/plain'],
  ['/.txt', 'text/plain'],
  ['/a.TXT', '-'],
  ['/a.png', '-'],
  ['/a.z', '-'],
  ['/noext', '-'],
  ['/a.txt/b', '-'],
  ['/a.', '-'],
  ['/', '-'],
  ['/a.constructor', '-'],
])('the type of %j is %j', (path, type) => {
  expect(mime.typeOf(path, '-')).toBe(type);
});

test('a file that is missing is an error that says so', async () => {
  await expect(new MimeFile('/nonexistent/mime.types').start()).rejects.toThrow("can't read the MIME types");
});
