import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { ConfigData } from '@millrace/api';
import { providers, tenants } from './identity.ts';
import {
  type Kind,
  absolutePath,
  address,
  bool,
  cidrList,
  directory,
  email,
  executable,
  file,
  int,
  int64,
  intBetween,
  list,
  madeDirectory,
  map,
  oneOf,
  origins,
  port,
  text,
  uint64,
  url,
} from './kinds.ts';
import { DEFAULT_MIME_FILE, mimeFile } from './mime-file.ts';
import { randomName, randomPassword, randomSecret } from './random.ts';
import { s3List } from './s3.ts';
import {
  type Config,
  type ConfigPath,
  type ConfigValue,
  removeSetting,
  setSetting,
  settingOf,
} from './schema.ts';

/** 256 bits and more: what HS256 keys should have (RFC 7518 §3.2). */
const JWT_SECRET_LENGTH = 44;
const MEMORY_PASSWORD_LENGTH = 18;

/** The mail address for certificates if none is given. */
export const DEFAULT_TLS_EMAIL = 'cert@datarhei.com';

interface Traits {
  /** The environment variable that sets it. */
  env?: string;
  /** Other names of the variable that are as good. */
  spellings?: readonly string[];
  /** Old names of the variable, which still work. */
  aliases?: readonly string[];
  /** The name it has in the list of overrides in addition to its own. */
  registered?: string;
  required?: boolean;
  /** Never shown in the log. */
  secret?: boolean;
  /** Not shown by the API either. */
  redacted?: boolean;
  /** Not known to the reference: left out of the file and of answers where it has its default. */
  since?: 'millrace';
}

/** One setting: its dotted name in the file, how it is given, and what it may hold. */
export interface Variable extends Traits {
  readonly name: ConfigPath;
  readonly kind: Kind<unknown>;
  /** Secrets and ids are drawn anew by each call. */
  readonly initial: () => unknown;
  readonly about: string;
}

function setting<Path extends ConfigPath>(
  name: Path,
  kind: Kind<ConfigValue<Path>>,
  initial: ConfigValue<Path> | (() => ConfigValue<Path>),
  about: string,
  traits: Traits = {},
): Variable {
  return {
    name,
    // The types of the rows are checked by this signature; in the table, values are of any type.
    kind: kind,
    initial: () => (typeof initial === 'function' ? initial() : structuredClone(initial)),
    about,
    ...traits,
  };
}

/** All settings, in the order of the file. */
export const VARIABLES: readonly Variable[] = [
  setting('version', int64, 3, 'Layout of the configuration'),
  setting('created_at', text, () => new Date().toISOString(), 'When the configuration was changed last'),
  setting('id', text, () => randomUUID(), 'ID of this instance', { env: 'CORE_ID', required: true }),
  setting('name', text, () => randomName(), 'A human readable name for this instance', { env: 'CORE_NAME' }),
  setting('address', address, ':8080', 'HTTP listening address', { env: 'CORE_ADDRESS' }),
  setting('update_check', bool, true, 'Check for updates and send anonymized data', {
    env: 'CORE_UPDATE_CHECK',
  }),
  setting('update_url', url, '', 'Whom to ask for updates, nobody if empty', {
    env: 'CORE_UPDATE_URL',
    since: 'millrace',
  }),
  setting('log.level', text, 'info', 'Log level: silent, error, warn, info, debug', {
    env: 'CORE_LOG_LEVEL',
  }),
  setting('log.topics', list(','), [], 'Components shown on the console, all if empty', {
    env: 'CORE_LOG_TOPICS',
  }),
  setting('log.max_lines', int, 1000, 'Number of latest events to keep in memory', {
    env: 'CORE_LOG_MAX_LINES',
    aliases: ['CORE_LOG_MAXLINES'],
  }),
  setting(
    'log.format',
    oneOf('console', 'json'),
    'console',
    'Form of the log on the console: console, json',
    { env: 'CORE_LOG_FORMAT', since: 'millrace' },
  ),
  setting('db.dir', madeDirectory, './config', 'Directory for the operational data', { env: 'CORE_DB_DIR' }),
  setting('events.max_events', intBetween(100, 1_000_000), 10_000, 'Number of latest events to keep', {
    env: 'CORE_EVENTS_MAX_EVENTS',
    since: 'millrace',
  }),
  setting(
    'events.max_age_sec',
    intBetween(0, 31_536_000),
    604_800,
    'Seconds to keep an event, 0 for no limit',
    { env: 'CORE_EVENTS_MAX_AGE_SEC', since: 'millrace' },
  ),
  setting(
    'events.log_level',
    oneOf('silent', 'error', 'warn', 'info', 'debug'),
    'info',
    'Lowest level of the lines of the log that are events: silent, error, warn, info, debug',
    { env: 'CORE_EVENTS_LOG_LEVEL', since: 'millrace' },
  ),
  setting('host.name', list(','), [], 'Public host names', { env: 'CORE_HOST_NAME' }),
  setting(
    'host.auto',
    bool,
    true,
    'Kept for clients of the reference: nobody is asked for the public address',
    {
      env: 'CORE_HOST_AUTO',
    },
  ),
  setting('api.read_only', bool, false, 'Allow only reading through the API', { env: 'CORE_API_READ_ONLY' }),
  setting('api.graphql_introspection', bool, true, 'Tell the GraphQL schema to who asks for it', {
    env: 'CORE_API_GRAPHQL_INTROSPECTION',
    since: 'millrace',
  }),
  setting('api.metadata_max_mbytes', uint64, 16, 'Size of a value of the metadata in megabytes', {
    env: 'CORE_API_METADATA_MAX_MBYTES',
    since: 'millrace',
  }),
  setting('api.access.http.allow', cidrList, [], 'Networks that may use the API over HTTP, all if empty', {
    env: 'CORE_API_ACCESS_HTTP_ALLOW',
  }),
  setting('api.access.http.block', cidrList, [], 'Networks that may not use the API over HTTP', {
    env: 'CORE_API_ACCESS_HTTP_BLOCK',
  }),
  setting('api.access.https.allow', cidrList, [], 'Networks that may use the API over HTTPS, all if empty', {
    env: 'CORE_API_ACCESS_HTTPS_ALLOW',
  }),
  setting('api.access.https.block', cidrList, [], 'Networks that may not use the API over HTTPS', {
    env: 'CORE_API_ACCESS_HTTPS_BLOCK',
  }),
  setting('api.access.trusted_proxies', cidrList, [], 'Networks of proxies whose forwarding headers count', {
    env: 'CORE_API_ACCESS_TRUSTED_PROXIES',
    since: 'millrace',
  }),
  setting('api.auth.enable', bool, false, 'Ask for a log-in before the API can be used', {
    env: 'CORE_API_AUTH_ENABLE',
  }),
  setting('api.auth.disable_localhost', bool, false, 'Ask for no log-in from this machine', {
    env: 'CORE_API_AUTH_DISABLE_LOCALHOST',
  }),
  setting('api.auth.username', text, '', 'User name', {
    env: 'CORE_API_AUTH_USERNAME',
    aliases: ['RS_USERNAME'],
  }),
  setting('api.auth.password', text, '', 'Password, plain or as a hash in PHC form', {
    env: 'CORE_API_AUTH_PASSWORD',
    secret: true,
    aliases: ['RS_PASSWORD'],
  }),
  setting(
    'api.auth.jwt.secret',
    text,
    () => randomSecret(JWT_SECRET_LENGTH),
    'Secret that tokens are signed with',
    { env: 'CORE_API_AUTH_JWT_SECRET', secret: true, redacted: true },
  ),
  setting(
    'api.auth.jwt.previous_secrets',
    list(','),
    [],
    'Earlier secrets, whose tokens are still accepted',
    { env: 'CORE_API_AUTH_JWT_PREVIOUS_SECRETS', secret: true, redacted: true, since: 'millrace' },
  ),
  setting(
    'api.auth.jwt.access_lifetime_sec',
    intBetween(60, 3600),
    600,
    'Seconds until an access token expires',
    { env: 'CORE_API_AUTH_JWT_ACCESS_LIFETIME_SEC', since: 'millrace' },
  ),
  setting(
    'api.auth.jwt.refresh_lifetime_sec',
    intBetween(60, 2_592_000),
    86_400,
    'Seconds until a refresh token expires',
    { env: 'CORE_API_AUTH_JWT_REFRESH_LIFETIME_SEC', since: 'millrace' },
  ),
  setting('api.auth.auth0.enable', bool, false, 'Accept log-ins with a token of Auth0', {
    env: 'CORE_API_AUTH_AUTH0_ENABLE',
  }),
  setting('api.auth.auth0.tenants', tenants, [], 'Auth0 tenants and their users', {
    env: 'CORE_API_AUTH_AUTH0_TENANTS',
  }),
  setting('api.auth.auth0.preferred', bool, false, 'Name Auth0 first among the ways to log in', {
    env: 'CORE_API_AUTH_AUTH0_PREFERRED',
    since: 'millrace',
  }),
  setting(
    'api.auth.auth0.audience_check',
    bool,
    true,
    'Accept only tokens of Auth0 for the configured audience',
    { env: 'CORE_API_AUTH_AUTH0_AUDIENCE_CHECK', since: 'millrace' },
  ),
  setting('api.auth.oidc.providers', providers, [], 'OpenID Connect providers and their users', {
    env: 'CORE_API_AUTH_OIDC_PROVIDERS',
    since: 'millrace',
  }),
  setting('tls.address', address, ':8181', 'HTTPS listening address', { env: 'CORE_TLS_ADDRESS' }),
  setting('tls.enable', bool, false, 'Serve HTTPS in addition to HTTP', { env: 'CORE_TLS_ENABLE' }),
  setting('tls.auto', bool, false, "Get a certificate from Let's Encrypt", { env: 'CORE_TLS_AUTO' }),
  setting('tls.email', email, DEFAULT_TLS_EMAIL, "Mail address for the certificate's registration", {
    env: 'CORE_TLS_EMAIL',
  }),
  setting('tls.cert_file', file, '', 'Path of the certificate in PEM format', {
    env: 'CORE_TLS_CERT_FILE',
    aliases: ['CORE_TLS_CERTFILE'],
  }),
  setting('tls.key_file', file, '', "Path of the certificate's key in PEM format", {
    env: 'CORE_TLS_KEY_FILE',
    aliases: ['CORE_TLS_KEYFILE'],
  }),
  setting(
    'tls.acme_directory',
    url,
    'https://acme-v02.api.letsencrypt.org/directory',
    'Directory of the authority that issues automatic certificates',
    { env: 'CORE_TLS_ACME_DIRECTORY', since: 'millrace', required: true },
  ),
  setting('tls.acme_ca', file, '', 'Path of a certificate in PEM format to trust for that authority', {
    env: 'CORE_TLS_ACME_CA',
    since: 'millrace',
  }),
  setting('tls.redirect', bool, false, 'Send clients from HTTP to HTTPS, but for those on this machine', {
    env: 'CORE_TLS_REDIRECT',
    since: 'millrace',
  }),
  setting('tls.redirect_port', port, 0, 'Port to send them to, that of tls.address if 0', {
    env: 'CORE_TLS_REDIRECT_PORT',
    since: 'millrace',
  }),
  setting(
    'storage.mimetypes_file',
    mimeFile,
    DEFAULT_MIME_FILE,
    'File with the MIME types of file extensions',
    { env: 'CORE_STORAGE_MIMETYPES_FILE', aliases: ['CORE_MIMETYPES_FILE'] },
  ),
  setting('storage.disk.dir', madeDirectory, './data', 'Directory that is served at /', {
    env: 'CORE_STORAGE_DISK_DIR',
  }),
  setting('storage.disk.max_size_mbytes', int64, 0, 'Most that the disk directory may hold, 0 for no limit', {
    env: 'CORE_STORAGE_DISK_MAX_SIZE_MBYTES',
    aliases: ['CORE_STORAGE_DISK_MAXSIZEMBYTES'],
  }),
  setting('storage.disk.cache.enable', bool, true, 'Cache files that are served from disk', {
    env: 'CORE_STORAGE_DISK_CACHE_ENABLE',
  }),
  setting('storage.disk.cache.max_size_mbytes', uint64, 0, 'Most that the cache may hold, 0 for no limit', {
    env: 'CORE_STORAGE_DISK_CACHE_MAX_SIZE_MBYTES',
    aliases: ['CORE_STORAGE_DISK_CACHE_MAXSIZEMBYTES'],
  }),
  setting('storage.disk.cache.ttl_seconds', int64, 300, 'Seconds a file stays in the cache', {
    env: 'CORE_STORAGE_DISK_CACHE_TTL_SECONDS',
    aliases: ['CORE_STORAGE_DISK_CACHE_TTLSECONDS'],
  }),
  setting('storage.disk.cache.max_file_size_mbytes', uint64, 1, 'Largest file to cache', {
    env: 'CORE_STORAGE_DISK_CACHE_MAX_FILE_SIZE_MBYTES',
    aliases: ['CORE_STORAGE_DISK_CACHE_MAXFILESIZEMBYTES'],
  }),
  setting('storage.disk.cache.types.allow', list(' '), [], 'File extensions to cache, all if empty', {
    env: 'CORE_STORAGE_DISK_CACHE_TYPES_ALLOW',
    aliases: ['CORE_STORAGE_DISK_CACHE_TYPES'],
    registered: 'storage.disk.cache.type.allow',
  }),
  setting('storage.disk.cache.types.block', list(' '), ['.m3u8', '.mpd'], 'File extensions not to cache', {
    env: 'CORE_STORAGE_DISK_CACHE_TYPES_BLOCK',
    registered: 'storage.disk.cache.type.block',
  }),
  setting(
    'storage.memory.auth.enable',
    bool,
    true,
    'Ask for a password before files in memory can be written',
    { env: 'CORE_STORAGE_MEMORY_AUTH_ENABLE' },
  ),
  setting('storage.memory.auth.username', text, 'admin', 'User name for writing files in memory', {
    env: 'CORE_STORAGE_MEMORY_AUTH_USERNAME',
  }),
  setting(
    'storage.memory.auth.password',
    text,
    () => randomPassword(MEMORY_PASSWORD_LENGTH),
    'Password for writing files in memory',
    { env: 'CORE_STORAGE_MEMORY_AUTH_PASSWORD', secret: true },
  ),
  setting('storage.memory.max_size_mbytes', int64, 0, 'Most that the memory may hold, 0 for no limit', {
    env: 'CORE_STORAGE_MEMORY_MAX_SIZE_MBYTES',
    aliases: ['CORE_STORAGE_MEMORY_MAXSIZEMBYTES'],
  }),
  setting('storage.memory.purge', bool, false, 'Remove the oldest files in memory when it is full', {
    env: 'CORE_STORAGE_MEMORY_PURGE',
  }),
  setting('storage.s3', s3List, [], 'S3 buckets that are served as file systems', { env: 'CORE_STORAGE_S3' }),
  setting('storage.cors.origins', origins, ['*'], 'Origins that may read files', {
    env: 'CORE_STORAGE_CORS_ORIGINS',
  }),
  setting('rtmp.enable', bool, false, 'Serve RTMP', { env: 'CORE_RTMP_ENABLE' }),
  setting('rtmp.enable_tls', bool, false, 'Serve RTMPS in addition to RTMP', { env: 'CORE_RTMP_ENABLE_TLS' }),
  setting('rtmp.address', address, ':1935', 'RTMP listening address', { env: 'CORE_RTMP_ADDRESS' }),
  setting('rtmp.address_tls', address, ':1936', 'RTMPS listening address', { env: 'CORE_RTMP_ADDRESS_TLS' }),
  setting('rtmp.app', absolutePath, '/', 'RTMP app for publishing', { env: 'CORE_RTMP_APP' }),
  setting('rtmp.token', text, '', 'Token for publishing and playing over RTMP', {
    env: 'CORE_RTMP_TOKEN',
    secret: true,
  }),
  setting('rtmp.keys', map, {}, 'Keys for publishing by the path that they publish, instead of the token', {
    env: 'CORE_RTMP_KEYS',
    secret: true,
    redacted: true,
    since: 'millrace',
  }),
  setting('srt.enable', bool, false, 'Serve SRT', { env: 'CORE_SRT_ENABLE' }),
  setting('srt.address', address, ':6000', 'SRT listening address', { env: 'CORE_SRT_ADDRESS' }),
  setting('srt.passphrase', text, '', 'SRT encryption passphrase', {
    env: 'CORE_SRT_PASSPHRASE',
    secret: true,
  }),
  setting('srt.token', text, '', 'Token for publishing and playing over SRT', {
    env: 'CORE_SRT_TOKEN',
    secret: true,
  }),
  setting('srt.log.enable', bool, false, 'Log events of the SRT protocol', { env: 'CORE_SRT_LOG_ENABLE' }),
  setting('srt.log.topics', list(','), [], 'Topics of the SRT protocol to log', {
    env: 'CORE_SRT_LOG_TOPICS',
  }),
  setting('ffmpeg.binary', executable, 'ffmpeg', 'Path or name of FFmpeg', {
    env: 'CORE_FFMPEG_BINARY',
    required: true,
  }),
  setting('ffmpeg.max_processes', int64, 0, 'Most processes that may run, 0 for no limit', {
    env: 'CORE_FFMPEG_MAXPROCESSES',
    spellings: ['CORE_FFMPEG_MAX_PROCESSES'],
  }),
  setting(
    'ffmpeg.access.input.allow',
    list(' '),
    [],
    'Regular expressions of input addresses to allow, all if empty',
    { env: 'CORE_FFMPEG_ACCESS_INPUT_ALLOW' },
  ),
  setting('ffmpeg.access.input.block', list(' '), [], 'Regular expressions of input addresses to block', {
    env: 'CORE_FFMPEG_ACCESS_INPUT_BLOCK',
  }),
  setting(
    'ffmpeg.access.output.allow',
    list(' '),
    [],
    'Regular expressions of output addresses to allow, all if empty',
    { env: 'CORE_FFMPEG_ACCESS_OUTPUT_ALLOW' },
  ),
  setting('ffmpeg.access.output.block', list(' '), [], 'Regular expressions of output addresses to block', {
    env: 'CORE_FFMPEG_ACCESS_OUTPUT_BLOCK',
  }),
  setting('ffmpeg.log.max_lines', int, 50, 'Number of latest log lines to keep of a process', {
    env: 'CORE_FFMPEG_LOG_MAX_LINES',
    aliases: ['CORE_FFMPEG_LOG_MAXLINES'],
  }),
  setting('ffmpeg.log.max_history', int, 3, 'Number of latest logs to keep of a process', {
    env: 'CORE_FFMPEG_LOG_MAX_HISTORY',
    aliases: ['CORE_FFMPEG_LOG_MAXHISTORY'],
  }),
  setting(
    'ffmpeg.environment',
    list(','),
    [],
    "Names of variables of the server's environment that FFmpeg gets, such as http_proxy or TZ",
    { env: 'CORE_FFMPEG_ENVIRONMENT', since: 'millrace' },
  ),
  setting(
    'ffmpeg.start_jitter_sec',
    intBetween(0, 3600),
    0,
    'Seconds over which the starts of processes are spread when the server starts',
    { env: 'CORE_FFMPEG_START_JITTER_SEC', since: 'millrace' },
  ),
  setting(
    'ffmpeg.reconnect_max_delay_sec',
    intBetween(0, 86_400),
    0,
    'Seconds up to which the delay doubles while a process fails at once again and again, 0 for no doubling',
    { env: 'CORE_FFMPEG_RECONNECT_MAX_DELAY_SEC', since: 'millrace' },
  ),
  setting('playout.enable', bool, false, 'Give processes a port for playout', { env: 'CORE_PLAYOUT_ENABLE' }),
  setting('playout.min_port', port, 0, 'First port for playout', {
    env: 'CORE_PLAYOUT_MIN_PORT',
    aliases: ['CORE_PLAYOUT_MINPORT'],
  }),
  setting('playout.max_port', port, 0, 'Last port for playout', {
    env: 'CORE_PLAYOUT_MAX_PORT',
    aliases: ['CORE_PLAYOUT_MAXPORT'],
  }),
  setting('debug.profiling', bool, false, 'Serve profiling data', { env: 'CORE_DEBUG_PROFILING' }),
  setting('debug.force_gc', int, 0, 'Seconds between forced garbage collections, a hint', {
    env: 'CORE_DEBUG_FORCE_GC',
    aliases: ['CORE_DEBUG_FORCEGC'],
  }),
  setting('debug.memory_limit_mbytes', int64, 0, 'Soft limit of the memory in use, a hint', {
    env: 'CORE_DEBUG_MEMORY_LIMIT_MBYTES',
  }),
  setting('metrics.enable', bool, false, 'Keep a history of metrics', { env: 'CORE_METRICS_ENABLE' }),
  setting('metrics.enable_prometheus', bool, false, 'Serve metrics for Prometheus at /metrics', {
    env: 'CORE_METRICS_ENABLE_PROMETHEUS',
  }),
  setting('metrics.range_sec', int64, 300, 'Seconds of metrics to keep', {
    env: 'CORE_METRICS_RANGE_SECONDS',
    registered: 'metrics.range_seconds',
  }),
  setting('metrics.interval_sec', int64, 2, 'Seconds between collections of metrics', {
    env: 'CORE_METRICS_INTERVAL_SECONDS',
    registered: 'metrics.interval_seconds',
  }),
  setting('metrics.extended', bool, false, "Serve the server's own metrics at /metrics, too", {
    env: 'CORE_METRICS_EXTENDED',
    since: 'millrace',
  }),
  setting('metrics.auth.enable', bool, false, 'Require credentials for /metrics', {
    env: 'CORE_METRICS_AUTH_ENABLE',
    since: 'millrace',
  }),
  setting('metrics.auth.token', text, '', 'Bearer token for /metrics', {
    env: 'CORE_METRICS_AUTH_TOKEN',
    secret: true,
    redacted: true,
    since: 'millrace',
  }),
  setting('metrics.auth.username', text, '', 'Username for /metrics', {
    env: 'CORE_METRICS_AUTH_USERNAME',
    since: 'millrace',
  }),
  setting('metrics.auth.password', text, '', 'Password for /metrics', {
    env: 'CORE_METRICS_AUTH_PASSWORD',
    secret: true,
    redacted: true,
    since: 'millrace',
  }),
  setting('sessions.enable', bool, true, 'Collect sessions', { env: 'CORE_SESSIONS_ENABLE' }),
  setting(
    'sessions.ip_ignorelist',
    cidrList,
    ['127.0.0.1/32', '::1/128'],
    'Networks whose sessions are not collected',
    { env: 'CORE_SESSIONS_IP_IGNORELIST' },
  ),
  setting('sessions.session_timeout_sec', int, 30, 'Seconds after which an idle session ends', {
    env: 'CORE_SESSIONS_SESSION_TIMEOUT_SEC',
  }),
  setting('sessions.persist', bool, false, 'Keep the history of sessions over restarts', {
    env: 'CORE_SESSIONS_PERSIST',
  }),
  setting('sessions.persist_interval_sec', int, 300, 'Seconds between writes of the history of sessions', {
    env: 'CORE_SESSIONS_PERSIST_INTERVAL_SEC',
  }),
  setting('sessions.max_bitrate_mbit', uint64, 0, 'Most outgoing bandwidth, 0 for no limit', {
    env: 'CORE_SESSIONS_MAXBITRATE_MBIT',
    spellings: ['CORE_SESSIONS_MAX_BITRATE_MBIT'],
  }),
  setting('sessions.max_sessions', uint64, 0, 'Most sessions at a time, 0 for no limit', {
    env: 'CORE_SESSIONS_MAX_SESSIONS',
    aliases: ['CORE_SESSIONS_MAXSESSIONS'],
  }),
  setting('service.enable', bool, false, 'Connect to the service', { env: 'CORE_SERVICE_ENABLE' }),
  setting('service.token', text, '', 'Token for the service', {
    env: 'CORE_SERVICE_TOKEN',
    secret: true,
    redacted: true,
  }),
  setting('service.url', url, 'https://service.datarhei.com', 'Address of the service', {
    env: 'CORE_SERVICE_URL',
  }),
  setting('router.blocked_prefixes', list(','), ['/api'], 'Prefixes of paths that routes may not have', {
    env: 'CORE_ROUTER_BLOCKED_PREFIXES',
  }),
  setting('router.routes', map, {}, 'Routes: redirects and directories', { env: 'CORE_ROUTER_ROUTES' }),
  setting('router.ui_path', directory, '', 'Directory that is served at /ui', { env: 'CORE_ROUTER_UI_PATH' }),
];

/** A new configuration with the defaults, and with secrets of its own. */
export function defaultConfig(): Config {
  const config = {};
  for (const { name, initial } of VARIABLES) setSetting(config, name, initial());
  return config as Config;
}

/** What the file and the API show of a configuration: additions to the reference only where they are in use. */
export function withoutUnusedAdditions(config: Config): ConfigData {
  const shown = structuredClone(config);
  for (const { name, since, initial } of VARIABLES) {
    if (since === 'millrace' && isDeepStrictEqual(settingOf(config, name), initial()))
      removeSetting(shown, name);
  }
  return shown;
}
