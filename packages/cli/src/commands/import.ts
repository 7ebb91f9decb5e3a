import { readFile } from 'node:fs/promises';
import { text as readAll } from 'node:stream/consumers';
import { defineCommand, flag, optionalWord } from '../command.ts';
import type { Context } from '../context.ts';
import { CommandError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import { report, toFailure } from '../failure.ts';
import { type Change, exportAll, parseExport, planImport } from '../transfer.ts';

const SIGNS = { add: '+', change: '~', remove: '-', start: '>', stop: '.' } as const;
const STYLES = { add: 'good', change: 'busy', remove: 'bad', start: 'good', stop: 'dim' } as const;

export const importCommand = defineCommand({
  name: 'import',
  summary: 'make the processes and metadata of an export',
  description:
    'What is there already and the same is left alone, so that an import can be repeated; it says what it changes. What only the server has stays, unless --prune is given. If one change fails, the others are made all the same.',
  arguments: { file: optionalWord('the export; the standard input if left out', 'file') },
  options: {
    dryRun: flag('only say what would change', 'n'),
    prune: flag('remove processes and metadata that are not in the export'),
  },
  examples: [
    ['millrace import --dry-run backup.json', 'what is different from the export'],
    ['millrace import backup.json', 'make it so'],
    ['millrace import --prune backup.json', 'nothing but what is in the export'],
  ],
  async run({ file }, { dryRun, prune }, context) {
    const wanted = parseExport(await read(file, context));
    const { client, url } = await context.connection();
    const { signal } = context;
    const changes = planImport(await exportAll(client, url, signal), wanted, prune);
    const failed: Change[] = [];
    const made: Change[] = [];
    for (const change of changes) {
      if (!context.isJson) context.print(describe(change, context));
      try {
        if (!dryRun) await change.apply(client, signal);
        made.push(change);
      } catch (error) {
        const failure = toFailure(error, url);
        if (failure.exitCode !== EXIT.refused && failure.exitCode !== EXIT.notFound) throw error;
        report(context, { ...failure, message: `${change.name}: ${failure.message}` });
        failed.push(change);
      }
    }
    const outcome = { dry_run: dryRun, changes: made.map(shown), failed: failed.map(shown) };
    context.show(outcome, () => []);
    const tally =
      changes.length === 0 ? 'nothing to change' : `${made.length} change${made.length === 1 ? '' : 's'}`;
    context.note(dryRun && changes.length > 0 ? `${tally}, none of them made` : tally);
    return failed.length > 0 ? EXIT.refused : EXIT.done;
  },
});

function shown({ kind, name, what, details }: Change) {
  return { kind, name, what, details };
}

function describe({ kind, name, what, details }: Change, { paint }: Context): string {
  const rest = details.length === 0 ? '' : ` (${details.join(', ')})`;
  return `${paint(STYLES[what], `${SIGNS[what]} ${what}`)} ${kind} ${name}${rest}`;
}

async function read(file: string | undefined, { stdin }: Context): Promise<string> {
  if (file === undefined || file === '-') return readAll(stdin);
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw new CommandError(isMissing ? `${file} does not exist` : (error as Error).message, {
      exitCode: isMissing ? EXIT.notFound : EXIT.failed,
      cause: error,
    });
  }
}
