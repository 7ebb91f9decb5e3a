import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const PACKAGE = path.resolve(import.meta.dirname, '../../packages/srt');

test("the code in the SRT library's README runs as it stands", async () => {
  const readme = await readFile(path.join(PACKAGE, 'README.md'), 'utf8');
  const code = /```ts\n(.*?)```/s.exec(readme)?.[1] ?? '';
  expect(code).toContain('new Listener');
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--conditions=source', '--input-type=module-typescript', '--eval', code],
    { cwd: PACKAGE },
  );
  expect(stdout).toMatch(/^hello after 200 ms, round trip [\d.]+ ms\n$/);
});
