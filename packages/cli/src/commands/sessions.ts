import type { Session, SessionSummary } from '@millrace/client';
import { defineCommand, flag, words } from '../command.ts';
import type { Column } from '../terminal/table.ts';
import { formatAge, formatBitrate, formatBytes } from '../terminal/units.ts';

type Row = Session & { collector: string };

const MEBI = 1024 * 1024;
/** The server's kbit has 1024 bits. */
const kbit = (binary: number) => (binary * 1024) / 1000;

const ACTIVE: readonly Column<Row>[] = [
  { title: 'KIND', text: ({ collector }) => collector },
  { title: 'STREAM', text: ({ reference, local }) => reference || local, min: 8 },
  { title: 'PEER', text: ({ remote }) => remote, min: 8 },
  { title: 'FOR', text: ({ created_at }) => formatAge(created_at), align: 'right' },
  {
    title: 'IN',
    text: ({ bandwidth_rx_kbit }) => formatBitrate(kbit(bandwidth_rx_kbit)),
    align: 'right',
    optional: 1,
  },
  { title: 'OUT', text: ({ bandwidth_tx_kbit }) => formatBitrate(kbit(bandwidth_tx_kbit)), align: 'right' },
  { title: 'RECEIVED', text: ({ bytes_rx }) => formatBytes(bytes_rx), align: 'right', optional: 3 },
  { title: 'SENT', text: ({ bytes_tx }) => formatBytes(bytes_tx), align: 'right', optional: 2 },
  { title: 'EXTRA', text: ({ extra }) => extra, min: 5, optional: 4 },
];

const SUMMARY: readonly Column<[string, SessionSummary]>[] = [
  { title: 'KIND', text: ([collector]) => collector },
  {
    title: 'NOW',
    text: ([, { active }]) =>
      `${active.sessions}${active.max_sessions > 0 ? ` of ${active.max_sessions}` : ''}`,
    align: 'right',
  },
  {
    title: 'IN',
    text: ([, { active }]) => formatBitrate(kbit(active.bandwidth_rx_mbit * 1024)),
    align: 'right',
  },
  {
    title: 'OUT',
    text: ([, { active }]) => formatBitrate(kbit(active.bandwidth_tx_mbit * 1024)),
    align: 'right',
  },
  { title: 'ALL', text: ([, { summary }]) => String(summary.sessions), align: 'right' },
  {
    title: 'RECEIVED',
    text: ([, { summary }]) => formatBytes(summary.traffic_rx_mb * MEBI),
    align: 'right',
    optional: 2,
  },
  {
    title: 'SENT',
    text: ([, { summary }]) => formatBytes(summary.traffic_tx_mb * MEBI),
    align: 'right',
    optional: 1,
  },
];

export const sessions = defineCommand({
  name: 'sessions',
  summary: 'show who watches and who sends',
  arguments: {
    kinds: words(
      'only of these kinds: hls, hlsingress, rtmp, srt, http, ffmpeg',
      ['hls', 'hlsingress', 'rtmp', 'srt', 'http', 'ffmpeg'],
      true,
    ),
  },
  options: { summary: flag('numbers by kind, of those before as well', 's') },
  examples: [
    ['millrace sessions hls', 'the viewers of HLS'],
    ['millrace sessions --summary', 'how many there are and were'],
  ],
  async run({ kinds }, { summary }, context) {
    const client = await context.client();
    const { signal } = context;
    const collectors = kinds.length > 0 ? kinds : undefined;
    if (summary) {
      const all = await client.sessions.summary(collectors, { signal });
      context.show(all, () => context.table(SUMMARY, Object.entries(all)));
      return;
    }
    const active = await client.sessions.active(collectors, { signal });
    const rows = Object.entries(active).flatMap(([collector, list]) =>
      list.map((one) => ({ ...one, collector })),
    );
    context.show(active, () => context.table(ACTIVE, rows));
    if (rows.length === 0) context.note('There is nobody.');
  },
});
