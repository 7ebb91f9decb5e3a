import { Type, type Static } from './schema.ts';

const text = Type.String();

/** A stream that is being published over RTMP. */
export const RtmpChannel = Type.Object({ name: text });
export type RtmpChannel = Static<typeof RtmpChannel>;
