import { type ConfigStatus, isMillraceError } from '@millrace/client';
import { setTimeout as delay } from 'node:timers/promises';
import { defineCommand } from '../command.ts';
import type { Context } from '../context.ts';
import { CommandError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';

/** Between two looks, in milliseconds. */
const INTERVAL = 200;
const PATIENCE = 60_000;

export const configReload = defineCommand({
  name: 'config reload',
  summary: 'have the stored configuration take effect',
  description:
    'Only what has changed is touched. If the new configuration cannot run, the server goes on with the old one and this says why.',
  arguments: {},
  options: {},
  examples: [['millrace config reload', 'after config set']],
  async run(_args, _options, context) {
    await reloadConfig(context);
  },
});

/** Reloads and waits for the outcome. Throws CommandError if the old configuration goes on. */
export async function reloadConfig(context: Context): Promise<void> {
  const client = await context.client();
  const { signal } = context;
  const status = async (): Promise<ConfigStatus | undefined> => {
    try {
      return await client.config.status({ signal });
    } catch (error) {
      // compat: Core has no such question, and takes a moment to come back.
      if (isMillraceError(error) && (error.code === 'unsupported' || error.status === 404)) return undefined;
      throw error;
    }
  };
  const before = await status();
  await client.config.reload({ signal });
  if (before === undefined) {
    context.note('The server has been told to reload; it does not say what becomes of it.');
    return;
  }
  const until = Date.now() + PATIENCE;
  for (;;) {
    const { reload, loaded_at } = (await status()) ?? before;
    const isNew = reload !== null && (reload.at !== before.reload?.at || loaded_at !== before.loaded_at);
    if (isNew && reload.state === 'done') break;
    if (isNew && reload.state === 'failed') {
      throw new CommandError('the server goes on with the old configuration', {
        exitCode: EXIT.refused,
        details: reload.error.split('; '),
      });
    }
    if (Date.now() > until)
      throw new CommandError('the reload takes too long', { exitCode: EXIT.unreachable });
    await delay(INTERVAL, undefined, { signal });
  }
  context.note('The configuration is in effect.');
}
