import { isMillraceError } from '@millrace/client';
import { defineCommand, flag, words } from '../command.ts';
import { CommandError, UsageError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import { reloadConfig } from './config-reload.ts';

export const configSet = defineCommand({
  name: 'config set',
  summary: 'change settings',
  description:
    'All of them are stored, or none if the server finds anything wrong; what is not named stays as it is, also if others change it at the same time. They take effect with the next reload. Lists are separated by commas; lists of other things are JSON.',
  arguments: { settings: words('dotted names with their values: name=value', 'setting') },
  options: { reload: flag('have them take effect at once', 'r') },
  examples: [
    ['millrace config set log.level=debug --reload', 'one setting, at once'],
    ['millrace config set rtmp.enable=true rtmp.address=:1935', 'several together'],
    ['millrace config set host.name=live.example.com,www.example.com', 'a list'],
  ],
  async run({ settings }, { reload }, context) {
    const { findSetting, isSecret, formatSetting, parseSetting, toChange } = await import('../settings.ts');
    const values = Object.fromEntries(
      settings.map((one) => {
        const [, name, text] = /^([^=]+)=(.*)$/s.exec(one) ?? [];
        if (name === undefined || text === undefined) {
          throw new UsageError(
            `${JSON.stringify(one)} is not a setting with its value`,
            'it looks like log.level=debug',
          );
        }
        return [name, parseSetting(findSetting(name), text)] as const;
      }),
    );
    const client = await context.client();
    const { signal } = context;
    try {
      await client.config.set(toChange(values), { signal });
    } catch (error) {
      if (!isMillraceError(error, 409)) throw error;
      throw new CommandError('the server refuses the change; nothing was stored', {
        exitCode: EXIT.refused,
        details: error.details,
        cause: error,
      });
    }
    const { overrides } = await client.config.get({ signal });
    for (const [name, value] of Object.entries(values)) {
      context.note(`${name} = ${isSecret(name) ? '***' : formatSetting(value)}`);
      if (overrides.includes(name))
        context.warn(`${name}: the environment of the server sets it, which counts more`);
    }
    if (reload) await reloadConfig(context);
    else context.note('millrace config reload has it take effect.');
  },
});
