import { Type, type Static } from './schema.ts';

/** A stream that is being published over RTMP. */
export const RtmpChannel = Type.Object({
  name: Type.String({ description: 'Path of the stream, such as /live/cam' }),
});
export type RtmpChannel = Static<typeof RtmpChannel>;
