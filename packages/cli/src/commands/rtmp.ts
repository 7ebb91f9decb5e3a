import { defineCommand } from '../command.ts';

export const rtmp = defineCommand({
  name: 'rtmp',
  summary: 'list the streams that are published over RTMP',
  arguments: {},
  options: {},
  examples: [['millrace rtmp', 'what is published now']],
  async run(_args, _options, context) {
    const client = await context.client();
    const channels = await client.rtmp.channels({ signal: context.signal });
    context.show(channels, () => context.table([{ title: 'STREAM', text: ({ name }) => name }], channels));
    if (channels.length === 0) context.note('Nothing is published over RTMP.');
  },
});
