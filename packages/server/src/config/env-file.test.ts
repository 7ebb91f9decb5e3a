import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseEnvFile } from './env-file.ts';

test.each<[string, Record<string, string>]>([
  ['', {}],
  ['A=b', { A: 'b' }],
  ['export A=b', { A: 'b' }],
  ['A = b c ', { A: 'b c' }],
  ['A: b', { A: 'b' }],
  ['A=', { A: '' }],
  ['# comment\n\nA=b\r\nC=d\n', { A: 'b', C: 'd' }],
  ['A=b # comment\nC=d', { A: 'b', C: 'd' }],
  ['A=b#c', { A: 'b#c' }],
  ['A=#c', { A: '' }],
  ['A=\'b $C # "d"\' # comment', { A: 'b $C # "d"' }],
  ['A="b\\nc \\"d\\" # e" # comment', { A: 'b\nc "d" # e' }],
  ['A="b\nc"\nD=e', { A: 'b\nc', D: 'e' }],
  ['A=b\nC=$A-${A}-$D', { A: 'b', C: 'b-b-' }],
  ['A=$B\nB=c', { A: '', B: 'c' }],
  ['A=b\nC="$A \\$A"', { A: 'b', C: 'b $A' }],
  ['A=b\nC=\\$A', { A: 'b', C: '$A' }],
  ['A=1\nA=2', { A: '2' }],
])('%j', (text, expected) => {
  expect(Object.fromEntries(parseEnvFile(text) ?? [['malformed', '']])).toEqual(expected);
});

test.each(['A', '=b', 'A="b', '1A=b', "A='b' c", 'A=b\nthis is no assignment'])('%j is malformed', (text) => {
  const result = parseEnvFile(text);
  if (text === 'A="b') expect(result?.get('A')).toBe('"b');
  else expect(result).toBeUndefined();
});

test('does not read the process environment', () => {
  expect(parseEnvFile('A=$PATH')?.get('A')).toBe('');
});

test('ends on any text', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom(...Array.from('A=b\'"\\$ {}\n\r#:')), maxLength: 200 }),
      (text) => {
        const result = parseEnvFile(text);
        expect(result === undefined || result instanceof Map).toBe(true);
      },
    ),
    { numRuns: 2000 },
  );
});
