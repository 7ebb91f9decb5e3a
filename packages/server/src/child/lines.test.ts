import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LineSplitter } from './lines.ts';

function split(chunks: Buffer[], maxBytes?: number): string[] {
  const lines: string[] = [];
  const splitter = new LineSplitter((line) => lines.push(line), maxBytes);
  for (const chunk of chunks) splitter.push(chunk);
  splitter.end();
  return lines;
}

test.each([
  ['line feeds', 'a\nb\n', ['a', 'b']],
  ['carriage returns', 'a\rb\r', ['a', 'b']],
  ['any run of both', '\r\n\na\r\n\r\r\nb', ['a', 'b']],
  ['a last line without a break', 'a\nb', ['a', 'b']],
  ['nothing but breaks', '\n\r\n', []],
  ['nothing', '', []],
  ['blanks, which stay', ' a \n  \n', [' a ', '  ']],
])('splits at %s', (_, text, lines) => {
  expect(split([Buffer.from(text)])).toEqual(lines);
});

test('broken UTF-8 becomes replacement characters', () => {
  expect(split([Buffer.from([0x61, 0xff, 0x62, 0x0a, 0xc3])])).toEqual(['a\ufffdb', '\ufffd']);
});

test.each([
  ['is kept up to the limit', 'abcdefgh\n', ['abcd']],
  ['of just the limit is whole', 'abcd\n', ['abcd']],
  ['is not cut inside of a character', 'abc€\n', ['abc']],
  ['does not take the next one with it', 'abcdefgh\nij\n', ['abcd', 'ij']],
])('a long line %s', (_, text, lines) => {
  const bytes = Buffer.from(text);
  expect(split([bytes], 4)).toEqual(lines);
  expect(
    split(
      [...bytes].map((byte) => Buffer.from([byte])),
      4,
    ),
  ).toEqual(lines);
});

test('a line that never ends takes no more than the limit', () => {
  const endless = Array.from({ length: 1_000 }, () => Buffer.alloc(10_000, 'x'));
  expect(split(endless, 100)).toEqual(['x'.repeat(100)]);
});

test('the lines do not depend on how the bytes arrive', () => {
  const piece = fc.oneof(fc.constantFrom('\n', '\r', '\r\n', 'é', '€', '😀'), fc.string());
  fc.assert(
    fc.property(
      fc.array(piece),
      fc.array(fc.nat(40)),
      fc.integer({ min: 1, max: 30 }),
      (pieces, cuts, max) => {
        const bytes = Buffer.from(pieces.join(''));
        const chunks: Buffer[] = [];
        let at = 0;
        for (const cut of cuts) {
          chunks.push(bytes.subarray(at, at + cut));
          at += cut;
        }
        chunks.push(bytes.subarray(at));
        expect(split(chunks, max)).toEqual(split([bytes], max));
      },
    ),
  );
});

test('whole lines are what a plain split gives', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const bytes = Buffer.from(text);
      const expected = bytes
        .toString()
        .split(/[\r\n]+/)
        .filter((line) => line !== '');
      expect(split([bytes])).toEqual(expected);
    }),
  );
});
