import { Type, type Static } from './schema.ts';

const text = Type.String();
const flag = Type.Boolean();
const number = Type.Number();
const natural = Type.Integer({ minimum: 0 });
const small = Type.Integer({ minimum: 0, format: 'uint' });
const unixSeconds = Type.Integer({ description: 'Unix time in seconds' });

/** Which files of an output go when. */
export const ProcessConfigIOCleanup = Type.Object(
  {
    pattern: Type.String({ description: '`<filesystem>:<glob>`, such as `memfs:/live/*.ts`' }),
    max_files: small,
    max_file_age_seconds: small,
    purge_on_delete: flag,
  },
  { title: 'ProcessConfigIOCleanup' },
);
export type ProcessConfigIOCleanup = Static<typeof ProcessConfigIOCleanup>;

/** An input or output of FFmpeg. */
export const ProcessConfigIO = Type.Object(
  {
    id: text,
    address: text,
    options: Type.Array(text),
    cleanup: Type.Optional(Type.Array(ProcessConfigIOCleanup)),
  },
  { title: 'ProcessConfigIO' },
);
export type ProcessConfigIO = Static<typeof ProcessConfigIO>;

/** What FFmpeg may take; 0 is no limit. */
export const ProcessConfigLimits = Type.Object(
  {
    cpu_usage: Type.Number({ description: 'In percent of all CPUs' }),
    memory_mbytes: natural,
    waitfor_seconds: natural,
  },
  { title: 'ProcessConfigLimits' },
);
export type ProcessConfigLimits = Static<typeof ProcessConfigLimits>;

/** What FFmpeg is to do. */
export const ProcessConfig = Type.Object(
  {
    id: text,
    type: Type.String({ description: 'Always `ffmpeg`' }),
    reference: text,
    input: Type.Array(ProcessConfigIO),
    output: Type.Array(ProcessConfigIO),
    options: Type.Array(text),
    reconnect: flag,
    reconnect_delay_seconds: natural,
    autostart: flag,
    stale_timeout_seconds: natural,
    limits: ProcessConfigLimits,
  },
  { title: 'ProcessConfig' },
);
export type ProcessConfig = Static<typeof ProcessConfig>;

/** The body of `POST /process` and `PUT /process/{id}`: a part of a configuration, laid over defaults or the present one. */
export const ProcessConfigBody = Type.Object(
  {
    ...ProcessConfig.properties,
    input: Type.Optional(ProcessConfig.properties.input),
    output: Type.Optional(ProcessConfig.properties.output),
  },
  { title: 'ProcessConfig' },
);
export type ProcessConfigBody = Static<typeof ProcessConfigBody>;

/** The body of `PUT /process/{id}/command`. */
export const Command = Type.Object(
  { command: Type.String({ description: '`start`, `stop`, `restart` or `reload`' }) },
  { title: 'Command' },
);
export type Command = Static<typeof Command>;

const AvStreamIO = Type.Object({ state: text, packet: natural, time: natural, size_kb: natural });

/** State of an input that FFmpeg reads through its player. */
export const AvStream = Type.Object({
  input: AvStreamIO,
  output: AvStreamIO,
  aqueue: natural,
  queue: natural,
  dup: natural,
  drop: natural,
  enc: natural,
  looping: flag,
  looping_runtime: natural,
  duplicating: flag,
  gop: text,
});
export type AvStream = Static<typeof AvStream>;

/** Progress of one stream of an input or output. */
export const ProgressIO = Type.Object({
  id: text,
  address: text,
  index: natural,
  stream: natural,
  format: text,
  type: text,
  codec: text,
  coder: text,
  frame: natural,
  keyframe: natural,
  framerate: Type.Object({ min: number, max: number, avg: number }),
  fps: number,
  packet: natural,
  pps: number,
  size_kb: natural,
  bitrate_kbit: number,
  extradata_size_bytes: natural,
  pix_fmt: Type.Optional(text),
  q: number,
  width: Type.Optional(natural),
  height: Type.Optional(natural),
  sampling_hz: Type.Optional(natural),
  layout: Type.Optional(text),
  channels: Type.Optional(natural),
  avstream: Type.Union([AvStream, Type.Null()]),
});
export type ProgressIO = Static<typeof ProgressIO>;

/** How far FFmpeg got. */
export const Progress = Type.Object({
  inputs: Type.Array(ProgressIO),
  outputs: Type.Array(ProgressIO),
  frame: natural,
  packet: natural,
  fps: number,
  q: number,
  size_kb: natural,
  time: Type.Number({ description: 'In seconds' }),
  bitrate_kbit: number,
  speed: number,
  drop: natural,
  dup: natural,
});
export type Progress = Static<typeof Progress>;

/** Why a run failed. */
export const ProcessFailure = Type.Object(
  {
    class: Type.String({ description: 'One of the classes in docs/failures.md, such as `dns` or `unknown`' }),
    line: Type.String({ description: 'The line of the log that tells, without secrets' }),
    advice: Type.String({ description: 'What to do about it' }),
  },
  { title: 'ProcessFailure' },
);
export type ProcessFailure = Static<typeof ProcessFailure>;

/** How a process is doing. `order` and `exec` are empty for a process whose configuration is not valid. */
export const ProcessState = Type.Object({
  order: Type.String({ description: '`start` or `stop`' }),
  exec: Type.String({ description: '`finished`, `starting`, `running`, `finishing`, `failed` or `killed`' }),
  runtime_seconds: Type.Integer({ description: 'Since the last change of `exec`' }),
  reconnect_seconds: Type.Integer({ description: 'Until the next start; -1 if none is scheduled' }),
  last_logline: text,
  progress: Progress,
  memory_bytes: natural,
  cpu_usage: Type.Number({ description: 'In percent of all CPUs' }),
  command: Type.Union([Type.Array(text), Type.Null()]),
  /** Why the latest run failed; absent if it did not, or FFmpeg works again. */
  failure: Type.Optional(ProcessFailure),
});
export type ProcessState = Static<typeof ProcessState>;

/** What one run of FFmpeg wrote. */
export const ProcessReportEntry = Type.Object({
  created_at: unixSeconds,
  prelude: Type.Array(text),
  log: Type.Array(Type.Tuple([Type.String({ description: 'Unix time in seconds' }), text])),
  /** Why the run failed; absent if it did not. */
  failure: Type.Optional(ProcessFailure),
});
export type ProcessReportEntry = Static<typeof ProcessReportEntry>;

/** What the latest run wrote, and those before it, oldest first. */
export const ProcessReport = Type.Object({
  ...ProcessReportEntry.properties,
  history: Type.Array(ProcessReportEntry),
});
export type ProcessReport = Static<typeof ProcessReport>;

/** A process with those of its parts that were asked for. */
export const Process = Type.Object({
  id: text,
  type: text,
  reference: text,
  created_at: unixSeconds,
  updated_at: unixSeconds,
  config: Type.Optional(ProcessConfig),
  state: Type.Optional(ProcessState),
  report: Type.Optional(ProcessReport),
  metadata: Type.Optional(Type.Unknown()),
});
export type Process = Static<typeof Process>;

/** A stream of an input, as a probe finds it. */
export const ProbeIO = Type.Object({
  url: text,
  format: text,
  index: natural,
  stream: natural,
  language: text,
  type: text,
  codec: text,
  coder: text,
  bitrate_kbps: number,
  duration_sec: number,
  fps: number,
  pix_fmt: text,
  width: natural,
  height: natural,
  sampling_hz: natural,
  layout: text,
  channels: natural,
});
export type ProbeIO = Static<typeof ProbeIO>;

/** What FFmpeg says about the inputs of a process. */
export const Probe = Type.Object({ streams: Type.Array(ProbeIO), log: Type.Array(text) });
export type Probe = Static<typeof Probe>;

/** What everybody may know about a process. */
export const WidgetProcess = Type.Object({
  current_sessions: natural,
  total_sessions: natural,
  uptime: Type.Integer({ description: 'In seconds; 0 if it does not run' }),
});
export type WidgetProcess = Static<typeof WidgetProcess>;
