import { defineCommand, words } from '../command.ts';
import { CommandError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import { forEach } from '../processes.ts';
import { isGlob, remoteText, requireRemote } from '../storage.ts';

export const fsRm = defineCommand({
  name: 'fs rm',
  summary: 'remove files from the server',
  arguments: { files: words('files (mem:/path) or patterns (mem:/cam*.ts)', 'storage') },
  options: {},
  examples: [
    ['millrace fs rm disk:/old.mp4', 'one file'],
    [`millrace fs rm 'mem:/camera*'`, 'all that begin with camera'],
  ],
  async run({ files }, _options, context) {
    const client = await context.client();
    const { signal } = context;
    const names: string[] = [];
    for (const remote of files.map(requireRemote)) {
      if (!isGlob(remote)) {
        names.push(remoteText(remote));
        continue;
      }
      const found = await client.files.list(remote.storage, { glob: remote.path, sort: 'name' }, { signal });
      if (found.length === 0) {
        throw new CommandError(`no file fits ${remoteText(remote)}`, { exitCode: EXIT.notFound });
      }
      names.push(...found.map(({ name }) => remoteText({ ...remote, path: name })));
    }
    return forEach(context, names, async (name) => {
      const { storage, path } = requireRemote(name);
      await client.files.remove(storage, path.slice(1), { signal });
      context.note(`${name}: removed`);
    });
  },
});
