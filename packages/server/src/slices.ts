import { totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import process from 'node:process';
import type { Config } from './config/schema.ts';
import { mountOf } from './config/s3.ts';
import { auth0Provider, oidcProvider } from './auth/oidc.ts';
import type { AuthOptions } from './auth/policy.ts';
import type { CacheOptions } from './delivery/cache.ts';
import type { EventsOptions } from './events/events.ts';
import type { LogOptions } from './log/logger.ts';
import type { CorsPolicy } from './http/cors.ts';
import type { MemoryHints } from './debug/memory.ts';
import type { ScrapeAuth } from './http/routes/prometheus.ts';
import type { MonitorOptions } from './metrics/monitor.ts';
import type { ProcessOptions } from './process/setting.ts';
import type { RtmpOptions } from './rtmp/server.ts';
import type { SessionsOptions } from './sessions/registry.ts';
import type { SrtOptions } from './srt/interface.ts';
import type { S3Options } from './storage/s3-storages.ts';
import type { CertificateOptions } from './tls/certificates.ts';
import type { ServiceOptions } from './telemetry/service.ts';
import type { RenewalOptions } from './tls/renewal.ts';
import { isLoopback, splitListenAddress } from './util/address.ts';
import { DEFAULT_TLS_EMAIL } from './config/variables.ts';

/*
 * What each component depends on, in its own words. A reload compares these values, so they are plain data and
 * hold nothing that the component does not use.
 */

const MEBIBYTE = 1024 * 1024;

export function logOptions({ log }: Config): LogOptions {
  return { level: log.level, topics: log.topics, maxLines: log.max_lines, format: log.format };
}

/** Everything but how the providers' servers are reached, which does not come from the configuration. */
export function authOptions(config: Config): Omit<AuthOptions, 'https'> {
  const { auth, access } = config.api;
  const tenants = auth.auth0.enable ? auth.auth0.tenants : [];
  return {
    enabled: auth.enable,
    username: auth.username,
    password: auth.password,
    secret: auth.jwt.secret,
    previousSecrets: auth.jwt.previous_secrets,
    lifetimes: { access: auth.jwt.access_lifetime_sec, refresh: auth.jwt.refresh_lifetime_sec },
    providers: [
      ...tenants.map(({ clientid, ...tenant }) =>
        auth0Provider({ ...tenant, clientId: clientid }, auth.auth0.audience_check),
      ),
      ...auth.oidc.providers.map((provider) =>
        oidcProvider({
          issuer: provider.issuer,
          audience: provider.audience,
          clientId: provider.clientid,
          algorithms: provider.algorithms,
          users: provider.users,
          userClaim: provider.user_claim,
          groups: provider.groups,
          groupsClaim: provider.groups_claim,
          keysUri: provider.jwks_uri,
          checksClient: provider.check_client,
          allowsIdTokens: provider.allow_id_tokens,
        }),
      ),
    ],
    prefersAuth0: auth.auth0.preferred,
    trustsLocalhost: auth.disable_localhost,
    hostNames: config.host.name,
    trustedProxies: access.trusted_proxies,
    access: { http: access.http, https: access.https },
    isExposed: !isLoopback(splitListenAddress(config.address).host),
  };
}

export function databaseDirectory({ db }: Config, cwd: string): string {
  return resolve(cwd, db.dir);
}

export function memoryOptions({ storage }: Config): { maxBytes: number; purge: boolean } {
  return { maxBytes: storage.memory.max_size_mbytes * MEBIBYTE, purge: storage.memory.purge };
}

export function diskOptions({ storage }: Config, cwd: string): { dir: string; maxBytes: number } {
  return { dir: resolve(cwd, storage.disk.dir), maxBytes: storage.disk.max_size_mbytes * MEBIBYTE };
}

export function eventsOptions({ events }: Config): EventsOptions {
  return {
    maxEvents: events.max_events,
    maxAgeMs: events.max_age_sec * 1000,
    logLevel: events.log_level,
  };
}

/** What sessions go by, and where the reference keeps its histories of them. */
export function sessionsSlice(config: Config, cwd: string): SessionsOptions & { importDir: string } {
  const { sessions } = config;
  return {
    isEnabled: sessions.enable,
    ignored: sessions.ip_ignorelist,
    timeoutMs: sessions.session_timeout_sec * 1000,
    isPersistent: sessions.persist,
    persistIntervalMs: sessions.persist_interval_sec * 1000,
    maxSessions: sessions.max_sessions,
    maxBitrate: sessions.max_bitrate_mbit * MEBIBYTE,
    importDir: join(databaseDirectory(config, cwd), 'sessions'),
  };
}

/** Largest sum of cached files if the configuration sets none. */
const CACHE_BYTES = 256 * MEBIBYTE;
/** What a cache without a limit of its own may take of the machine's memory. */
const CACHE_SHARE = 1 / 8;

/** Undefined if nothing is cached. */
export function cacheOptions({ storage }: Config): CacheOptions | undefined {
  const { enable, max_size_mbytes, max_file_size_mbytes, ttl_seconds, types } = storage.disk.cache;
  if (!enable) return undefined;
  const machine = Math.min(process.constrainedMemory() || Infinity, totalmem());
  const maxBytes =
    max_size_mbytes > 0
      ? max_size_mbytes * MEBIBYTE
      : Math.min(CACHE_BYTES, Math.floor(machine * CACHE_SHARE));
  return {
    maxBytes,
    maxFileBytes: max_file_size_mbytes > 0 ? max_file_size_mbytes * MEBIBYTE : Infinity,
    ttlSeconds: ttl_seconds,
    allow: types.allow,
    block: types.block,
  };
}

export function processOptions(config: Config, cwd: string): ProcessOptions {
  const { ffmpeg, rtmp, srt, playout } = config;
  return {
    maxProcesses: ffmpeg.max_processes,
    placeholders: {
      diskDir: diskOptions(config, cwd).dir,
      address: config.address,
      filesystems: [{ name: 'mem', mount: '/memfs', auth: memoryCredentials(config) }, ...s3Mounts(config)],
      rtmp: { address: rtmp.address, app: rtmp.app, token: rtmp.token, keys: rtmp.keys },
      srt: { address: srt.address, token: srt.token, passphrase: srt.passphrase },
    },
    input: ffmpeg.access.input,
    output: ffmpeg.access.output,
    maxLogLines: ffmpeg.log.max_lines,
    startJitterMs: ffmpeg.start_jitter_sec * 1000,
    maxReconnectDelayMs: ffmpeg.reconnect_max_delay_sec * 1000,
    playoutPorts: playout.enable ? { min: playout.min_port, max: playout.max_port } : undefined,
    maxHistory: ffmpeg.log.max_history,
    importFile: join(databaseDirectory(config, cwd), 'db.json'),
  };
}

/** Undefined if RTMP is off. */
export function rtmpOptions({ rtmp }: Config): RtmpOptions | undefined {
  if (!rtmp.enable) return undefined;
  return {
    address: rtmp.address,
    addressTls: rtmp.enable_tls ? rtmp.address_tls : undefined,
    access: { app: rtmp.app, token: rtmp.token, keys: rtmp.keys },
  };
}

/** The variables that FFmpeg gets. Never our own: they may hold secrets. */
export function childEnvironment({ ffmpeg }: Config, env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(
    ffmpeg.environment.flatMap((name): [string, string][] => {
      const value = env[name];
      return value === undefined || /^(?:CORE|RS)_/.test(name) ? [] : [[name, value]];
    }),
  );
}

/** Undefined if SRT is off. */
export function srtOptions({ srt }: Config): SrtOptions | undefined {
  if (!srt.enable) return undefined;
  const { address, token, passphrase, log } = srt;
  return { address, token, passphrase, topics: log.enable ? log.topics : [] };
}

function memoryCredentials({ storage }: Config): { username: string; password: string } | undefined {
  const { enable, username, password } = storage.memory.auth;
  return enable ? { username, password } : undefined;
}

/** Beside the options, the names of the S3 storages that are measured. */
export function monitorOptions(config: Config, cwd: string): MonitorOptions & { s3Names: string[] } {
  const { enable, range_sec: range, interval_sec: interval } = config.metrics;
  return {
    history:
      enable && range > 0 && interval > 0
        ? { rangeMs: range * 1000, intervalMs: interval * 1000 }
        : undefined,
    diskDirectory: diskOptions(config, cwd).dir,
    s3Names: s3Mounts(config).map(({ name }) => name),
  };
}

/** Without an address of our own, nobody is asked: the reference's server is for the reference. */
export function updateUrl(config: Config): string {
  return config.update_check ? config.update_url : '';
}

export function serviceOptions({ id, service }: Config): Omit<ServiceOptions, 'version' | 'env'> | undefined {
  return service.enable ? { url: service.url, token: service.token, id } : undefined;
}

export function memoryHints({ debug }: Config): MemoryHints {
  return { forceIntervalMs: debug.force_gc * 1000, softLimitBytes: debug.memory_limit_mbytes * MEBIBYTE };
}

export function s3Options({ storage }: Config): S3Options {
  return Object.fromEntries(
    storage.s3.map((one) => [
      one.name,
      {
        endpoint: one.endpoint,
        isSecure: one.use_ssl,
        region: one.region,
        bucket: one.bucket,
        accessKeyId: one.access_key_id,
        secretAccessKey: one.secret_access_key,
      },
    ]),
  );
}

/** The S3 storages by name, and how they are reached over HTTP. */
function s3Mounts({ storage }: Config): S3Mount[] {
  return storage.s3
    .map(({ name, mountpoint, auth: { enable, username, password } }) => ({
      name,
      mount: mountOf(mountpoint),
      auth: enable ? { username, password } : undefined,
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

interface S3Mount {
  name: string;
  mount: string;
  auth: { username: string; password: string } | undefined;
}

/** What the routes are made of; a change of any of it makes the application anew. */
export interface HttpSlice {
  id: string;
  name: string;
  /** Where clear text and TLS are listened for, as the log tells it. */
  address: string;
  secureAddress: string;
  isReadOnly: boolean;
  hasIntrospection: boolean;
  /** Of a value of the metadata, in bytes. */
  metadataLimit: number;
  cors: CorsPolicy[];
  memoryAuth: { username: string; password: string } | undefined;
  /** Undefined if Prometheus is not served. */
  prometheus: { auth: ScrapeAuth | undefined } | undefined;
  hasProfiling: boolean;
  s3: S3Mount[];
  redirects: Record<string, string>;
  /** Directories by the path below which they are served. */
  directories: Record<string, string>;
}

export function httpSlice(config: Config, cwd: string): HttpSlice {
  const { storage, router } = config;
  const routes = Object.entries(router.routes);
  const directories = routes.filter(([path]) => path.endsWith('/*'));
  return {
    id: config.id,
    name: config.name,
    address: config.address,
    secureAddress: config.tls.address,
    isReadOnly: config.api.read_only,
    hasIntrospection: config.api.graphql_introspection,
    metadataLimit: config.api.metadata_max_mbytes * MEBIBYTE,
    cors: [
      { prefix: '/', origins: storage.cors.origins },
      { prefix: '/memfs', origins: storage.cors.origins },
      ...s3Mounts(config).map(({ mount }) => ({ prefix: mount, origins: storage.cors.origins })),
      { prefix: '/api', origins: ['*'] },
    ],
    memoryAuth: memoryCredentials(config),
    prometheus: config.metrics.enable_prometheus ? { auth: scrapeAuth(config) } : undefined,
    hasProfiling: config.debug.profiling,
    s3: s3Mounts(config),
    redirects: Object.fromEntries(routes.filter(([path]) => !path.endsWith('/*'))),
    directories: {
      ...Object.fromEntries(directories.map(([path, dir]) => [path, resolve(cwd, dir)])),
      ...(router.ui_path === '' ? {} : { '/ui': resolve(cwd, router.ui_path) }),
    },
  };
}

export function certificateOptions(config: Config, cwd: string): CertificateOptions {
  const { tls } = config;
  if (!tls.enable) return { source: 'none' };
  const renewal = renewalOptions(config, cwd);
  if (renewal) {
    const { hosts, dir, directoryUrl } = renewal;
    return { source: 'store', hosts, dir, directoryUrl };
  }
  return { source: 'files', certFile: resolve(cwd, tls.cert_file), keyFile: resolve(cwd, tls.key_file) };
}

function scrapeAuth({ metrics }: Config): ScrapeAuth | undefined {
  const { enable, token, username, password } = metrics.auth;
  return enable ? { token, username, password } : undefined;
}

/** Undefined if certificates are not got automatically. */
export function renewalOptions(config: Config, cwd: string): RenewalOptions | undefined {
  const { tls, host } = config;
  if (!tls.enable || !tls.auto) return undefined;
  return {
    hosts: host.name,
    dir: join(databaseDirectory(config, cwd), 'cert'),
    directoryUrl: tls.acme_directory,
    caFile: tls.acme_ca === '' ? '' : resolve(cwd, tls.acme_ca),
    email: tls.email === '' ? DEFAULT_TLS_EMAIL : tls.email,
  };
}

/** The port that clients are sent to from clear text; undefined if they are not. */
export function redirectPort({ tls }: Config): number | undefined {
  if (!tls.enable || !tls.redirect) return undefined;
  return tls.redirect_port === 0 ? Number(tls.address.replace(/^.*:/, '')) : tls.redirect_port;
}
