import type { ProbeIO } from '@millrace/client';
import { defineCommand, word } from '../command.ts';
import { EXIT } from '../exit-codes.ts';
import type { Column } from '../terminal/table.ts';
import { printable } from '../terminal/text.ts';
import { formatBitrate, formatDuration } from '../terminal/units.ts';

const COLUMNS: readonly Column<ProbeIO>[] = [
  { title: 'STREAM', text: ({ index, stream }) => `${index}:${stream}` },
  { title: 'TYPE', text: ({ type }) => type },
  { title: 'CODEC', text: ({ codec }) => codec, min: 4 },
  { title: 'DETAILS', text: details, min: 10 },
  {
    title: 'BITRATE',
    text: ({ bitrate_kbps }) => (bitrate_kbps > 0 ? formatBitrate(bitrate_kbps) : ''),
    align: 'right',
  },
  {
    title: 'DURATION',
    text: ({ duration_sec }) => (duration_sec > 0 ? formatDuration(duration_sec) : ''),
    align: 'right',
    optional: 2,
  },
  { title: 'LANGUAGE', text: ({ language }) => (language === 'und' ? '' : language), optional: 3 },
  { title: 'ADDRESS', text: ({ url }) => url, min: 10, optional: 1 },
];

export const probe = defineCommand({
  name: 'probe',
  summary: 'look at the inputs of a process',
  description: 'FFmpeg opens the inputs and says what is in them; the process itself is left alone.',
  arguments: { id: word('id of the process', 'process') },
  options: {},
  examples: [['millrace probe camera', 'what the camera sends']],
  async run({ id }, _options, context) {
    const client = await context.client();
    const found = await client.processes.probe(id, { signal: context.signal });
    const isEmpty = found.streams.length === 0;
    context.show(found, () => (isEmpty ? found.log.map(printable) : context.table(COLUMNS, found.streams)));
    if (isEmpty) {
      context.note('FFmpeg has found no streams.');
      return EXIT.failed;
    }
    return EXIT.done;
  },
});

function details(stream: ProbeIO): string {
  const { type, width, height, fps, pix_fmt, sampling_hz, layout } = stream;
  const parts =
    type === 'video'
      ? [`${width}x${height}`, fps > 0 ? `${Number(fps.toFixed(2))} fps` : '', pix_fmt]
      : type === 'audio'
        ? [`${sampling_hz} Hz`, layout]
        : [];
  return parts.filter((part) => part !== '').join(', ');
}
