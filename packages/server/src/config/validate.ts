import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { RE2JS } from 're2js';
import { errorText } from '../util/errors.ts';
import type { Surroundings } from './kinds.ts';
import { type Config, settingOf } from './schema.ts';
import { mountOf, problemsOfS3 } from './s3.ts';
import { VARIABLES } from './variables.ts';

/** What is wrong with a setting. Only an error keeps the configuration from being used. */
export interface Problem {
  level: 'error' | 'warning';
  name: string;
  text: string;
}

/**
 * All that is wrong with a configuration, setting by setting and between settings.
 *
 * @param isChange whether somebody is just changing it: then values that the reference lets pass, although they make no
 *   sense, are errors instead of warnings.
 */
export async function validateConfig(
  config: Config,
  where: Surroundings,
  isChange: boolean,
): Promise<Problem[]> {
  const problems: Problem[] = [];
  const error: Report = (name, text) => problems.push({ level: 'error', name, text });
  const doubt: Report = (name, text) => problems.push({ level: isChange ? 'error' : 'warning', name, text });

  for (const { name, kind, required } of VARIABLES) {
    const value = settingOf(config, name);
    // compat: of one value, the first that is wrong.
    const [text] = kind.check(value, where);
    if (text !== undefined) error(name, text);
    if (required === true && value === '') error(name, 'a value is required');
  }
  checkAuth(config, error);
  await checkTls(config, error);
  checkRtmp(config, error);
  checkSrt(config, error);
  checkStorage(config, error, doubt);
  checkFfmpeg(config, error);
  checkRouter(config, error);
  checkListeners(config, error);
  checkPlayout(config, error);
  checkMetrics(config, error);
  checkMetadata(config, error);
  checkService(config, error);
  checkTimes(config, doubt);
  return problems;
}

type Report = (name: string, text: string) => void;

function checkAuth({ api: { auth } }: Config, error: Report): void {
  if (!auth.enable) return;
  if (auth.username === '' || auth.password === '') {
    error('api.auth.enable', 'api.auth.username and api.auth.password must be set');
  }
  const { auth0, jwt } = auth;
  if (auth0.enable) {
    if (auth0.tenants.length === 0) error('api.auth.auth0.enable', 'at least one tenants must be set');
    auth0.tenants.forEach(({ domain, audience, clientid }, index) => {
      if ([domain, audience, clientid].includes('')) {
        error('api.auth.auth0.tenants', `domain, audience, and clientid must be set (tenant ${index})`);
      }
    });
  }
  if (jwt.refresh_lifetime_sec < jwt.access_lifetime_sec) {
    error('api.auth.jwt.refresh_lifetime_sec', 'must not be less than api.auth.jwt.access_lifetime_sec');
  }
}

const LOOKUP_TIMEOUT = 10_000;

async function checkTls({ tls, host }: Config, error: Report): Promise<void> {
  if (!tls.enable) return;
  if (!tls.auto) {
    const areFilesSet = tls.cert_file !== '' && tls.key_file !== '';
    if (!areFilesSet) error('tls.enable', 'tls.certfile and tls.keyfile must be set');
    return;
  }
  if (host.name.length === 0) {
    error('host.name', 'a hostname must be set in order to get an automatic TLS certificate');
  }
  await Promise.all(
    host.name.map(async (name) => {
      if (isIP(name) !== 0) {
        error(
          'host.name',
          `only host names are allowed if automatic TLS is enabled, but found IP address: ${name}`,
        );
      } else if (!(await isResolvable(name))) {
        error('host.name', `the host '${name}' can't be resolved and will not work with automatic TLS`);
      }
    }),
  );
}

async function isResolvable(name: string): Promise<boolean> {
  const timeout = new Promise<false>((resolve) => setTimeout(resolve, LOOKUP_TIMEOUT, false).unref());
  const found = lookup(name).then(
    () => true,
    () => false,
  );
  return Promise.race([found, timeout]);
}

/** Shorter ones are guessed; the others could not be told apart from the path they stand in. */
const RTMP_KEY = /^[^\s/?#&%]{8,255}$/;
/** As streams are listed: that is how the path of a client is looked up. */
const RTMP_PATH = /^(?:\/(?!\.{1,2}(?:\/|$))[^/\p{Cc}]+)+$/u;

function checkRtmp({ rtmp, tls }: Config, error: Report): void {
  checkRtmpKeys(rtmp, error);
  if (!rtmp.enable_tls) return;
  if (!rtmp.enable) error('rtmp.enable', 'RTMP server must be enabled if RTMPS server is enabled');
  if (!tls.enable) error('rtmp.enable_tls', 'RTMPS server can only be enabled if TLS is enabled');
  if (rtmp.address_tls === '') error('rtmp.address_tls', 'RTMPS server address must be set');
  if (rtmp.enable && rtmp.address === rtmp.address_tls) {
    error('rtmp.address', "The RTMP and RTMPS server can't listen on the same address");
  }
}

function checkRtmpKeys({ keys, app, token }: Config['rtmp'], error: Report): void {
  const owners = new Map<string, string>();
  for (const [path, key] of Object.entries(keys)) {
    if (!RTMP_PATH.test(path)) error('rtmp.keys', `${path} is not the path of a stream, such as /live/name`);
    else if (!path.startsWith(app)) error('rtmp.keys', `the path ${path} does not begin with rtmp.app`);
    if (!RTMP_KEY.test(key)) {
      error(
        'rtmp.keys',
        `the key of ${path} must have between 8 and 255 characters without / ? # & % and blanks`,
      );
    }
    const owner = owners.get(key);
    if (owner !== undefined) error('rtmp.keys', `the key of ${path} is that of ${owner}`);
    if (key === token) error('rtmp.keys', `the key of ${path} is the token`);
    owners.set(key, path);
  }
}

function checkSrt({ srt }: Config, error: Report): void {
  const length = Buffer.byteLength(srt.passphrase);
  // As libsrt has it; the reference takes 79 at most.
  if (srt.enable && length > 0 && (length < 10 || length > 80)) {
    error('srt.passphrase', 'must have between 10 and 80 bytes');
  }
}

function checkStorage({ storage, router }: Config, error: Report, doubt: Report): void {
  const { memory, s3, disk } = storage;
  if (memory.auth.enable && (memory.auth.username === '' || memory.auth.password === '')) {
    error(
      'storage.memory.auth.enable',
      'storage.memory.auth.username and storage.memory.auth.password must be set',
    );
  }
  if (disk.cache.enable && disk.cache.ttl_seconds < 0) {
    error('storage.disk.cache.ttl_seconds', 'must be equal or greater than 0');
  }
  const { enable, max_size_mbytes, max_file_size_mbytes } = disk.cache;
  if (enable && max_size_mbytes > 0 && max_file_size_mbytes > max_size_mbytes) {
    error(
      'storage.disk.cache.max_size_mbytes',
      'unable to create cache: the max cache size has to be bigger than the max file size',
    );
  }
  const names = new Set(['disk', 'mem']);
  const mounts = new Map([
    ['/', 'disk'],
    ['/memfs', 'mem'],
    ['/api', 'api'],
    ...(router.ui_path === '' ? [] : [['/ui', 'router.ui_path'] as const]),
    ...Object.keys(router.routes)
      .filter((route) => route.endsWith('/*'))
      .map((route) => [route.slice(0, -2), 'router.routes'] as const),
  ]);
  s3.forEach((element, index) => {
    const { name, mountpoint, endpoint, bucket } = element;
    if (names.has(name)) error('storage.s3', `the name ${name} is already in use or reserved`);
    names.add(name);
    // That has been said, and what follows from it need not be.
    if (problemsOfS3(element, index).length > 0) return;
    const mount = mountOf(mountpoint);
    const owner = mount.startsWith('/api/') ? 'api' : mounts.get(mount);
    if (owner !== undefined) error('storage.s3', `the mount point '${mount}' is already in use (${owner})`);
    mounts.set(mount, name);
    // The reference finds out when it starts.
    if (!URL.canParse(`https://${endpoint}`) || /[/@?#]/.test(endpoint)) {
      doubt('storage.s3', `the endpoint for s3 storage ${index} must be a host name with or without a port`);
    }
    if (bucket === '') doubt('storage.s3', `the bucket for s3 storage ${index} is missing`);
  });
}

function checkFfmpeg({ ffmpeg: { access } }: Config, error: Report): void {
  for (const direction of ['input', 'output'] as const) {
    for (const list of ['allow', 'block'] as const) {
      for (const expression of access[direction][list]) {
        const reason = whyNoExpression(expression);
        if (reason !== undefined) error(`ffmpeg.access.${direction}.${list}`, reason);
      }
    }
  }
}

function whyNoExpression(expression: string): string | undefined {
  try {
    RE2JS.compile(expression);
    return undefined;
  } catch (error) {
    return `${expression} is not a valid regular expression: ${errorText(error)}`;
  }
}

function checkRouter({ router }: Config, error: Report): void {
  const blocked = [...router.blocked_prefixes, ...(router.ui_path === '' ? [] : ['/ui'])];
  for (const route of Object.keys(router.routes)) {
    if (blocked.some((prefix) => route.startsWith(prefix))) {
      error('router.routes', `incorrect routes provided: the prefix of the route ${route} is blocked`);
    }
  }
}

/** Servers that would take each other's port. Port 0 is any free one. */
function checkListeners({ address, tls, rtmp }: Config, error: Report): void {
  const owners = new Map([[address, 'address']]);
  const listeners = [
    ['tls.address', tls.address, tls.enable],
    ['rtmp.address', rtmp.address, rtmp.enable],
    ['rtmp.address_tls', rtmp.address_tls, rtmp.enable_tls && rtmp.address_tls !== rtmp.address],
  ] as const;
  for (const [name, value, isEnabled] of listeners) {
    if (!isEnabled || value.endsWith(':0')) continue;
    const owner = owners.get(value);
    if (owner !== undefined) error(name, `the address ${value} is already in use (${owner})`);
    owners.set(value, name);
  }
}

function checkPlayout({ playout }: Config, error: Report): void {
  // compat: the text has it the wrong way round, but clients show it.
  if (playout.enable && playout.min_port >= playout.max_port) {
    error('playout.min_port', 'must be bigger than playout.max_port');
  }
}

/** In MiB: a value is held whole, and several times while it is written. */
const MAX_METADATA = 256;

function checkMetadata({ api }: Config, error: Report): void {
  if (api.metadata_max_mbytes < 1 || api.metadata_max_mbytes > MAX_METADATA) {
    error('api.metadata_max_mbytes', `must be from 1 to ${MAX_METADATA}`);
  }
}

function checkMetrics({ metrics: { auth } }: Config, error: Report): void {
  if (!auth.enable || auth.token !== '') return;
  if (auth.username === '' || auth.password === '') {
    error('metrics.auth.enable', 'metrics.auth.token, or username and password, must be set');
  }
}

function checkService({ service }: Config, error: Report): void {
  if (!service.enable) return;
  if (service.token === '') error('service.token', 'must be non-empty');
  if (service.url === '') error('service.url', 'must be non-empty');
}

/** The reference means to refuse these, but lets them pass. */
function checkTimes({ sessions, metrics }: Config, doubt: Report): void {
  if (sessions.enable) {
    if (sessions.session_timeout_sec < 1) {
      doubt('sessions.session_timeout_sec', 'must be equal or greater than 1');
    }
    if (sessions.persist && sessions.persist_interval_sec < 0) {
      doubt('sessions.persist_interval_sec', 'must be equal or greater than 0');
    }
  }
  if (metrics.enable) {
    if (metrics.range_sec <= 0) doubt('metrics.range_sec', 'must be greater than 0');
    if (metrics.interval_sec <= 0) doubt('metrics.interval_sec', 'must be greater than 0');
    if (metrics.interval_sec > metrics.range_sec) {
      doubt('metrics.interval_sec', 'must be smaller than the range');
    }
  }
}
