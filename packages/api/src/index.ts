export { ApiErrorBody } from './error.ts';
export {
  ConfigAnswer,
  ConfigConflictBody,
  ConfigData,
  ConfigOidcProvider,
  ConfigS3,
  ConfigStatus,
  ConfigTenant,
  ConfigVersion,
  PROVIDER_ALGORITHMS,
} from './config.ts';
export { FileInfo, FilesystemInfo } from './fs.ts';
export { About, AboutMinimal } from './about.ts';
export { AccessToken, LoginRequest, RevokeRequest, TokenPair } from './auth.ts';
export {
  ConfigReloadEvent,
  Event,
  GapEvent,
  LogLineEvent,
  OmittedEvent,
  ProcessChangeEvent,
  ProcessStateEvent,
  ServerStartedEvent,
  SessionEvent,
  StreamEvent,
} from './events.ts';
export { GraphQuery, GraphResponse } from './graph.ts';
export { Liveness, Readiness } from './health.ts';
export { LogEvent, LogEvents, LogLines } from './log.ts';
export { Metadata } from './metadata.ts';
export { PlayoutStatus } from './playout.ts';
export {
  MetricsDescription,
  MetricsQuery,
  MetricsQueryMetric,
  MetricsResponse,
  MetricsResponseMetric,
} from './metrics.ts';
export {
  AvStream,
  Command,
  Probe,
  ProbeIO,
  Process,
  ProcessConfig,
  ProcessConfigBody,
  ProcessConfigIO,
  ProcessConfigIOCleanup,
  ProcessConfigLimits,
  ProcessFailure,
  ProcessReport,
  ProcessReportEntry,
  ProcessState,
  Progress,
  ProgressIO,
  WidgetProcess,
} from './process.ts';
export {
  Session,
  SessionPeers,
  SessionStats,
  SessionSummary,
  SessionsActive,
  SessionsSummary,
} from './session.ts';
export { RtmpChannel, RtmpPlayer } from './rtmp.ts';
export { SrtChannels, SrtConnection, SrtLog, SrtStatistics } from './srt.ts';
export { Skill, SkillCodec, SkillDevice, Skills } from './skills.ts';
export { Type, type Static, type TSchema } from './schema.ts';
