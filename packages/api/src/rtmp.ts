import { Type, type Static } from './schema.ts';

const text = Type.String();
const count = Type.Integer();
const createdAt = Type.Integer({ description: 'Unix time in seconds' });
const kbit = Type.Number({ description: 'Mean of the last seconds in kbit/s; 1 kbit is 1024 bits' });
const remote = Type.String({ description: 'Address and port at the other end' });
const protocol = Type.String({ description: 'rtmp, rtmps, or of players flv: over HTTP' });

const codecs = Type.Array(text, {
  description:
    'Codec of each track, such as h264, hevc, av1, vp9, aac, opus; others as the publisher marks them',
});

/** Who plays a stream. */
export const RtmpPlayer = Type.Object({
  remote,
  protocol,
  created_at: createdAt,
  bytes_tx: count,
});
export type RtmpPlayer = Static<typeof RtmpPlayer>;

/** A stream that is being published over RTMP. */
export const RtmpChannel = Type.Object({
  name: Type.String({ description: 'The path, without a token' }),
  reference: Type.Optional(Type.String({ description: 'What its sessions are known by' })),
  created_at: Type.Optional(createdAt),
  remote: Type.Optional(remote),
  protocol: Type.Optional(protocol),
  bytes_rx: Type.Optional(count),
  bandwidth_rx_kbit: Type.Optional(kbit),
  video_codecs: Type.Optional(codecs),
  audio_codecs: Type.Optional(codecs),
  gop_sec: Type.Optional(
    Type.Number({ description: 'Between the last two key frames, 0 if there were no two' }),
  ),
  players: Type.Optional(Type.Array(RtmpPlayer)),
});
export type RtmpChannel = Static<typeof RtmpChannel>;
