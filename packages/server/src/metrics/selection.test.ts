import { expect, test } from 'vitest';
import { Selectors } from './selection.ts';

const LABELS = ['cpu', 'start', 'p1', 'running'];

test.each<[string, Record<string, string>, boolean]>([
  ['no labels', {}, true],
  ['an expression that occurs in the value', { state: 'un' }, true],
  ['an anchored one', { processid: '^p1$', name: '^(cpu|memory)$' }, true],
  ['one of two that does not match', { processid: '^p1$', name: 'memory' }, false],
  ['an empty expression', { state: '' }, true],
])('selects by %s', (_, labels, matches) => {
  expect(new Selectors().create({ name: 'restream_process', labels })?.matches(LABELS)).toBe(matches);
});

test.each<[string, string, Record<string, string>]>([
  ['an unknown metric', 'nope', {}],
  ['an unknown label', 'restream_process', { color: 'red' }],
  ['a broken expression', 'restream_process', { state: '(' }],
  ['what only other engines understand', 'restream_process', { state: '(?=r)' }],
  ['an expression that is too long', 'restream_process', { state: 'r*'.repeat(200) }],
  ['one that is fine beside one that is broken', 'restream_process', { name: 'cpu', state: '[' }],
  ['the name of an inherited property', 'restream_process', { constructor: 'x' }],
])('selects nothing for %s', (_, name, labels) => {
  expect(new Selectors().create({ name, labels })).toBeUndefined();
});

test('an expression that keeps other engines busy takes no time', () => {
  const selector = new Selectors().create({ name: 'net_rx', labels: { interface: '(a+)+$' } });
  expect(selector?.matches([`${'a'.repeat(5000)}!`])).toBe(false);
});
