import type { RtmpChannel, RtmpPlayer } from '@millrace/client';
import { defineCommand, text, word } from '../command.ts';
import type { Column } from '../terminal/table.ts';
import { formatAge, formatBitrate, formatBytes } from '../terminal/units.ts';

/** A publisher or a player. Core tells no more than the names of the streams. */
interface Row {
  stream: string;
  role: 'publisher' | 'player';
  link: Partial<RtmpPlayer>;
  bytes: number | undefined;
  publisher: RtmpChannel | undefined;
}

const COLUMNS: readonly Column<Row>[] = [
  { title: 'STREAM', text: ({ stream }) => stream, min: 8 },
  { title: 'ROLE', text: ({ role }) => role },
  {
    title: 'BITRATE',
    text: ofPublisher(({ bandwidth_rx_kbit: kbit }) => ifKnown(kbit, formatBitrate)),
    align: 'right',
  },
  { title: 'CODECS', text: ofPublisher(codecs), optional: 3 },
  {
    title: 'GOP',
    text: ofPublisher(({ gop_sec: gop }) =>
      ifKnown(gop === 0 ? undefined : gop, (sec) => `${sec.toFixed(1)}s`),
    ),
    align: 'right',
    optional: 4,
  },
  {
    title: 'PLAYERS',
    text: ofPublisher(({ players }) => ifKnown(players?.length, String)),
    align: 'right',
    optional: 1,
  },
  { title: 'BYTES', text: ({ bytes }) => ifKnown(bytes, formatBytes), align: 'right', optional: 5 },
  { title: 'FOR', text: ({ link }) => ifKnown(link.created_at, formatAge), align: 'right', optional: 6 },
  { title: 'PROTOCOL', text: ({ link }) => link.protocol ?? '', optional: 7 },
  { title: 'REMOTE', text: ({ link }) => link.remote ?? '', optional: 2 },
];

export const rtmp = defineCommand({
  name: 'rtmp',
  summary: 'list the streams that are published over RTMP, and who plays them',
  arguments: {},
  options: {},
  examples: [['millrace rtmp', 'bitrates, codecs, distances of key frames, players']],
  async run(_args, _options, context) {
    const client = await context.client();
    const channels = await client.rtmp.channels({ signal: context.signal });
    context.show(channels, () => context.table(COLUMNS, channels.flatMap(rowsOf)));
    if (channels.length === 0) context.note('Nothing is published over RTMP.');
  },
});

export const rtmpKick = defineCommand({
  name: 'rtmp kick',
  summary: 'cut off the publisher of an RTMP stream, or one of its players',
  description: 'Who is cut off may come back at once: a key or a token keeps out whom it should.',
  arguments: { stream: word('name of the stream, as millrace rtmp shows it: /live/cam') },
  options: { player: text('only the player with this address, as millrace rtmp shows it', 'address') },
  examples: [
    ['millrace rtmp kick /live/cam', 'the publisher'],
    ['millrace rtmp kick /live/cam --player 192.0.2.7:51844', 'a player'],
  ],
  async run({ stream }, { player }, context) {
    const client = await context.client();
    const options = { signal: context.signal, ...(player !== undefined && { remote: player }) };
    await client.rtmp.kick(stream, options);
    context.note(`${stream}: ${player ?? 'the publisher'} was cut off`);
  },
});

function rowsOf(publisher: RtmpChannel): Row[] {
  const { name: stream, players = [], bytes_rx } = publisher;
  return [
    { stream, role: 'publisher', link: publisher, bytes: bytes_rx, publisher },
    ...players.map((player): Row => ({
      stream,
      role: 'player',
      link: player,
      bytes: player.bytes_tx,
      publisher: undefined,
    })),
  ];
}

function ofPublisher(show: (channel: RtmpChannel) => string): (row: Row) => string {
  return ({ publisher }) => (publisher === undefined ? '' : show(publisher));
}

function ifKnown<T>(value: T | undefined, show: (value: T) => string): string {
  return value === undefined ? '' : show(value);
}

function codecs({ video_codecs = [], audio_codecs = [] }: RtmpChannel): string {
  return [...video_codecs, ...audio_codecs].join(', ');
}
