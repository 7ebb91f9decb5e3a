import type { FileInfo, FilesystemInfo } from '@millrace/client';
import { choice, defineCommand, flag, optionalWord } from '../command.ts';
import { isGlob, parseRemote } from '../storage.ts';
import type { Column } from '../terminal/table.ts';
import { formatBytes, formatTime } from '../terminal/units.ts';

const STORAGES: readonly Column<FilesystemInfo>[] = [
  { title: 'STORAGE', text: ({ name }) => name },
  { title: 'TYPE', text: ({ type }) => type },
  { title: 'SERVED AT', text: ({ mount }) => mount },
];
const FILES: readonly Column<FileInfo>[] = [
  { title: 'SIZE', text: ({ size_bytes }) => formatBytes(size_bytes), align: 'right' },
  { title: 'CHANGED', text: ({ last_modified }) => formatTime(last_modified), optional: 1 },
  { title: 'NAME', text: ({ name }) => name },
];

export const fsLs = defineCommand({
  name: 'fs ls',
  summary: 'list the storages, or the files of one',
  arguments: {
    where: optionalWord('a storage (mem:), a folder (mem:/live/) or a pattern (mem:/*.ts)', 'storage'),
  },
  options: {
    sort: choice('the order', 'by', ['name', 'size', 'lastmod'], { short: 's' }),
    reverse: flag('the other way round', 'r'),
  },
  examples: [
    ['millrace fs ls', 'the storages of the server'],
    ['millrace fs ls mem:', 'all files in memory'],
    [`millrace fs ls --sort size -r 'disk:/**.mp4'`, 'recordings, the largest first'],
  ],
  async run({ where }, { sort = 'name', reverse }, context) {
    const client = await context.client();
    const { signal } = context;
    if (where === undefined) {
      const storages = await client.files.filesystems({ signal });
      context.show(storages, () => context.table(STORAGES, storages));
      return;
    }
    const remote = parseRemote(where) ?? { storage: where, path: '/' };
    const isFolder = remote.path.endsWith('/') && !isGlob(remote);
    const glob = remote.path === '/' ? undefined : isFolder ? `${remote.path}**` : remote.path;
    const query = { glob, sort, order: reverse ? 'desc' : 'asc' } as const;
    const files = await client.files.list(remote.storage, query, { signal });
    context.show(files, () => context.table(FILES, files));
    if (files.length === 0) context.note('There are no such files.');
  },
});
