import type { SrtChannels, SrtStatistics } from '@millrace/client';
import { defineCommand, word } from '../command.ts';
import { UsageError } from '../errors.ts';
import type { Column } from '../terminal/table.ts';
import { formatBitrate, formatBytes } from '../terminal/units.ts';

interface Row {
  stream: string;
  role: 'publisher' | 'subscriber';
  socket: number;
  stats: SrtStatistics | undefined;
}

const of = (text: (stats: SrtStatistics, row: Row) => string) => (row: Row) =>
  row.stats === undefined ? '' : text(row.stats, row);
const isSender = ({ role }: Row) => role === 'publisher';

const COLUMNS: readonly Column<Row>[] = [
  { title: 'STREAM', text: ({ stream }) => stream, min: 8 },
  { title: 'ROLE', text: ({ role }) => role },
  { title: 'RTT', text: of(({ rtt_ms }) => `${rtt_ms.toFixed(1)} ms`), align: 'right' },
  {
    title: 'BANDWIDTH',
    text: of(({ bandwidth_mbit }) => formatBitrate(bandwidth_mbit * 1000)),
    align: 'right',
    optional: 2,
  },
  {
    title: 'BYTES',
    text: of((stats, row) => formatBytes(isSender(row) ? stats.recv_bytes : stats.sent_bytes)),
    align: 'right',
  },
  {
    title: 'LOST',
    text: of((stats, row) => String(isSender(row) ? stats.recv_loss_pkt : stats.send_loss_pkt)),
    align: 'right',
    optional: 1,
  },
  {
    title: 'DROPPED',
    text: of((stats, row) => String(isSender(row) ? stats.recv_drop_pkt : stats.send_drop_pkt)),
    align: 'right',
  },
  { title: 'SOCKET', text: ({ socket }) => String(socket), align: 'right', optional: 3 },
];

export const srt = defineCommand({
  name: 'srt',
  summary: 'list the streams that are sent and received over SRT',
  arguments: {},
  options: {},
  examples: [['millrace srt', 'connections with their round trip times and losses']],
  async run(_args, _options, context) {
    const client = await context.client();
    const channels = await client.srt.channels({ signal: context.signal });
    const rows = rowsOf(channels);
    context.show(channels, () => context.table(COLUMNS, rows));
    if (rows.length === 0) context.note('Nothing is published over SRT.');
  },
});

export const srtKick = defineCommand({
  name: 'srt kick',
  summary: 'cut off a publisher or a player of an SRT stream',
  description: 'Who is cut off may come back at once: a passphrase or a token keeps out whom it should.',
  arguments: { socket: word('number of its socket, as millrace srt shows it') },
  options: {},
  examples: [['millrace srt kick 1073741824', 'the connection with this socket']],
  async run({ socket }, _options, context) {
    if (!/^\d{1,10}$/.test(socket)) {
      throw new UsageError(
        `${JSON.stringify(socket)} is not the number of a socket`,
        'millrace srt shows them',
      );
    }
    const client = await context.client();
    await client.srt.kick(Number(socket), { signal: context.signal });
    context.note(`${socket}: was cut off`);
  },
});

function rowsOf({ publisher, subscriber, connections }: SrtChannels): Row[] {
  const row = (stream: string, role: Row['role'], socket: number): Row => ({
    stream,
    role,
    socket,
    stats: connections[String(socket)]?.stats,
  });
  const streams = new Set([...Object.keys(publisher), ...Object.keys(subscriber)]);
  return [...streams]
    .sort()
    .flatMap((stream) => [
      ...(publisher[stream] === undefined ? [] : [row(stream, 'publisher', publisher[stream])]),
      ...(subscriber[stream] ?? []).map((socket) => row(stream, 'subscriber', socket)),
    ]);
}
