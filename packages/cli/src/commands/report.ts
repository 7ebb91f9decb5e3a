import type { ProcessReportEntry } from '@millrace/client';
import { count, defineCommand, flag, word } from '../command.ts';
import type { Context } from '../context.ts';
import { CommandError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import { logLine } from '../report.ts';
import { printable } from '../terminal/text.ts';
import { formatTime } from '../terminal/units.ts';

export const report = defineCommand({
  name: 'report',
  summary: 'show all that FFmpeg has said in a run, and why it failed',
  arguments: { id: word('id of the process', 'process') },
  options: {
    run: count(
      'of an earlier run: 1 for the one before the present one, 2 for the one before that',
      'number',
      {
        short: 'r',
      },
    ),
    all: flag('of all runs that are kept, the oldest first', 'a'),
  },
  examples: [
    ['millrace report camera', 'the present or latest run'],
    ['millrace report --run 1 camera', 'the run before'],
  ],
  async run({ id }, { run = 0, all }, context) {
    const client = await context.client();
    const { history, ...present } = await client.processes.report(id, { signal: context.signal });
    const runs: ProcessReportEntry[] = [...history, present];
    if (all) {
      context.show(runs, () => runs.flatMap((one) => lines(one, context)));
      return;
    }
    const chosen = runs.at(-1 - run);
    if (chosen === undefined) {
      throw new CommandError(`there is no run ${run} before the present one`, {
        exitCode: EXIT.notFound,
        hint: `${history.length} earlier runs are kept`,
      });
    }
    context.show(chosen, () => lines(chosen, context));
  },
});

function lines({ created_at, prelude, log, failure }: ProcessReportEntry, { paint }: Context): string[] {
  // The log begins with the prelude, unless more has been said since than is kept.
  const hasPrelude = log[0]?.[1] === prelude[0];
  return [
    paint('bold', created_at > 0 ? `Run of ${formatTime(created_at)}` : 'It has not run yet'),
    ...(hasPrelude ? [] : prelude.map((line) => paint('dim', printable(line)))),
    ...log.map((entry) => logLine(entry, paint)),
    ...(failure === undefined
      ? []
      : [
          '',
          `${paint('bad', `Failed (${failure.class}):`)} ${printable(failure.line)}`,
          printable(failure.advice),
        ]),
  ];
}
