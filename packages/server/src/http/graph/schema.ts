/** The types of the GraphQL API. Scalars without a comment in the reference mean what they mean in JSON. */
export const SCHEMA = `
"RFC 3339"
scalar Time
"Any JSON value"
scalar Any
"A JSON object"
scalar Map
"A whole number, as JSON writes it"
scalar Uint64
"A pair of the Unix time in seconds and the value"
scalar MetricsResponseValue

enum Command { START STOP RESTART RELOAD }
enum State { RUNNING IDLE }

type Query {
  ping: String!
  about: About
  "The lines of the console"
  log: [String!]!
  metrics(query: MetricsInput!): Metrics!
  processes: [Process!]!
  process(id: ID!): Process
  "Runs FFmpeg to look at the inputs of a process"
  probe(id: ID!): Probe!
  playoutStatus(id: ID!, input: ID!): RawAVstream
}

type Mutation {
  ping: String!
}

type About {
  app: String!
  id: ID!
  name: String!
  created_at: Time!
  uptime_seconds: Uint64!
  version: AboutVersion!
}

type AboutVersion {
  number: String!
  repository_commit: String!
  repository_branch: String!
  build_date: String!
  arch: String!
  compiler: String!
}

input MetricsInput {
  "How far back; the present values without it"
  timerange_seconds: Int
  interval_seconds: Int
  metrics: [MetricInput!]!
}

input MetricInput {
  name: String!
  "Regular expressions (RE2) that the values of the labels must contain"
  labels: Map
}

type Metrics {
  timerange_seconds: Int
  interval_seconds: Int
  metrics: [Metric!]!
}

type Metric {
  name: String!
  labels: Map
  values: [MetricsResponseValue!]!
}

type Process {
  id: String!
  type: String!
  reference: String!
  created_at: Time!
  config: ProcessConfig!
  state: ProcessState!
  report: ProcessReport!
  metadata: Map
}

type ProcessConfig {
  id: String!
  type: String!
  reference: String!
  input: [ProcessConfigIO!]!
  output: [ProcessConfigIO!]!
  options: [String!]!
  reconnect: Boolean!
  reconnect_delay_seconds: Uint64!
  autostart: Boolean!
  stale_timeout_seconds: Uint64!
  limits: ProcessConfigLimits!
}

type ProcessConfigIO {
  id: String!
  address: String!
  options: [String!]!
}

type ProcessConfigLimits {
  cpu_usage: Float!
  memory_bytes: Uint64!
  waitfor_seconds: Uint64!
}

type ProcessState {
  order: String!
  state: String!
  runtime_seconds: Uint64!
  reconnect_seconds: Int!
  last_logline: String!
  progress: Progress!
  memory_bytes: Uint64!
  cpu_usage: Float!
  command: [String!]!
}

type Progress {
  input: [ProgressIO!]!
  output: [ProgressIO!]!
  frame: Uint64!
  packet: Uint64!
  fps: Float!
  q: Float!
  size_kb: Uint64!
  time: Float!
  bitrate_kbit: Float!
  speed: Float!
  drop: Uint64!
  dup: Uint64!
}

type ProgressIO {
  id: String!
  address: String!
  index: Uint64!
  stream: Uint64!
  format: String!
  type: String!
  codec: String!
  coder: String!
  frame: Uint64!
  fps: Float!
  packet: Uint64!
  pps: Float!
  size_kb: Uint64!
  bitrate_kbit: Float!
  pixfmt: String!
  q: Float!
  width: Uint64!
  height: Uint64!
  sampling: Uint64!
  layout: String!
  channels: Uint64!
  "Null unless the input has a player"
  avstream: AVStream
}

type AVStream {
  input: AVStreamIO!
  output: AVStreamIO!
  aqueue: Uint64!
  queue: Uint64!
  dup: Uint64!
  drop: Uint64!
  enc: Uint64!
  looping: Boolean!
  duplicating: Boolean!
  gop: String!
}

type AVStreamIO {
  state: String!
  packet: Uint64!
  time: Uint64!
  size_kb: Uint64!
}

interface IProcessReportHistoryEntry {
  created_at: Time!
  prelude: [String!]!
  log: [ProcessReportLogEntry!]!
}

type ProcessReport implements IProcessReportHistoryEntry {
  created_at: Time!
  prelude: [String!]!
  log: [ProcessReportLogEntry!]!
  history: [ProcessReportHistoryEntry!]!
}

type ProcessReportHistoryEntry implements IProcessReportHistoryEntry {
  created_at: Time!
  prelude: [String!]!
  log: [ProcessReportLogEntry!]!
}

type ProcessReportLogEntry {
  timestamp: Time!
  data: String!
}

type Probe {
  streams: [ProbeIO!]!
  log: [String!]!
}

type ProbeIO {
  url: String!
  index: Uint64!
  stream: Uint64!
  language: String!
  type: String!
  codec: String!
  coder: String!
  bitrate_kbps: Float!
  duration_seconds: Float!
  fps: Float!
  pix_fmt: String!
  width: Uint64!
  height: Uint64!
  sampling: Uint64!
  layout: String!
  channels: Uint64!
}

type RawAVstream {
  id: String!
  url: String!
  stream: Uint64!
  queue: Uint64!
  aqueue: Uint64!
  dup: Uint64!
  drop: Uint64!
  enc: Uint64!
  looping: Boolean!
  duplicating: Boolean!
  gop: String!
  debug: Any
  input: RawAVstreamIO!
  output: RawAVstreamIO!
  swap: RawAVstreamSwap!
}

type RawAVstreamIO {
  state: State!
  packet: Uint64!
  time: Uint64!
  size_kb: Uint64!
}

type RawAVstreamSwap {
  url: String!
  status: String!
  lasturl: String!
  lasterror: String!
}
`;
