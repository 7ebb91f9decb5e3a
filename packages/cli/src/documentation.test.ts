import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { withReference } from '../../../scripts/cli-docs.mjs';

test('docs/cli.md is up to date (npm run generate)', async () => {
  const text = readFileSync(path.join(import.meta.dirname, '../../../docs/cli.md'), 'utf8');
  expect(await withReference(text)).toBe(text);
});
