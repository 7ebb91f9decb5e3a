import { defineCommand, flag, optionalWord } from '../command.ts';
import { CommandError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import type { Column } from '../terminal/table.ts';

interface Row {
  name: string;
  value: string;
  note: string;
}

const COLUMNS: readonly Column<Row>[] = [
  { title: 'SETTING', text: ({ name }) => name },
  { title: 'VALUE', text: ({ value }) => value, min: 10 },
  { title: '', text: ({ note }) => note, style: () => 'dim', optional: 1 },
];

export const configGet = defineCommand({
  name: 'config get',
  summary: 'show the configuration, a part of it or one setting',
  description:
    'Of one setting only the value is printed. In the list, secrets are not shown unless you ask for them.',
  arguments: { name: optionalWord('dotted name of a setting or of a group', 'setting') },
  options: { secrets: flag('show passwords and tokens in the list as well') },
  examples: [
    ['millrace config get', 'all settings, and which of them the environment sets'],
    ['millrace config get api.auth', 'one group'],
    ['millrace config get rtmp.address', 'one value'],
    ['millrace config get --json > config.json', 'all of it, secrets included'],
  ],
  async run({ name }, { secrets }, context) {
    const { SETTINGS, formatSetting, isSecret, valueAt } = await import('../settings.ts');
    const client = await context.client();
    const answer = await client.config.get({ signal: context.signal });
    const part = name === undefined ? answer.config : valueAt(answer.config, name);
    const settings = SETTINGS.filter((one) => name === undefined || one.name.startsWith(`${name}.`)).filter(
      (one) => valueAt(answer.config, one.name) !== undefined,
    );
    if (part === undefined) {
      throw new CommandError(`the server says nothing about ${JSON.stringify(name)}`, {
        exitCode: EXIT.notFound,
        hint: 'millrace config get lists what it says; what has its default may be left out',
      });
    }
    context.show(part, () => {
      if (settings.length === 0) return formatSetting(part);
      const rows = settings.map((one): Row => {
        const value = formatSetting(valueAt(answer.config, one.name));
        const isHidden = !secrets && isSecret(one.name) && value !== '';
        return {
          name: one.name,
          value: isHidden ? '***' : value,
          note: answer.overrides.includes(one.name) ? 'from the environment' : '',
        };
      });
      return context.table(COLUMNS, rows);
    });
  },
});
