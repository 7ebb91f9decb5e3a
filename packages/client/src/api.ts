// Made from packages/api by `npm run generate`: change it there.
import type { Bytes } from './body.ts';

/** Answer of `GET /api` to a caller who has logged in or need not. */
export interface About {
  app: 'datarhei-core';
  /** How to log in; empty if nobody needs to */
  auths: string[];
  name: string;
  id: string;
  /** Start of the present run, RFC 3339 with whole seconds */
  created_at: string;
  uptime_seconds: number;
  version: {
    /** Semantic version of the API */
    number: string;
    repository_commit: string;
    repository_branch: string;
    build_date: string;
    /** Such as linux/amd64 */
    arch: string;
    compiler: string;
  };
}

/** Answer of `GET /api` to everybody else. */
export interface AboutMinimal {
  app: 'datarhei-core';
  /** How to log in; empty if nobody needs to */
  auths: string[];
  version: {
    /** The major version, as x.0.0 */
    number: string;
  };
}

/** Answer to `GET /api/login/refresh`. */
export interface AccessToken {
  access_token: string;
}

/** The body of every answer that is not a success. */
export interface ApiErrorBody {
  /** The HTTP status */
  code: number;
  message: string;
  details: string[];
}

/** State of an input that FFmpeg reads through its player. */
export interface AvStream {
  input: {
    state: string;
    packet: number;
    time: number;
    size_kb: number;
  };
  output: {
    state: string;
    packet: number;
    time: number;
    size_kb: number;
  };
  aqueue: number;
  queue: number;
  dup: number;
  drop: number;
  enc: number;
  looping: boolean;
  looping_runtime: number;
  duplicating: boolean;
  gop: string;
}

/** The body of `PUT /process/{id}/command`. */
export interface Command {
  /** `start`, `stop`, `restart` or `reload` */
  command: string;
}

/** The answer of `GET /api/v3/config`. */
export interface ConfigAnswer {
  created_at: string;
  loaded_at: string;
  updated_at: string;
  config: ConfigData;
  /** Settings that the environment has set */
  overrides: string[];
}

/** The answer to a configuration with errors: the messages by the name of the setting. */
export type ConfigConflictBody = Record<string, string[]>;

/** The configuration, version 3. Optional settings are left out where they have their default. */
export interface ConfigData {
  created_at: string;
  version: number;
  id: string;
  name: string;
  address: string;
  update_check: boolean;
  update_url?: string;
  log: {
    level: string;
    topics: string[];
    max_lines: number;
    format?: string;
  };
  db: {
    dir: string;
  };
  events?: {
    max_events?: number;
    max_age_sec?: number;
    log_level?: string;
  };
  host: {
    name: string[];
    auto: boolean;
  };
  api: {
    read_only: boolean;
    graphql_introspection?: boolean;
    metadata_max_mbytes?: number;
    access: {
      http: {
        allow: string[];
        block: string[];
      };
      https: {
        allow: string[];
        block: string[];
      };
      trusted_proxies?: string[];
    };
    auth: {
      enable: boolean;
      disable_localhost: boolean;
      username: string;
      password: string;
      jwt: {
        secret: string;
        previous_secrets?: string[];
        access_lifetime_sec?: number;
        refresh_lifetime_sec?: number;
      };
      auth0: {
        enable: boolean;
        tenants: ConfigTenant[];
        preferred?: boolean;
        audience_check?: boolean;
      };
      oidc?: {
        providers?: ConfigOidcProvider[];
      };
    };
  };
  tls: {
    address: string;
    enable: boolean;
    auto: boolean;
    email: string;
    cert_file: string;
    key_file: string;
    acme_directory?: string;
    acme_ca?: string;
    redirect?: boolean;
    redirect_port?: number;
  };
  storage: {
    disk: {
      dir: string;
      max_size_mbytes: number;
      cache: {
        enable: boolean;
        max_size_mbytes: number;
        ttl_seconds: number;
        max_file_size_mbytes: number;
        types: {
          allow: string[];
          block: string[];
        };
      };
    };
    memory: {
      auth: {
        enable: boolean;
        username: string;
        password: string;
      };
      max_size_mbytes: number;
      purge: boolean;
    };
    s3: ConfigS3[];
    cors: {
      origins: string[];
    };
    mimetypes_file: string;
  };
  rtmp: {
    enable: boolean;
    enable_tls: boolean;
    address: string;
    address_tls: string;
    app: string;
    token: string;
    keys?: Record<string, string>;
  };
  srt: {
    enable: boolean;
    address: string;
    passphrase: string;
    token: string;
    log: {
      enable: boolean;
      topics: string[];
    };
  };
  ffmpeg: {
    binary: string;
    max_processes: number;
    access: {
      input: {
        allow: string[];
        block: string[];
      };
      output: {
        allow: string[];
        block: string[];
      };
    };
    log: {
      max_lines: number;
      max_history: number;
    };
    environment?: string[];
    start_jitter_sec?: number;
    reconnect_max_delay_sec?: number;
  };
  playout: {
    enable: boolean;
    min_port: number;
    max_port: number;
  };
  debug: {
    profiling: boolean;
    force_gc: number;
    memory_limit_mbytes: number;
  };
  metrics: {
    enable: boolean;
    enable_prometheus: boolean;
    range_sec: number;
    interval_sec: number;
    extended?: boolean;
    auth?: {
      enable?: boolean;
      token?: string;
      username?: string;
      password?: string;
    };
  };
  sessions: {
    enable: boolean;
    ip_ignorelist: string[];
    session_timeout_sec: number;
    persist: boolean;
    persist_interval_sec: number;
    max_bitrate_mbit: number;
    max_sessions: number;
  };
  service: {
    enable: boolean;
    token: string;
    url: string;
  };
  router: {
    blocked_prefixes: string[];
    routes: Record<string, string>;
    ui_path: string;
  };
}

/** An OpenID Connect provider whose users may log in. */
export interface ConfigOidcProvider {
  issuer: string;
  audience: string;
  clientid: string;
  algorithms: string[];
  users: string[];
  user_claim?: string;
  groups_claim?: string;
  groups?: string[];
  jwks_uri?: string;
  check_client?: boolean;
  allow_id_tokens?: boolean;
}

/** A reload of the configuration began or ended. */
export interface ConfigReloadEvent {
  type: 'config.reload';
  /** When it happened, RFC 3339 with milliseconds */
  time: string;
  state: 'running' | 'done' | 'failed';
  /** Why the old configuration still runs; empty unless it failed */
  error: string;
}

/** An S3 bucket that is served as a file system. */
export interface ConfigS3 {
  name: string;
  mountpoint: string;
  auth: {
    enable: boolean;
    username: string;
    password: string;
  };
  endpoint: string;
  access_key_id: string;
  secret_access_key: string;
  bucket: string;
  region: string;
  use_ssl: boolean;
}

/** The answer of `GET /api/v3/config/status`. */
export interface ConfigStatus {
  /** When the running configuration was loaded */
  loaded_at: string;
  /** Stands for the stored configuration, also as `ETag`: another one after every change, for `If-Match` */
  tag: string;
  reload: null | {
    state: 'running' | 'done' | 'failed';
    at: string;
    /** Why the old configuration still runs; empty otherwise */
    error: string;
  };
}

/** An Auth0 tenant whose users may log in. */
export interface ConfigTenant {
  domain: string;
  audience: string;
  clientid: string;
  users: string[];
}

/** Which layout a configuration has. */
export interface ConfigVersion {
  version: number;
}

/** The `data` of each event of `GET /api/v3/events`. */
export type Event =
  | ServerStartedEvent
  | ConfigReloadEvent
  | ProcessChangeEvent
  | ProcessStateEvent
  | SessionEvent
  | StreamEvent
  | LogLineEvent
  | OmittedEvent
  | GapEvent;

/** A file of `GET /api/v3/fs/{name}`. */
export interface FileInfo {
  /** Full path below the root of the filesystem */
  name: string;
  size_bytes: number;
  /** Unix time in seconds */
  last_modified: number;
}

/** A filesystem of `GET /api/v3/fs`. */
export interface FilesystemInfo {
  name: string;
  /** disk, mem or s3 */
  type: string;
  /** The path below which its files are served */
  mount: string;
}

/** Events before this one are missing: they are no longer kept, or could not be. Whoever follows the state of the server by its events has to read it anew. Comes through all filters. */
export interface GapEvent {
  type: 'gap';
  /** When it happened, RFC 3339 with milliseconds */
  time: string;
  /** How many are missing; 0 if that is not known */
  lost: number;
}

/** The body of a GraphQL query. */
export interface GraphQuery {
  query: string;
  variables?: Record<string, unknown>;
  operationName?: string;
}

/** The answer to a GraphQL query. */
export interface GraphResponse {
  data: unknown;
  errors?: unknown[];
}

/** Answer of `GET /health/live`. */
export interface Liveness {
  /** `ok` or `failed` */
  status: string;
}

/** One event of `GET /api/v3/log?format=raw`: this head, and the event's own fields beside it. */
export interface LogEvent {
  /** RFC 3339 */
  ts: string;
  /** DEBUG, INFO, WARN or ERROR */
  level: string;
  component: string;
  /** Left out if empty */
  message?: string;
  [name: string]: unknown;
}

/** Answer of `GET /api/v3/log?format=raw`: the newest events of the server's log, oldest first. */
export type LogEvents = LogEvent[];

/** A line of the server's log. */
export interface LogLineEvent {
  type: 'log';
  /** When it happened, RFC 3339 with milliseconds */
  time: string;
  /** DEBUG, INFO, WARN or ERROR */
  level: string;
  component: string;
  message: string;
  fields: Record<string, unknown>;
}

/** Answer of `GET /api/v3/log`: the newest events of the server's log as console lines, oldest first. */
export type LogLines = string[];

/** What a person proves itself with: body of `POST /api/login`. */
export interface LoginRequest {
  username: string;
  password: string;
}

/** Any JSON value that a client keeps in the server, by key. */
export type Metadata = unknown;

/** A metric of `GET /api/v3/metrics`. */
export interface MetricsDescription {
  name: string;
  description: string;
  labels: string[];
}

/** The body of `POST /api/v3/metrics`. */
export interface MetricsQuery {
  /** How far back; 0 for the present values */
  timerange_sec: number;
  /** The step between past values */
  interval_sec: number;
  metrics: MetricsQueryMetric[];
}

/** Picks series of a metric. */
export interface MetricsQueryMetric {
  name: string;
  /** Regular expressions (RE2) that the values of the labels must contain */
  labels?: Record<string, string>;
}

/** The answer of `POST /api/v3/metrics`. */
export interface MetricsResponse {
  /** How far back the history goes; 0 without one */
  timerange_sec: number;
  /** The step in which it is sampled; 0 without one */
  interval_sec: number;
  metrics: MetricsResponseMetric[];
}

/** The values of one metric for one set of labels. */
export interface MetricsResponseMetric {
  name: string;
  labels: null | Record<string, string>;
  values: [number, number][];
}

/** Events were left out because there were too many at a time. */
export interface OmittedEvent {
  type: 'log.omitted' | 'session.omitted';
  /** When it happened, RFC 3339 with milliseconds */
  time: string;
  count: number;
}

/** Answer of `GET /api/v3/process/{id}/playout/{inputid}/status`: what the player of an input does. */
export interface PlayoutStatus {
  id: string;
  url: string;
  stream: number;
  queue: number;
  aqueue: number;
  dup: number;
  drop: number;
  enc: number;
  looping: boolean;
  duplicating: boolean;
  gop: string;
  debug: unknown;
  input: {
    /** `running` or `idle` */
    state: string;
    packet: number;
    time: number;
    size_kb: number;
  };
  output: {
    /** `running` or `idle` */
    state: string;
    packet: number;
    time: number;
    size_kb: number;
  };
  swap: {
    url: string;
    status: string;
    lasturl: string;
    lasterror: string;
  };
}

/** What FFmpeg says about the inputs of a process. */
export interface Probe {
  streams: ProbeIO[];
  log: string[];
}

/** A stream of an input, as a probe finds it. */
export interface ProbeIO {
  url: string;
  format: string;
  index: number;
  stream: number;
  language: string;
  type: string;
  codec: string;
  coder: string;
  bitrate_kbps: number;
  duration_sec: number;
  fps: number;
  pix_fmt: string;
  width: number;
  height: number;
  sampling_hz: number;
  layout: string;
  channels: number;
}

/** A process with those of its parts that were asked for. */
export interface Process {
  id: string;
  type: string;
  reference: string;
  /** Unix time in seconds */
  created_at: number;
  /** Unix time in seconds */
  updated_at: number;
  config?: ProcessConfig;
  state?: ProcessState;
  report?: ProcessReport;
  metadata?: unknown;
}

/** A process was added, changed or removed. */
export interface ProcessChangeEvent {
  type: 'process.added' | 'process.updated' | 'process.removed';
  /** When it happened, RFC 3339 with milliseconds */
  time: string;
  /** Id of the process */
  process: string;
  /** Reference of the process */
  reference: string;
  /** The id before, if the process has got another one */
  previous_id?: string;
}

/** What FFmpeg is to do. */
export interface ProcessConfig {
  id: string;
  /** Always `ffmpeg` */
  type: string;
  reference: string;
  input: ProcessConfigIO[];
  output: ProcessConfigIO[];
  options: string[];
  reconnect: boolean;
  reconnect_delay_seconds: number;
  autostart: boolean;
  stale_timeout_seconds: number;
  limits: ProcessConfigLimits;
}

/** The body of `POST /process` and `PUT /process/{id}`: a part of a configuration, laid over defaults or the present one. */
export interface ProcessConfigBody {
  id: string;
  /** Always `ffmpeg` */
  type: string;
  reference: string;
  input?: ProcessConfigIO[];
  output?: ProcessConfigIO[];
  options: string[];
  reconnect: boolean;
  reconnect_delay_seconds: number;
  autostart: boolean;
  stale_timeout_seconds: number;
  limits: ProcessConfigLimits;
}

/** An input or output of FFmpeg. */
export interface ProcessConfigIO {
  id: string;
  address: string;
  options: string[];
  cleanup?: ProcessConfigIOCleanup[];
}

/** Which files of an output go when. */
export interface ProcessConfigIOCleanup {
  /** `<filesystem>:<glob>`, such as `memfs:/live/*.ts` */
  pattern: string;
  max_files: number;
  max_file_age_seconds: number;
  purge_on_delete: boolean;
}

/** What FFmpeg may take; 0 is no limit. */
export interface ProcessConfigLimits {
  /** In percent of all CPUs */
  cpu_usage: number;
  memory_mbytes: number;
  waitfor_seconds: number;
}

/** Why a run failed. */
export interface ProcessFailure {
  /** One of the classes in docs/failures.md, such as `dns` or `unknown` */
  class: string;
  /** The line of the log that tells, without secrets */
  line: string;
  /** What to do about it */
  advice: string;
}

/** What the latest run wrote, and those before it, oldest first. */
export interface ProcessReport {
  /** Unix time in seconds */
  created_at: number;
  prelude: string[];
  log: [string, string][];
  failure?: ProcessFailure;
  history: ProcessReportEntry[];
}

/** What one run of FFmpeg wrote. */
export interface ProcessReportEntry {
  /** Unix time in seconds */
  created_at: number;
  prelude: string[];
  log: [string, string][];
  failure?: ProcessFailure;
}

/** How a process is doing. `order` and `exec` are empty for a process whose configuration is not valid. */
export interface ProcessState {
  /** `start` or `stop` */
  order: string;
  /** `finished`, `starting`, `running`, `finishing`, `failed` or `killed` */
  exec: string;
  /** Since the last change of `exec` */
  runtime_seconds: number;
  /** Until the next start; -1 if none is scheduled */
  reconnect_seconds: number;
  last_logline: string;
  progress: Progress;
  memory_bytes: number;
  /** In percent of all CPUs */
  cpu_usage: number;
  command: string[] | null;
  failure?: ProcessFailure;
}

/** The state of a process changed. */
export interface ProcessStateEvent {
  type: 'process.state';
  /** When it happened, RFC 3339 with milliseconds */
  time: string;
  /** Id of the process */
  process: string;
  /** Reference of the process */
  reference: string;
  /** finished, starting, running, finishing, failed or killed */
  state: string;
  /** The state before */
  from: string;
  /** What is wanted: start or stop */
  order: string;
}

/** How far FFmpeg got. */
export interface Progress {
  inputs: ProgressIO[];
  outputs: ProgressIO[];
  frame: number;
  packet: number;
  fps: number;
  q: number;
  size_kb: number;
  /** In seconds */
  time: number;
  bitrate_kbit: number;
  speed: number;
  drop: number;
  dup: number;
}

/** Progress of one stream of an input or output. */
export interface ProgressIO {
  id: string;
  address: string;
  index: number;
  stream: number;
  format: string;
  type: string;
  codec: string;
  coder: string;
  frame: number;
  keyframe: number;
  framerate: {
    min: number;
    max: number;
    avg: number;
  };
  fps: number;
  packet: number;
  pps: number;
  size_kb: number;
  bitrate_kbit: number;
  extradata_size_bytes: number;
  pix_fmt?: string;
  q: number;
  width?: number;
  height?: number;
  sampling_hz?: number;
  layout?: string;
  channels?: number;
  avstream: AvStream | null;
}

/** Answer of `GET /health/ready`: what the server needs for its work, by name. */
export interface Readiness {
  /** `ok` or `failed` */
  status: string;
  checks: Record<string, string>;
}

/** Body of `POST /api/v3/auth/revoke`. */
export interface RevokeRequest {
  /** Whose tokens to revoke; all if left out */
  subject?: string;
}

/** A stream that is being published over RTMP. */
export interface RtmpChannel {
  /** The path, without a token */
  name: string;
  /** What its sessions are known by */
  reference?: string;
  /** Unix time in seconds */
  created_at?: number;
  /** Address and port at the other end */
  remote?: string;
  /** rtmp, rtmps, or of players flv: over HTTP */
  protocol?: string;
  bytes_rx?: number;
  /** Mean of the last seconds in kbit/s; 1 kbit is 1024 bits */
  bandwidth_rx_kbit?: number;
  /** Codec of each track, such as h264, hevc, av1, vp9, aac, opus; others as the publisher marks them */
  video_codecs?: string[];
  /** Codec of each track, such as h264, hevc, av1, vp9, aac, opus; others as the publisher marks them */
  audio_codecs?: string[];
  /** Between the last two key frames, 0 if there were no two */
  gop_sec?: number;
  players?: RtmpPlayer[];
}

/** Who plays a stream. */
export interface RtmpPlayer {
  /** Address and port at the other end */
  remote: string;
  /** rtmp, rtmps, or of players flv: over HTTP */
  protocol: string;
  /** Unix time in seconds */
  created_at: number;
  bytes_tx: number;
}

/** The server has started: everything it had done before is over. */
export interface ServerStartedEvent {
  type: 'server.started';
  /** When it happened, RFC 3339 with milliseconds */
  time: string;
  version: string;
}

/** A viewer or sender. */
export interface Session {
  id: string;
  /** Name of what is watched or sent */
  reference: string;
  /** Unix time in seconds */
  created_at: number;
  /** Place of it on this server */
  local: string;
  /** Who is at the other end */
  remote: string;
  extra: string;
  bytes_rx: number;
  bytes_tx: number;
  /** Mean of the last 10 seconds in kbit/s; 1 kbit is 1024 bits */
  bandwidth_rx_kbit: number;
  /** Mean of the last 10 seconds in kbit/s; 1 kbit is 1024 bits */
  bandwidth_tx_kbit: number;
}

/** A session became active, or an active one ended. */
export interface SessionEvent {
  type: 'session.opened' | 'session.closed';
  /** When it happened, RFC 3339 with milliseconds */
  time: string;
  /** Such as hls, rtmp or srt */
  collector: string;
  session: {
    id: string;
    reference: string;
    /** Unix time */
    created_at: number;
    location: string;
    peer: string;
    extra: string;
    /** Received so far */
    bytes_rx: number;
    /** Sent so far */
    bytes_tx: number;
  };
}

/** What past sessions of one peer amount to, also by where they were. */
export interface SessionPeers {
  sessions: number;
  /** In whole MiB */
  traffic_rx_mb: number;
  /** In whole MiB */
  traffic_tx_mb: number;
  local: Record<string, SessionStats>;
}

/** What past sessions amount to. */
export interface SessionStats {
  sessions: number;
  /** In whole MiB */
  traffic_rx_mb: number;
  /** In whole MiB */
  traffic_tx_mb: number;
}

/** Active and past sessions of one collector. */
export interface SessionSummary {
  active: {
    list: Session[];
    sessions: number;
    /** In Mbit/s; 1 Mbit is 1024 kbit */
    bandwidth_rx_mbit: number;
    /** In Mbit/s; 1 Mbit is 1024 kbit */
    bandwidth_tx_mbit: number;
    /** 0 is no limit */
    max_sessions: number;
    /** In Mbit/s; 1 Mbit is 1024 kbit */
    max_bandwidth_rx_mbit: number;
    /** In Mbit/s; 1 Mbit is 1024 kbit */
    max_bandwidth_tx_mbit: number;
  };
  summary: {
    remote: Record<string, SessionPeers>;
    local: Record<string, SessionStats>;
    reference: Record<string, SessionStats>;
    sessions: number;
    /** In whole MiB */
    traffic_rx_mb: number;
    /** In whole MiB */
    traffic_tx_mb: number;
  };
}

/** By collector. */
export type SessionsActive = Record<string, Session[]>;

/** By collector. */
export type SessionsSummary = Record<string, SessionSummary>;

/** Something FFmpeg knows by a name. */
export interface Skill {
  id: string;
  name: string;
}

/** A codec with those who can encode or decode it; `null` if none can. */
export interface SkillCodec {
  id: string;
  name: string;
  encoders: string[] | null;
  decoders: string[] | null;
}

/** A kind of device, with those that are attached. */
export interface SkillDevice {
  id: string;
  name: string;
  devices: {
    id: string;
    name: string;
    extra: string;
    media: string;
  }[];
}

/** What the installed FFmpeg can do. */
export interface Skills {
  ffmpeg: {
    version: string;
    compiler: string;
    configuration: string;
    libraries: {
      name: string;
      compiled: string;
      linked: string;
    }[];
  };
  filter: Skill[];
  hwaccels: Skill[];
  codecs: {
    audio: SkillCodec[];
    video: SkillCodec[];
    subtitle: SkillCodec[];
  };
  formats: {
    demuxers: Skill[];
    muxers: Skill[];
  };
  devices: {
    demuxers: SkillDevice[];
    muxers: SkillDevice[];
  };
  protocols: {
    input: Skill[];
    output: Skill[];
  };
}

/** The streams that are being published and played over SRT: sockets by stream, connections by socket. */
export interface SrtChannels {
  publisher: Record<string, number>;
  subscriber: Record<string, number[]>;
  connections: Record<string, SrtConnection>;
  /** By topic */
  log: Record<string, SrtLog[]>;
}

/** An SRT connection, with its notes by topic. */
export interface SrtConnection {
  /** By topic */
  log: Record<string, SrtLog[]>;
  stats: SrtStatistics;
}

/** A note of an SRT connection. */
export interface SrtLog {
  /** Unix time in milliseconds */
  ts: number;
  /** Lines */
  msg: string[];
}

/** The counters of an SRT connection. Packets are of data unless they are named; bytes are with the headers from IP on. */
export interface SrtStatistics {
  /** Since the connection began */
  timestamp_ms: number;
  /** Sent, with retransmissions */
  sent_pkt: number;
  /** Received, with duplicates */
  recv_pkt: number;
  /** Sent for the first time */
  sent_unique_pkt: number;
  /** Received and taken */
  recv_unique_pkt: number;
  /** Sent again, or given up */
  send_loss_pkt: number;
  /** Found missing */
  recv_loss_pkt: number;
  /** Sent again */
  sent_retrans_pkt: number;
  /** Received that were sent again */
  recv_retran_pkts: number;
  /** Acknowledgements sent */
  sent_ack_pkt: number;
  /** Acknowledgements received */
  recv_ack_pkt: number;
  /** Loss reports sent */
  sent_nak_pkt: number;
  /** Loss reports received */
  recv_nak_pkt: number;
  /** New keys sent */
  send_km_pkt: number;
  /** New keys received */
  recv_km_pkt: number;
  /** Spent sending */
  send_duration_us: number;
  /** Too late to be sent */
  send_drop_pkt: number;
  /** Received too late or twice, or given up */
  recv_drop_pkt: number;
  /** Not decrypted */
  recv_undecrypt_pkt: number;
  /** As sent_pkt */
  sent_bytes: number;
  /** As recv_pkt */
  recv_bytes: number;
  /** As sent_unique_pkt */
  sent_unique_bytes: number;
  /** As recv_unique_pkt */
  recv_unique_bytes: number;
  /** As recv_loss_pkt, estimated */
  recv_loss_bytes: number;
  /** As sent_retrans_pkt */
  sent_retrans_bytes: number;
  /** As send_drop_pkt */
  send_drop_bytes: number;
  /** As recv_drop_pkt */
  recv_drop_bytes: number;
  /** As recv_undecrypt_pkt */
  recv_undecrypt_bytes: number;
  /** Least time between two packets */
  pkt_send_period_us: number;
  /** May be under way */
  flow_window_pkt: number;
  /** Under way */
  flight_size_pkt: number;
  /** Round trip time, smoothed */
  rtt_ms: number;
  /** Estimated capacity of the link; 1 Mbit is 1024² bits */
  bandwidth_mbit: number;
  /** Room in the send buffer */
  avail_send_buf_bytes: number;
  /** Room in the receive buffer */
  avail_recv_buf_bytes: number;
  /** Limit of what is sent, -1 for none */
  max_bandwidth_mbit: number;
  /** Largest packet, with the headers from IP on */
  mss_bytes: number;
  /** Not acknowledged */
  send_buf_pkt: number;
  /** Not acknowledged, without headers */
  send_buf_bytes: number;
  /** From the oldest to the newest that is not acknowledged */
  send_buf_ms: number;
  /** Latency of the peer */
  send_tsbpd_delay_ms: number;
  /** Waiting for their time */
  recv_buf_pkt: number;
  /** Waiting for their time, without headers */
  recv_buf_bytes: number;
  /** From the oldest to the newest that waits */
  recv_buf_ms: number;
  /** Latency of this side */
  recv_tsbpd_delay_ms: number;
  /** Waited for before one out of order counts as missing */
  reorder_tolerance_pkt: number;
  /** By which packets came too late, on average */
  pkt_recv_avg_belated_time_ms: number;
}

/** A stream began or ceased to be published to this server. */
export interface StreamEvent {
  type: 'stream.published' | 'stream.unpublished';
  /** When it happened, RFC 3339 with milliseconds */
  time: string;
  /** `rtmp` or `srt` */
  protocol: string;
  /** What the stream is listed as */
  name: string;
  /** What its sessions are known by */
  reference: string;
  /** Address and port of the publisher */
  remote: string;
}

/** Answer to a login, and to `POST /api/login/refresh`. */
export interface TokenPair {
  access_token: string;
  refresh_token: string;
}

/** What everybody may know about a process. */
export interface WidgetProcess {
  current_sessions: number;
  total_sessions: number;
  /** In seconds; 0 if it does not run */
  uptime: number;
}

/** What a route takes and answers, by its method and path. */
export interface Routes {
  /** API version and build infos */
  'GET /api': {
    security: 'token';
    path: never;
    query: never;
    body: undefined;
    answer: About;
  };
  /** Liveliness check */
  'GET /ping': {
    security: 'none';
    path: never;
    query: never;
    body: undefined;
    answer: string;
  };
  /** Whether the server runs */
  'GET /health/live': {
    security: 'none';
    path: never;
    query: never;
    body: undefined;
    answer: Liveness;
  };
  /** Whether the server can do its work */
  'GET /health/ready': {
    security: 'none';
    path: never;
    query: never;
    body: undefined;
    answer: Readiness;
  };
  /** Prometheus metrics */
  'GET /metrics': {
    security: 'none';
    path: never;
    query: never;
    body: undefined;
    answer: string;
  };
  /** Profiles of the server */
  'GET /profiling': {
    security: 'token';
    path: never;
    query: never;
    body: undefined;
    answer: string;
  };
  /** Swagger UI for this API */
  'GET /api/swagger': {
    security: 'none';
    path: never;
    query: never;
    body: undefined;
    answer: string;
  };
  /** This description in OpenAPI 3.1 */
  'GET /api/openapi.json': {
    security: 'none';
    path: never;
    query: never;
    body: undefined;
    answer: unknown;
  };
  /** Retrieve an access and a refresh token */
  'POST /api/login': {
    security: 'login';
    path: never;
    query: never;
    body: LoginRequest;
    answer: TokenPair;
  };
  /** Retrieve a new access token */
  'GET /api/login/refresh': {
    security: 'refresh';
    path: never;
    query: never;
    body: undefined;
    answer: AccessToken;
  };
  /** Exchange a refresh token for new tokens */
  'POST /api/login/refresh': {
    security: 'refresh';
    path: never;
    query: never;
    body: undefined;
    answer: TokenPair;
  };
  /** Log out */
  'POST /api/logout': {
    security: 'token';
    path: never;
    query: never;
    body: undefined;
    answer: string;
  };
  /** Revoke sessions */
  'POST /api/v3/auth/revoke': {
    security: 'token';
    path: never;
    query: never;
    body: RevokeRequest;
    answer: unknown;
  };
  /** Load GraphQL playground */
  'GET /api/graph': {
    security: 'token';
    path: never;
    query: never;
    body: undefined;
    answer: string;
  };
  /** Query the GraphAPI */
  'POST /api/graph/query': {
    security: 'token';
    path: never;
    query: never;
    body: GraphQuery;
    answer: GraphResponse;
  };
  /** Query the GraphAPI */
  'PUT /api/v3/graph': {
    security: 'token';
    path: never;
    query: never;
    body: GraphQuery;
    answer: GraphResponse;
  };
  /** Retrieve the currently active configuration */
  'GET /api/v3/config': {
    security: 'token';
    path: never;
    query: never;
    body: undefined;
    answer: ConfigAnswer;
  };
  /** Whether the stored configuration is the active one */
  'GET /api/v3/config/status': {
    security: 'token';
    path: never;
    query: never;
    body: undefined;
    answer: ConfigStatus;
  };
  /** Update the configuration */
  'PUT /api/v3/config': {
    security: 'token';
    path: never;
    query: 'dry_run';
    body: ConfigData;
    answer: string;
  };
  /** Reload the currently active configuration */
  'GET /api/v3/config/reload': {
    security: 'token';
    path: never;
    query: never;
    body: undefined;
    answer: string;
  };
  /** List all registered filesystems */
  'GET /api/v3/fs': {
    security: 'token';
    path: never;
    query: never;
    body: undefined;
    answer: FilesystemInfo[];
  };
  /** List all files on a filesystem */
  'GET /api/v3/fs/{storage}': {
    security: 'token';
    path: 'storage';
    query: 'glob' | 'sort' | 'order';
    body: undefined;
    answer: FileInfo[];
  };
  /** Fetch a file from a filesystem */
  'GET /api/v3/fs/{storage}/{filepath*}': {
    security: 'token';
    path: 'storage' | 'filepath';
    query: never;
    body: undefined;
    answer: Response;
  };
  /** Add a file to a filesystem */
  'PUT /api/v3/fs/{storage}/{filepath*}': {
    security: 'token';
    path: 'storage' | 'filepath';
    query: never;
    body: Bytes;
    answer: string | undefined;
  };
  /** Remove a file from a filesystem */
  'DELETE /api/v3/fs/{storage}/{filepath*}': {
    security: 'token';
    path: 'storage' | 'filepath';
    query: never;
    body: undefined;
    answer: string;
  };
  /** Application log */
  'GET /api/v3/log': {
    security: 'token';
    path: never;
    query: 'format' | 'level' | 'component' | 'since' | 'limit';
    body: undefined;
    answer: string[];
  };
  /** What happens, as Server-Sent Events */
  'GET /api/v3/events': {
    security: 'token';
    path: never;
    query: 'type' | 'process' | 'level' | 'last_event_id';
    body: undefined;
    answer:
      | ServerStartedEvent
      | ConfigReloadEvent
      | ProcessChangeEvent
      | ProcessStateEvent
      | SessionEvent
      | StreamEvent
      | LogLineEvent
      | OmittedEvent
      | GapEvent;
  };
  /** Retrieve all JSON metadata */
  'GET /api/v3/metadata': {
    security: 'token';
    path: never;
    query: never;
    body: undefined;
    answer: unknown;
  };
  /** Retrieve JSON metadata from a key */
  'GET /api/v3/metadata/{key*}': {
    security: 'token';
    path: 'key';
    query: never;
    body: undefined;
    answer: unknown;
  };
  /** Add JSON metadata under the given key */
  'PUT /api/v3/metadata/{key*}': {
    security: 'token';
    path: 'key';
    query: never;
    body: unknown;
    answer: unknown;
  };
  /** List all known metrics with their description and labels */
  'GET /api/v3/metrics': {
    security: 'token';
    path: never;
    query: never;
    body: undefined;
    answer: MetricsDescription[];
  };
  /** Query the collected metrics */
  'POST /api/v3/metrics': {
    security: 'token';
    path: never;
    query: never;
    body: MetricsQuery;
    answer: MetricsResponse;
  };
  /** List all known processes */
  'GET /api/v3/process': {
    security: 'token';
    path: never;
    query: 'filter' | 'reference' | 'id' | 'idpattern' | 'refpattern';
    body: undefined;
    answer: Process[];
  };
  /** Add a new process */
  'POST /api/v3/process': {
    security: 'token';
    path: never;
    query: never;
    body: ProcessConfigBody;
    answer: ProcessConfig;
  };
  /** List a process by its ID */
  'GET /api/v3/process/{id}': {
    security: 'token';
    path: 'id';
    query: 'filter';
    body: undefined;
    answer: Process;
  };
  /** Replace an existing process */
  'PUT /api/v3/process/{id}': {
    security: 'token';
    path: 'id';
    query: never;
    body: ProcessConfigBody;
    answer: ProcessConfig;
  };
  /** Delete a process by its ID */
  'DELETE /api/v3/process/{id}': {
    security: 'token';
    path: 'id';
    query: never;
    body: undefined;
    answer: string;
  };
  /** Issue a command to a process */
  'PUT /api/v3/process/{id}/command': {
    security: 'token';
    path: 'id';
    query: never;
    body: Command;
    answer: string;
  };
  /** Get the configuration of a process */
  'GET /api/v3/process/{id}/config': {
    security: 'token';
    path: 'id';
    query: never;
    body: undefined;
    answer: ProcessConfig;
  };
  /** Get the state of a process */
  'GET /api/v3/process/{id}/state': {
    security: 'token';
    path: 'id';
    query: never;
    body: undefined;
    answer: ProcessState;
  };
  /** Get the logs of a process */
  'GET /api/v3/process/{id}/report': {
    security: 'token';
    path: 'id';
    query: never;
    body: undefined;
    answer: ProcessReport;
  };
  /** Probe a process */
  'GET /api/v3/process/{id}/probe': {
    security: 'token';
    path: 'id';
    query: never;
    body: undefined;
    answer: Probe;
  };
  /** Retrieve all JSON metadata stored with a process */
  'GET /api/v3/process/{id}/metadata': {
    security: 'token';
    path: 'id';
    query: never;
    body: undefined;
    answer: unknown;
  };
  /** Retrieve JSON metadata stored with a process under a key */
  'GET /api/v3/process/{id}/metadata/{key*}': {
    security: 'token';
    path: 'id' | 'key';
    query: never;
    body: undefined;
    answer: unknown;
  };
  /** Add JSON metadata with a process under the given key */
  'PUT /api/v3/process/{id}/metadata/{key*}': {
    security: 'token';
    path: 'id' | 'key';
    query: never;
    body: unknown;
    answer: unknown;
  };
  /** Get the current playout status */
  'GET /api/v3/process/{id}/playout/{inputid}/status': {
    security: 'token';
    path: 'id' | 'inputid';
    query: never;
    body: undefined;
    answer: PlayoutStatus;
  };
  /** Close the current input stream */
  'GET /api/v3/process/{id}/playout/{inputid}/reopen': {
    security: 'token';
    path: 'id' | 'inputid';
    query: never;
    body: undefined;
    answer: string;
  };
  /** Get the last keyframe */
  'GET /api/v3/process/{id}/playout/{inputid}/keyframe/{name*}': {
    security: 'token';
    path: 'id' | 'inputid' | 'name';
    query: never;
    body: undefined;
    answer: Response;
  };
  /** Encode the errorframe */
  'GET /api/v3/process/{id}/playout/{inputid}/errorframe/encode': {
    security: 'token';
    path: 'id' | 'inputid';
    query: never;
    body: undefined;
    answer: undefined;
  };
  /** Upload an error frame */
  'POST /api/v3/process/{id}/playout/{inputid}/errorframe/{name*}': {
    security: 'token';
    path: 'id' | 'inputid' | 'name';
    query: never;
    body: Bytes;
    answer: undefined;
  };
  /** Upload an error frame */
  'PUT /api/v3/process/{id}/playout/{inputid}/errorframe/{name*}': {
    security: 'token';
    path: 'id' | 'inputid' | 'name';
    query: never;
    body: Bytes;
    answer: undefined;
  };
  /** Switch to a new stream */
  'PUT /api/v3/process/{id}/playout/{inputid}/stream': {
    security: 'token';
    path: 'id' | 'inputid';
    query: never;
    body: string;
    answer: undefined;
  };
  /** List all publishing RTMP streams */
  'GET /api/v3/rtmp': {
    security: 'token';
    path: never;
    query: never;
    body: undefined;
    answer: RtmpChannel[];
  };
  /** Cut off the publisher of an RTMP stream, or one of its players */
  'DELETE /api/v3/rtmp/{path*}': {
    security: 'token';
    path: 'path';
    query: 'remote';
    body: undefined;
    answer: string;
  };
  /** Play an RTMP stream as HTTP-FLV */
  'GET /rtmp/{path*}': {
    security: 'none';
    path: 'path';
    query: 'token';
    body: undefined;
    answer: Response;
  };
  /** List all publishing SRT streams */
  'GET /api/v3/srt': {
    security: 'token';
    path: never;
    query: never;
    body: undefined;
    answer: SrtChannels;
  };
  /** Cut off a publisher or a player by the id of its SRT socket */
  'DELETE /api/v3/srt/{id}': {
    security: 'token';
    path: 'id';
    query: never;
    body: undefined;
    answer: string;
  };
  /** Get a summary of all active and past sessions */
  'GET /api/v3/session': {
    security: 'token';
    path: never;
    query: 'collectors';
    body: undefined;
    answer: Record<string, SessionSummary>;
  };
  /** Get a minimal summary of all active sessions */
  'GET /api/v3/session/active': {
    security: 'token';
    path: never;
    query: 'collectors';
    body: undefined;
    answer: Record<string, Session[]>;
  };
  /** FFmpeg capabilities */
  'GET /api/v3/skills': {
    security: 'token';
    path: never;
    query: never;
    body: undefined;
    answer: Skills;
  };
  /** Refresh FFmpeg capabilities */
  'GET /api/v3/skills/reload': {
    security: 'token';
    path: never;
    query: never;
    body: undefined;
    answer: Skills;
  };
  /** Fetch minimal statistics about a process */
  'GET /api/v3/widget/process/{id}': {
    security: 'none';
    path: 'id';
    query: never;
    body: undefined;
    answer: WidgetProcess;
  };
}
