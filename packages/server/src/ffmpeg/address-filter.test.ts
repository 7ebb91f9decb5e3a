import { expect, test } from 'vitest';
import { AddressFilter } from './address-filter.ts';

test.each<[about: string, allow: string[], block: string[], address: string, isAllowed: boolean]>([
  ['nothing is forbidden by empty lists', [], [], 'rtmp://a', true],
  ['what the block list matches is forbidden', [], ['^rtmp:'], 'rtmp://a', false],
  ['what it does not match is allowed', [], ['^rtmp:'], 'srt://a', true],
  ['an allow list must match', ['^srt:'], [], 'rtmp://a', false],
  ['one match of the allow list is enough', ['^srt:', '^rtmp:'], [], 'rtmp://a', true],
  ['the block list wins', ['^rtmp:'], ['secret'], 'rtmp://secret', false],
  ['a match may be anywhere', [], ['cre'], 'rtmp://secret', false],
  ['blank expressions are ignored', ['', '  '], [''], 'rtmp://a', true],
  ['flags of RE2', [], ['(?i)SECRET'], 'rtmp://secret', false],
  ['anchors of RE2', ['\\Artmp://a\\z'], [], 'rtmp://ab', false],
  ['character classes of RE2', ['^[[:alnum:]]+$'], [], 'abc9', true],
  [
    'what JavaScript would take for a back reference pattern stays linear',
    ['^(a+)+$'],
    [],
    'a'.repeat(5_000) + 'b',
    false,
  ],
])('%s', (_, allow, block, address, isAllowed) => {
  expect(new AddressFilter({ allow, block }).isAllowed(address)).toBe(isAllowed);
});

test.each(['(', '[a', 'a(?=b)', '\\1'])('%s is no expression', (expression) => {
  expect(() => new AddressFilter({ allow: [expression], block: [] })).toThrow(/^invalid expression/);
});
