import type { Skills } from '@millrace/client';
import { choice, defineCommand, flag, optionalWord } from '../command.ts';
import type { Column } from '../terminal/table.ts';

const KINDS = ['codecs', 'filters', 'formats', 'protocols', 'devices', 'hwaccels'] as const;

interface Row {
  kind: string;
  id: string;
  name: string;
}

const COLUMNS: readonly Column<Row>[] = [
  { title: 'KIND', text: ({ kind }) => kind },
  { title: 'ID', text: ({ id }) => id },
  { title: 'NAME', text: ({ name }) => name, min: 10 },
];

export const skills = defineCommand({
  name: 'skills',
  summary: 'show what the FFmpeg of the server can do',
  arguments: { search: optionalWord('only what has this text in its id or name') },
  options: {
    kind: choice('only these', 'kind', KINDS, { short: 'k' }),
    reload: flag('look anew, after FFmpeg has changed'),
  },
  examples: [
    ['millrace skills', 'version and numbers'],
    ['millrace skills x264', 'all that has to do with x264'],
    ['millrace skills --kind hwaccels', 'by which hardware it can work'],
  ],
  async run({ search }, { kind, reload }, context) {
    const client = await context.client();
    const { signal } = context;
    const all = reload ? await client.skills.reload({ signal }) : await client.skills.get({ signal });
    const rows = rowsOf(all);
    if (search === undefined && kind === undefined) {
      context.show(all, () => summary(all, rows));
      return;
    }
    const wanted = (search ?? '').toLowerCase();
    const found = rows.filter(
      (row) =>
        (kind === undefined || kindOf(row) === kind) &&
        `${row.id} ${row.name}`.toLowerCase().includes(wanted),
    );
    context.show(found, () => context.table(COLUMNS, found));
    if (found.length === 0) context.note('FFmpeg has none of that.');
  },
});

function rowsOf({ codecs, filter, formats, devices, protocols, hwaccels }: Skills): Row[] {
  const lists: [
    kind: string,
    list: { id: string; name: string; encoders?: string[] | null; decoders?: string[] | null }[],
  ][] = [
    ['video codec', codecs.video],
    ['audio codec', codecs.audio],
    ['subtitle codec', codecs.subtitle],
    ['filter', filter],
    ['input format', formats.demuxers],
    ['output format', formats.muxers],
    ['input device', devices.demuxers],
    ['output device', devices.muxers],
    ['input protocol', protocols.input],
    ['output protocol', protocols.output],
    ['hwaccel', hwaccels],
  ];
  return lists.flatMap(([kind, list]) =>
    list.map(({ id, name, encoders, decoders }) => {
      const coders = [
        ...(encoders?.length ? [`encoders: ${encoders.join(' ')}`] : []),
        ...(decoders?.length ? [`decoders: ${decoders.join(' ')}`] : []),
      ];
      return { kind, id, name: [name, ...coders].join('; ') };
    }),
  );
}

function kindOf({ kind }: Row): string {
  return `${kind.split(' ').at(-1) ?? ''}s`;
}

function summary({ ffmpeg }: Skills, rows: readonly Row[]): string[] {
  const counts = Map.groupBy(rows, ({ kind }) => kind);
  return [
    `FFmpeg ${ffmpeg.version}`,
    `Built with ${ffmpeg.compiler}`,
    ...ffmpeg.libraries.map(({ name, linked }) => `  ${name} ${linked}`),
    [...counts].map(([kind, list]) => `${list.length} ${kind}s`).join(', '),
  ];
}
