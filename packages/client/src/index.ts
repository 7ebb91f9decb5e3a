export type * from './api.ts';
export type { ProviderToken, StoredToken, Tokens } from './authentication.ts';
export type { Bytes } from './body.ts';
export { Client, type ClientOptions } from './client.ts';
export type { DownloadOptions, FileQuery, Files } from './endpoints/files.ts';
export type { Graph } from './endpoints/graph.ts';
export type { Rtmp, Srt } from './endpoints/live.ts';
export type { SystemMetadata } from './endpoints/metadata.ts';
export type { Metrics, MetricsReader, MetricsSelection } from './endpoints/metrics.ts';
export type { Playout } from './endpoints/playout.ts';
export type {
  NewProcess,
  NewProcessIO,
  Partly,
  Processes,
  ProcessChange,
  ProcessCommand,
  ProcessPart,
  ProcessQuery,
} from './endpoints/processes.ts';
export type { Health, Log, LogQuery, Pages } from './endpoints/server.ts';
export type { Sessions } from './endpoints/sessions.ts';
export type { ConfigChange, Settings } from './endpoints/settings.ts';
export type { FfmpegSkills } from './endpoints/skills.ts';
export { isMillraceError, MillraceError, type ErrorCode, type ErrorContext } from './error.ts';
export type { EventFilter, EventOptions, ServerEvent } from './events.ts';
export type { CallOptions } from './http.ts';
export type { ExecState, WaitOptions } from './wait.ts';
