import { defineCommand, optionalWord, text } from '../command.ts';
import { PROCESS_COLUMNS } from '../processes.ts';

export const ps = defineCommand({
  name: 'ps',
  summary: 'list the processes and what they do',
  arguments: { pattern: optionalWord('only ids that fit this pattern, such as cam*', 'process') },
  options: {
    reference: text('only those with this reference, which may be a pattern', 'reference'),
  },
  examples: [
    ['millrace ps', 'all processes'],
    ["millrace ps 'cam*'", 'those whose id begins with cam'],
    [
      `millrace ps --json | jq -r '.[] | select(.state.exec == "failed") | .id'`,
      'the ids of all that have failed',
    ],
  ],
  async run({ pattern }, { reference }, context) {
    const client = await context.client();
    const query = { idpattern: pattern, refpattern: reference, filter: ['state'] } as const;
    const processes = await client.processes.list(query, { signal: context.signal });
    processes.sort((a, b) => a.id.localeCompare(b.id, 'en', { numeric: true }));
    context.show(processes, () => context.table(PROCESS_COLUMNS, processes));
    if (processes.length === 0) context.note('There are no processes. millrace run makes one.');
  },
});
