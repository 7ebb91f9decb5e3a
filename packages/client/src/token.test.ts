import { expect, test } from 'vitest';
import { toToken } from './token.ts';

const NOW = 1_700_000_000_000;

function token(claims: object): string {
  const payload = btoa(JSON.stringify(claims)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
  return `header.${payload}.signature`;
}

test('a new token lives as long as it says from now on, whatever clock its issuer has', () => {
  const { expiresAt } = toToken(token({ exi: 600, exp: 12 }), NOW, true);
  expect(expiresAt).toBe(NOW + 600_000);
});

test('a stored token lives until it says', () => {
  const { expiresAt } = toToken(token({ exi: 600, exp: NOW / 1000 + 100 }), NOW, false);
  expect(expiresAt).toBe(NOW + 100_000);
});

test.each([
  { exi: 86_400, early: 61_000 },
  { exi: 600, early: 61_000 },
  { exi: 60, early: 13_000 },
  { exi: 5, early: 2_000 },
])('one of $exi s is renewed $early ms before its end', ({ exi, early }) => {
  const { expiresAt, renewAt } = toToken(token({ exi, exp: NOW / 1000 + exi }), NOW, true);
  expect(expiresAt - renewAt).toBe(early);
});

test.each([
  '',
  'opaque',
  'a.b.c',
  'a.!!!.c',
  `a.${btoa('null')}.c`,
  `a.${btoa('[1]')}.c`,
  token({ exp: 'soon' }),
])('%j does not say when it ends', (text) => {
  expect(toToken(text, NOW, false)).toEqual({ text, expiresAt: Infinity, renewAt: Infinity });
});
