import { Type, type Static } from './schema.ts';

const natural = Type.Integer({ minimum: 0 });

const PlayoutStatusIO = Type.Object({
  state: Type.String({ description: '`running` or `idle`' }),
  packet: natural,
  time: natural,
  size_kb: natural,
});

/** Answer of `GET /api/v3/process/{id}/playout/{inputid}/status`: what the player of an input does. */
export const PlayoutStatus = Type.Object({
  id: Type.String(),
  url: Type.String(),
  stream: natural,
  queue: natural,
  aqueue: natural,
  dup: natural,
  drop: natural,
  enc: natural,
  looping: Type.Boolean(),
  duplicating: Type.Boolean(),
  gop: Type.String(),
  debug: Type.Unknown(),
  input: PlayoutStatusIO,
  output: PlayoutStatusIO,
  swap: Type.Object({
    url: Type.String(),
    status: Type.String(),
    lasturl: Type.String(),
    lasterror: Type.String(),
  }),
});
export type PlayoutStatus = Static<typeof PlayoutStatus>;
