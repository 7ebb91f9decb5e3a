import { defineCommand, optionalWord } from '../command.ts';
import { writePrivate } from '../private-file.ts';
import { exportAll } from '../transfer.ts';

export const exportCommand = defineCommand({
  name: 'export',
  summary: 'write all processes and metadata as one JSON file',
  description:
    'The file has everything that millrace import needs to make the same on another server, passwords in addresses included: it is made so that only you can read it. Configuration and files are not in it.',
  arguments: { file: optionalWord('where to; the standard output if left out', 'file') },
  options: {},
  examples: [
    ['millrace export backup.json', 'a copy of all'],
    ['millrace export -p old | millrace import -p new', 'from one server to another'],
  ],
  async run({ file }, _options, context) {
    const { client, url } = await context.connection();
    const all = await exportAll(client, url, context.signal);
    const text = JSON.stringify(all, null, 2);
    if (file === undefined || file === '-') {
      context.print(text);
      return;
    }
    await writePrivate(file, `${text}\n`);
    context.note(
      `${file}: ${all.processes.length} processes, ${Object.keys(all.metadata).length} metadata keys`,
    );
  },
});
