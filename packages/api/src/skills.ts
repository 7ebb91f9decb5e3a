import { Type, type Static } from './schema.ts';

const text = Type.String();
const names = Type.Union([Type.Array(text), Type.Null()]);

/** Something FFmpeg knows by a name. */
export const Skill = Type.Object({ id: text, name: text });
export type Skill = Static<typeof Skill>;

/** A codec with those who can encode or decode it; `null` if none can. */
export const SkillCodec = Type.Object({ ...Skill.properties, encoders: names, decoders: names });
export type SkillCodec = Static<typeof SkillCodec>;

/** A kind of device, with those that are attached. */
export const SkillDevice = Type.Object({
  ...Skill.properties,
  devices: Type.Array(Type.Object({ ...Skill.properties, extra: text, media: text })),
});
export type SkillDevice = Static<typeof SkillDevice>;

/** What the installed FFmpeg can do. */
export const Skills = Type.Object({
  ffmpeg: Type.Object({
    version: text,
    compiler: text,
    configuration: text,
    libraries: Type.Array(Type.Object({ name: text, compiled: text, linked: text })),
  }),
  filter: Type.Array(Skill),
  hwaccels: Type.Array(Skill),
  codecs: Type.Object({
    audio: Type.Array(SkillCodec),
    video: Type.Array(SkillCodec),
    subtitle: Type.Array(SkillCodec),
  }),
  formats: Type.Object({ demuxers: Type.Array(Skill), muxers: Type.Array(Skill) }),
  devices: Type.Object({ demuxers: Type.Array(SkillDevice), muxers: Type.Array(SkillDevice) }),
  protocols: Type.Object({ input: Type.Array(Skill), output: Type.Array(Skill) }),
});
export type Skills = Static<typeof Skills>;
