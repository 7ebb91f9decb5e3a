import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { TARGETS } from '../test/fuzz-targets.ts';
import { ProtocolError } from './errors.ts';

const CORPUS = path.join(import.meta.dirname, '../test/corpus');

describe.each(Object.entries(TARGETS))('%s', (name, target) => {
  const folder = path.join(CORPUS, name);

  test.each(readdirSync(folder))('%s is taken or refused', async (file) => {
    const failure: unknown = await Promise.resolve(readFileSync(path.join(folder, file)))
      .then(target)
      .catch((error: unknown) => error);
    if (failure !== undefined) expect(failure).toBeInstanceOf(ProtocolError);
  });
});
