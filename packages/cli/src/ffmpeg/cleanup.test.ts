import { expect, test } from 'vitest';
import { parseCleanup } from './cleanup.ts';

test.each([
  ['memfs:/a.ts', { pattern: 'memfs:/a.ts', max_files: 0, max_file_age_seconds: 0, purge_on_delete: false }],
  [
    'memfs:/{a,b}*.ts,files=10,age=2m,purge',
    { pattern: 'memfs:/{a,b}*.ts', max_files: 10, max_file_age_seconds: 120, purge_on_delete: true },
  ],
])('the cleanup rule %s', (rule, parsed) => {
  expect(parseCleanup(rule)).toEqual(parsed);
});

test.each([
  '',
  '/a.ts',
  'memfs:',
  'memfs:/a,files',
  'memfs:/a,files=x',
  'memfs:/a,age=soon',
  'memfs:/a,purge=1',
])('the cleanup rule %j is refused', (rule) => {
  expect(() => parseCleanup(rule)).toThrow('--cleanup');
});
