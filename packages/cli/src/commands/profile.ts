import { type Command, defineCommand, word } from '../command.ts';
import { CommandError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import type { Column } from '../terminal/table.ts';

interface Row {
  name: string;
  url: string;
  username: string;
  is_current: boolean;
  is_logged_in: boolean;
}

const COLUMNS: readonly Column<Row>[] = [
  { title: '', text: ({ is_current }) => (is_current ? '*' : ' ') },
  { title: 'PROFILE', text: ({ name }) => name },
  { title: 'SERVER', text: ({ url }) => url },
  { title: 'USER', text: ({ username }) => username },
  { title: 'SESSION', text: ({ is_logged_in }) => (is_logged_in ? 'yes' : 'no') },
];

/** Commands about the profiles. */
export const PROFILE_COMMANDS: readonly Command[] = [
  defineCommand({
    name: 'profile ls',
    summary: 'list the profiles',
    arguments: {},
    options: {},
    examples: [['millrace profile ls', 'which servers are known, and which is used']],
    async run(_args, _options, context) {
      const { profiles } = context;
      const current = await profiles.currentName();
      const rows: Row[] = [];
      for (const name of await profiles.names()) {
        const { url = '', username = '', refresh_token = '' } = (await profiles.read(name)) ?? {};
        rows.push({ name, url, username, is_current: name === current, is_logged_in: refresh_token !== '' });
      }
      context.show(rows, () => context.table(COLUMNS, rows));
      if (rows.length === 0) context.note('There are no profiles. millrace login makes one.');
    },
  }),
  defineCommand({
    name: 'profile use',
    summary: 'use another profile from now on',
    arguments: { name: word('name of the profile', 'profile') },
    options: {},
    examples: [['millrace profile use studio', 'work with that server']],
    async run({ name }, _options, { profiles }) {
      if ((await profiles.read(name)) === undefined) throw unknown(name);
      await profiles.use(name);
    },
  }),
  defineCommand({
    name: 'profile rm',
    summary: 'forget a profile',
    description:
      'Its session goes on at the server until its tokens run out: millrace logout ends it before.',
    arguments: { name: word('name of the profile', 'profile') },
    options: {},
    examples: [['millrace profile rm studio', 'forget that server']],
    async run({ name }, _options, { profiles }) {
      if (!(await profiles.remove(name))) throw unknown(name);
    },
  }),
];

function unknown(name: string): CommandError {
  return new CommandError(`there is no profile ${name}`, {
    exitCode: EXIT.notFound,
    hint: 'millrace profile ls lists them, millrace login makes one',
  });
}
