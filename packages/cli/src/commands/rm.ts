import { defineCommand, flag, words } from '../command.ts';
import { isMillraceError } from '@millrace/client';
import { forEach, resolveIds } from '../processes.ts';

export const rm = defineCommand({
  name: 'rm',
  summary: 'stop processes and remove them',
  description:
    'Their files go as their cleanup rules say. There is no way back: millrace export keeps a copy.',
  arguments: { ids: words('ids of processes, or patterns such as cam*', 'process') },
  options: { force: flag('say nothing of those that do not exist', 'f') },
  examples: [
    ['millrace rm camera-1', 'one'],
    ["millrace rm 'test-*'", 'all whose id begins with test-'],
  ],
  async run({ ids }, { force }, context) {
    const client = await context.client();
    const { signal } = context;
    return forEach(context, await resolveIds(client, ids, { signal }), async (id) => {
      try {
        await client.processes.remove(id, { signal });
      } catch (error) {
        if (force && isMillraceError(error, 404)) return;
        throw error;
      }
      context.note(`${id}: removed`);
    });
  },
});
