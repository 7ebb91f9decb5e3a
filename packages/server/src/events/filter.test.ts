import { expect, test } from 'vitest';
import { Filter } from './filter.ts';

const STATE = { type: 'process.state', process: 'cam1', level: '' };
const WARNING = { type: 'log', process: '', level: 'warn' };

test.each([
  ['nothing', {}, STATE, true],
  ['the name', { types: ['process.state'] }, STATE, true],
  ['a pattern', { types: ['process.*'] }, STATE, true],
  ['the first part of the name', { types: ['process'] }, STATE, true],
  ['a part of the first part', { types: ['proc'] }, STATE, false],
  ['one of several', { types: ['log', 'process'] }, STATE, true],
  ['another type', { types: ['log'] }, STATE, false],
  ['a pattern of processes', { process: 'cam*' }, STATE, true],
  ['another process', { process: 'other' }, STATE, false],
  ['a process, of what is about none', { process: 'cam*' }, WARNING, false],
  ['the level', { level: 'warn' }, WARNING, true],
  ['a lower level', { level: 'info' }, WARNING, true],
  ['a higher level', { level: 'error' }, WARNING, false],
  ['a level, of what has none', { level: 'error' }, STATE, true],
  ['an invalid pattern', { types: ['['] }, STATE, false],
  [
    'anything at all, of a gap',
    { types: ['log'], process: 'x' },
    { type: 'gap', process: '', level: '' },
    true,
  ],
])('who asks for %s', (_what, selection, event, expected) => {
  const filter = new Filter({ types: [], process: '', level: '', ...selection });
  expect(filter.matches(event)).toBe(expected);
});
