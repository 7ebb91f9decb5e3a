import { Type, type Static, type TProperties } from './schema.ts';

const text = Type.String();
const flag = Type.Boolean();
const list = Type.Array(Type.String());
const int = Type.Integer({ format: 'int' });
const int64 = Type.Integer({ format: 'int64' });
const uint64 = Type.Integer({ format: 'uint64', minimum: 0 });

/** A group of settings. Groups have no type name of their own in messages. */
function group<T extends TProperties>(properties: T) {
  return Type.Object(properties);
}

/** An Auth0 tenant whose users may log in. */
export const ConfigTenant = group({ domain: text, audience: text, clientid: text, users: list });
export type ConfigTenant = Static<typeof ConfigTenant>;

/** What the tokens of a provider may be signed with; nothing symmetric. */
export const PROVIDER_ALGORITHMS: readonly string[] = ['RS256', 'PS256', 'ES256', 'EdDSA'];

/** An OpenID Connect provider whose users may log in. */
export const ConfigOidcProvider = group({
  issuer: text,
  audience: text,
  clientid: text,
  algorithms: list,
  users: list,
  user_claim: Type.Optional(text),
  groups_claim: Type.Optional(text),
  groups: Type.Optional(list),
  jwks_uri: Type.Optional(text),
  check_client: Type.Optional(Type.Boolean()),
  allow_id_tokens: Type.Optional(Type.Boolean()),
});
export type ConfigOidcProvider = Static<typeof ConfigOidcProvider>;

/** An S3 bucket that is served as a file system. */
export const ConfigS3 = group({
  name: text,
  mountpoint: text,
  auth: group({ enable: flag, username: text, password: text }),
  endpoint: text,
  access_key_id: text,
  secret_access_key: text,
  bucket: text,
  region: text,
  use_ssl: flag,
});
export type ConfigS3 = Static<typeof ConfigS3>;

const access = group({ allow: list, block: list });

/** The configuration, version 3. Optional settings are left out where they have their default. */
export const ConfigData = Type.Object(
  {
    created_at: text,
    version: int64,
    id: text,
    name: text,
    address: text,
    update_check: flag,
    update_url: Type.Optional(text),
    log: group({ level: text, topics: list, max_lines: int, format: Type.Optional(text) }),
    db: group({ dir: text }),
    events: Type.Optional(
      group({
        max_events: Type.Optional(int),
        max_age_sec: Type.Optional(int),
        log_level: Type.Optional(text),
      }),
    ),
    host: group({ name: list, auto: flag }),
    api: group({
      read_only: flag,
      graphql_introspection: Type.Optional(flag),
      metadata_max_mbytes: Type.Optional(uint64),
      access: group({ http: access, https: access, trusted_proxies: Type.Optional(list) }),
      auth: group({
        enable: flag,
        disable_localhost: flag,
        username: text,
        password: text,
        jwt: group({
          secret: text,
          previous_secrets: Type.Optional(list),
          access_lifetime_sec: Type.Optional(int),
          refresh_lifetime_sec: Type.Optional(int),
        }),
        auth0: group({
          enable: flag,
          tenants: Type.Array(ConfigTenant),
          preferred: Type.Optional(flag),
          audience_check: Type.Optional(flag),
        }),
        oidc: Type.Optional(group({ providers: Type.Optional(Type.Array(ConfigOidcProvider)) })),
      }),
    }),
    tls: group({
      address: text,
      enable: flag,
      auto: flag,
      email: text,
      cert_file: text,
      key_file: text,
      acme_directory: Type.Optional(text),
      acme_ca: Type.Optional(text),
      redirect: Type.Optional(flag),
      redirect_port: Type.Optional(int),
    }),
    storage: group({
      disk: group({
        dir: text,
        max_size_mbytes: int64,
        cache: group({
          enable: flag,
          max_size_mbytes: uint64,
          ttl_seconds: int64,
          max_file_size_mbytes: uint64,
          types: access,
        }),
      }),
      memory: group({
        auth: group({ enable: flag, username: text, password: text }),
        max_size_mbytes: int64,
        purge: flag,
      }),
      s3: Type.Array(ConfigS3),
      cors: group({ origins: list }),
      mimetypes_file: text,
    }),
    rtmp: group({
      enable: flag,
      enable_tls: flag,
      address: text,
      address_tls: text,
      app: text,
      token: text,
      keys: Type.Optional(Type.Record(text, text)),
    }),
    srt: group({
      enable: flag,
      address: text,
      passphrase: text,
      token: text,
      log: group({ enable: flag, topics: list }),
    }),
    ffmpeg: group({
      binary: text,
      max_processes: int64,
      access: group({ input: access, output: access }),
      log: group({ max_lines: int, max_history: int }),
      environment: Type.Optional(list),
      start_jitter_sec: Type.Optional(int),
      reconnect_max_delay_sec: Type.Optional(int),
    }),
    playout: group({ enable: flag, min_port: int, max_port: int }),
    debug: group({ profiling: flag, force_gc: int, memory_limit_mbytes: int64 }),
    metrics: group({
      enable: flag,
      enable_prometheus: flag,
      range_sec: int64,
      interval_sec: int64,
      extended: Type.Optional(flag),
      auth: Type.Optional(
        group({
          enable: Type.Optional(flag),
          token: Type.Optional(text),
          username: Type.Optional(text),
          password: Type.Optional(text),
        }),
      ),
    }),
    sessions: group({
      enable: flag,
      ip_ignorelist: list,
      session_timeout_sec: int,
      persist: flag,
      persist_interval_sec: int,
      max_bitrate_mbit: uint64,
      max_sessions: uint64,
    }),
    service: group({ enable: flag, token: text, url: text }),
    router: group({ blocked_prefixes: list, routes: Type.Record(text, text), ui_path: text }),
  },
  { title: 'SetConfig' },
);
export type ConfigData = Static<typeof ConfigData>;

/** Which layout a configuration has. */
export const ConfigVersion = Type.Object({ version: int64 }, { title: 'ConfigVersion' });

/** The answer of `GET /api/v3/config`. */
export const ConfigAnswer = Type.Object({
  created_at: Type.String({ format: 'date-time' }),
  loaded_at: Type.String({ format: 'date-time' }),
  updated_at: Type.String({ format: 'date-time' }),
  config: ConfigData,
  overrides: Type.Array(Type.String(), { description: 'Settings that the environment has set' }),
});
export type ConfigAnswer = Static<typeof ConfigAnswer>;

/** The answer to a configuration with errors: the messages by the name of the setting. */
export const ConfigConflictBody = Type.Record(Type.String(), Type.Array(Type.String()));
export type ConfigConflictBody = Static<typeof ConfigConflictBody>;

/** The answer of `GET /api/v3/config/status`. */
export const ConfigStatus = Type.Object({
  loaded_at: Type.String({ format: 'date-time', description: 'When the running configuration was loaded' }),
  tag: Type.String({
    description:
      'Stands for the stored configuration, also as `ETag`: another one after every change, for `If-Match`',
  }),
  reload: Type.Union([
    Type.Null(),
    Type.Object({
      state: Type.Union([Type.Literal('running'), Type.Literal('done'), Type.Literal('failed')]),
      at: Type.String({ format: 'date-time' }),
      error: Type.String({ description: 'Why the old configuration still runs; empty otherwise' }),
    }),
  ]),
});
export type ConfigStatus = Static<typeof ConfigStatus>;
