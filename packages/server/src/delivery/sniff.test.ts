import { expect, test } from 'vitest';
import { typeOfBytes } from './sniff.ts';

test.each([
  ['', 'text/plain'],
  ['hello\n', 'text/plain'],
  ['gr\u00fc\u00df', 'text/plain'],
  ['\n <!DOCTYPE html><p>', 'text/html'],
  ['<html>', 'text/html'],
  ['<htmlish>', 'text/plain'],
  ['{"a":1}', 'text/plain'],
  ['\x89PNG\r\n\x1a\n', 'application/octet-stream'],
  ['text with a \0', 'application/octet-stream'],
])('%j is %s', (start, type) => {
  expect(typeOfBytes(Buffer.from(start))).toBe(type);
});
