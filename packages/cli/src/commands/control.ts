import type { ExecState, ProcessCommand } from '@millrace/client';
import { type Command, defineCommand, duration, flag, words } from '../command.ts';
import { forEach, resolveIds, waitUntilAtWork } from '../processes.ts';

interface Order {
  summary: string;
  done: string;
  description?: string;
  example: string;
}

const ORDERS: Readonly<Record<ProcessCommand, Order>> = {
  start: { summary: 'start processes', done: 'started', example: 'start one' },
  stop: { summary: 'stop processes', done: 'stopped', example: 'stop one' },
  restart: {
    summary: 'stop processes and start them again',
    done: 'restarted',
    description: 'Those that do not run are left alone.',
    example: 'restart one',
  },
  reload: {
    summary: 'have processes take in what they refer to',
    done: 'reloaded',
    description:
      'Placeholders and references to other processes are resolved anew, as after a change of the configuration. A process that ran is started again.',
    example: 'after the configuration has changed',
  },
};

/** States in which nothing is left to do. */
const AT_REST: readonly ExecState[] = ['finished', 'failed', 'killed'];

/** Commands that tell processes what to do. */
export const CONTROL_COMMANDS: readonly Command[] = (['start', 'stop', 'restart', 'reload'] as const).map(
  (order) => {
    const { summary, done, description, example } = ORDERS[order];
    const canWait = order === 'start' || order === 'stop';
    return defineCommand({
      name: order,
      summary,
      ...(description !== undefined && { description }),
      arguments: { ids: words('ids of processes, or patterns such as cam*', 'process') },
      options: {
        ...(canWait && {
          wait: flag(
            order === 'stop'
              ? 'wait until they have ended'
              : 'wait until FFmpeg is at work; if it fails, say why',
            'w',
          ),
          waitTime: duration('how long to wait at most; a minute if left out', 'time'),
        }),
      } as { wait: ReturnType<typeof flag>; waitTime: ReturnType<typeof duration> },
      examples: [
        [`millrace ${order} camera-1`, example],
        [`millrace ${order} 'cam*' lobby`, 'several at once'],
        ...(order === 'start'
          ? ([
              ['millrace start --wait camera-1 || millrace report camera-1', 'see why it does not run'],
            ] as const)
          : []),
      ],
      async run({ ids }, { wait, waitTime = 60 }, context) {
        const client = await context.client();
        const { signal } = context;
        return forEach(context, await resolveIds(client, ids, { signal }), async (id) => {
          await client.processes.command(id, order, { signal });
          if (wait && order === 'start') await waitUntilAtWork(client, id, waitTime, signal);
          if (wait && order === 'stop')
            await client.waitFor(id, AT_REST, { signal, timeout: waitTime * 1000 });
          context.note(`${id}: ${done}`);
        });
      },
    });
  },
);
