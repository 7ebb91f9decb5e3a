// `npm run generate`: writes the reference of the command line into docs/cli.md, between the marks.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import prettier from 'prettier';
import { referenceMarkdown } from '../packages/cli/src/documentation.ts';

const FILE = path.resolve(import.meta.dirname, '../docs/cli.md');
const MARKS = /(<!-- commands: .*? -->\n)[^]*?(<!-- end of commands -->)/;

/** The text of docs/cli.md with the present reference. */
export async function withReference(text) {
  if (!MARKS.test(text)) throw new Error('docs/cli.md has no marks around its commands');
  const fresh = text.replace(MARKS, (_all, begin, end) => `${begin}\n${referenceMarkdown()}\n\n${end}`);
  const options = await prettier.resolveConfig(FILE);
  return prettier.format(fresh, { ...options, filepath: FILE });
}

if (import.meta.main) {
  const text = readFileSync(FILE, 'utf8');
  const fresh = await withReference(text);
  if (fresh !== text) writeFileSync(FILE, fresh);
}
