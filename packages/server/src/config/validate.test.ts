import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { setSetting } from './schema.ts';
import { validateConfig } from './validate.ts';
import { defaultConfig } from './variables.ts';

const cwd = mkdtempSync(join(tmpdir(), 'millrace-validate-'));
afterAll(() => {
  rmSync(cwd, { recursive: true });
});

async function messages(
  changes: Record<string, unknown>,
  isChange: boolean,
): Promise<Record<string, string>> {
  const config = defaultConfig();
  setSetting(config, 'ffmpeg.binary', 'sh');
  for (const [name, value] of Object.entries(changes)) setSetting(config, name, value);
  const problems = await validateConfig(config, { cwd, env: { PATH: '/usr/bin:/bin' } }, isChange);
  return Object.fromEntries(problems.map(({ level, name, text }) => [`${level} ${name}`, text]));
}

const s3 = (name: string, mountpoint: string) => ({
  name,
  mountpoint,
  auth: { enable: false, username: '', password: '' },
});
const tenant = (clientid: string) => ({ domain: 'd', audience: 'a', clientid, users: [] });
const auth = { 'api.auth.enable': true, 'api.auth.username': 'a', 'api.auth.password': 'b' };

test.each<[Record<string, unknown>, string, string]>([
  [{ id: '' }, 'id', 'a value is required'],
  [{ 'ffmpeg.binary': '' }, 'ffmpeg.binary', 'a value is required'],
  [{ 'tls.address': 'x' }, 'tls.address', 'address x: missing port in address'],
  [
    { 'api.auth.enable': true, 'api.auth.username': 'a' },
    'api.auth.enable',
    'api.auth.username and api.auth.password must be set',
  ],
  [{ ...auth, 'api.auth.auth0.enable': true }, 'api.auth.auth0.enable', 'at least one tenants must be set'],
  [
    { ...auth, 'api.auth.auth0.enable': true, 'api.auth.auth0.tenants': [tenant('x'), tenant('')] },
    'api.auth.auth0.tenants',
    'domain, audience, and clientid must be set (tenant 1)',
  ],
  [
    { ...auth, 'api.auth.jwt.refresh_lifetime_sec': 60 },
    'api.auth.jwt.refresh_lifetime_sec',
    'must not be less than api.auth.jwt.access_lifetime_sec',
  ],
  [{ 'tls.enable': true }, 'tls.enable', 'tls.certfile and tls.keyfile must be set'],
  [
    { 'tls.enable': true, 'tls.auto': true },
    'host.name',
    'a hostname must be set in order to get an automatic TLS certificate',
  ],
  [
    { 'tls.enable': true, 'tls.auto': true, 'host.name': ['127.0.0.1'] },
    'host.name',
    'only host names are allowed if automatic TLS is enabled, but found IP address: 127.0.0.1',
  ],
  [
    { 'tls.enable': true, 'tls.auto': true, 'host.name': ['not a name'] },
    'host.name',
    "the host 'not a name' can't be resolved and will not work with automatic TLS",
  ],
  [{ 'rtmp.enable_tls': true }, 'rtmp.enable', 'RTMP server must be enabled if RTMPS server is enabled'],
  [
    { 'rtmp.enable': true, 'rtmp.enable_tls': true },
    'rtmp.enable_tls',
    'RTMPS server can only be enabled if TLS is enabled',
  ],
  [
    { 'rtmp.enable': true, 'rtmp.enable_tls': true, 'rtmp.address_tls': '' },
    'rtmp.address_tls',
    'RTMPS server address must be set',
  ],
  [
    { 'rtmp.enable': true, 'rtmp.enable_tls': true, 'rtmp.address_tls': ':1935' },
    'rtmp.address',
    "The RTMP and RTMPS server can't listen on the same address",
  ],
  [{ 'srt.enable': true, 'srt.passphrase': 'short' }, 'srt.passphrase', 'must have between 10 and 80 bytes'],
  [
    { 'storage.memory.auth.username': '' },
    'storage.memory.auth.enable',
    'storage.memory.auth.username and storage.memory.auth.password must be set',
  ],
  [
    { 'storage.disk.cache.ttl_seconds': -1 },
    'storage.disk.cache.ttl_seconds',
    'must be equal or greater than 0',
  ],
  [
    { 'storage.disk.cache.max_size_mbytes': 10, 'storage.disk.cache.max_file_size_mbytes': 11 },
    'storage.disk.cache.max_size_mbytes',
    'unable to create cache: the max cache size has to be bigger than the max file size',
  ],
  [{ 'storage.s3': [s3('disk', '/a')] }, 'storage.s3', 'the name disk is already in use or reserved'],
  [
    { 'storage.s3': [s3('a', '/a'), s3('a', '/b')] },
    'storage.s3',
    'the name a is already in use or reserved',
  ],
  [{ 'storage.s3': [s3('a', '/memfs')] }, 'storage.s3', "the mount point '/memfs' is already in use (mem)"],
  [
    { 'storage.s3': [s3('a', '/x'), s3('b', '/x')] },
    'storage.s3',
    "the mount point '/x' is already in use (a)",
  ],
  [
    { 'router.routes': { '/apifoo': '/x' } },
    'router.routes',
    'incorrect routes provided: the prefix of the route /apifoo is blocked',
  ],
  [
    { 'router.routes': { '/ui/x': '/x' }, 'router.ui_path': '.' },
    'router.routes',
    'incorrect routes provided: the prefix of the route /ui/x is blocked',
  ],
  [
    { 'rtmp.keys': { 'live/a': 'longenough' } },
    'rtmp.keys',
    'live/a is not the path of a stream, such as /live/name',
  ],
  [
    { 'rtmp.keys': { '/live/../a': 'longenough' } },
    'rtmp.keys',
    '/live/../a is not the path of a stream, such as /live/name',
  ],
  [
    { 'rtmp.app': '/live', 'rtmp.keys': { '/other/a': 'longenough' } },
    'rtmp.keys',
    'the path /other/a does not begin with rtmp.app',
  ],
  [
    { 'rtmp.keys': { '/live/a': 'short' } },
    'rtmp.keys',
    'the key of /live/a must have between 8 and 255 characters without / ? # & % and blanks',
  ],
  [
    { 'rtmp.keys': { '/live/a': 'longenough', '/live/b': 'longenough' } },
    'rtmp.keys',
    'the key of /live/b is that of /live/a',
  ],
  [
    { 'rtmp.token': 'longenough', 'rtmp.keys': { '/live/a': 'longenough' } },
    'rtmp.keys',
    'the key of /live/a is the token',
  ],
  [
    { address: ':1935', 'rtmp.enable': true },
    'rtmp.address',
    'the address :1935 is already in use (address)',
  ],
  [
    { 'playout.enable': true, 'playout.min_port': 3000, 'playout.max_port': 2000 },
    'playout.min_port',
    'must be bigger than playout.max_port',
  ],
  [{ 'service.enable': true }, 'service.token', 'must be non-empty'],
  [{ 'service.enable': true, 'service.token': 'a', 'service.url': '' }, 'service.url', 'must be non-empty'],
  [{ 'log.format': 'xml' }, 'log.format', 'xml is none of console, json'],
])('%j is refused', async (changes, name, text) => {
  expect((await messages(changes, false))[`error ${name}`]).toBe(text);
  expect((await messages(changes, true))[`error ${name}`]).toBe(text);
});

test.each<[Record<string, unknown>, string, string]>([
  [{ 'sessions.session_timeout_sec': 0 }, 'sessions.session_timeout_sec', 'must be equal or greater than 1'],
  [
    { 'sessions.persist': true, 'sessions.persist_interval_sec': -1 },
    'sessions.persist_interval_sec',
    'must be equal or greater than 0',
  ],
  [{ 'metrics.enable': true, 'metrics.range_sec': 0 }, 'metrics.range_sec', 'must be greater than 0'],
  [{ 'metrics.enable': true, 'metrics.interval_sec': 0 }, 'metrics.interval_sec', 'must be greater than 0'],
  [
    { 'metrics.enable': true, 'metrics.interval_sec': 301 },
    'metrics.interval_sec',
    'must be smaller than the range',
  ],
])('%j starts with a warning but cannot be set', async (changes, name, text) => {
  expect((await messages(changes, false))[`warning ${name}`]).toBe(text);
  expect((await messages(changes, true))[`error ${name}`]).toBe(text);
});

test.each(
  ['input', 'output'].flatMap((direction) =>
    ['allow', 'block'].map((list) => `ffmpeg.access.${direction}.${list}`),
  ),
)('a bad regular expression in %s is refused', async (name) => {
  expect((await messages({ [name]: ['^ok$', '('] }, true))[`error ${name}`]).toMatch(
    /^\( is not a valid regular expression: /,
  );
});

test.each<Record<string, unknown>>([
  {},
  auth,
  { ...auth, 'api.auth.auth0.enable': true, 'api.auth.auth0.tenants': [tenant('x')] },
  { 'tls.enable': true, 'tls.auto': true, 'host.name': ['localhost'] },
  { 'tls.enable': true, 'tls.cert_file': '/etc/hostname', 'tls.key_file': '/etc/hostname' },
  { 'srt.enable': true, 'srt.passphrase': '0123456789' },
  { 'srt.enable': true, 'srt.passphrase': 'x'.repeat(80) },
  { 'srt.passphrase': 'short' },
  { 'rtmp.enable': true },
  { 'rtmp.app': '/live', 'rtmp.token': 'token', 'rtmp.keys': { '/live/a b.stream': 'longenough' } },
  { 'playout.min_port': 70, 'playout.max_port': 0 },
  { 'playout.enable': true, 'playout.min_port': 1, 'playout.max_port': 2 },
  { 'storage.disk.cache.enable': false, 'storage.disk.cache.ttl_seconds': -1 },
  { 'storage.disk.cache.max_size_mbytes': 10, 'storage.disk.cache.max_file_size_mbytes': 10 },
  { 'storage.disk.cache.max_size_mbytes': 10, 'storage.disk.cache.max_file_size_mbytes': 0 },
  { 'storage.s3': [s3('a', '/a'), s3('b', '/b')] },
  { 'router.routes': { '/a': '/b', '/c/*': '/d' } },
  { 'ffmpeg.access.input.allow': ['^rtmp://'] },
  { 'service.enable': true, 'service.token': 'x' },
  { 'log.level': 'nonsense' },
])('%j is fine', async (changes) => {
  expect(await messages(changes, true)).toEqual({});
});

test('a setting is said once to be wrong by itself, and what is required beside it', async () => {
  const config = defaultConfig();
  setSetting(config, 'ffmpeg.binary', '');
  setSetting(config, 'storage.cors.origins', ['a', 'b']);
  setSetting(config, 'storage.s3', [
    s3('', ''),
    { ...s3('b', '/'), auth: { ...s3('', '').auth, enable: true } },
  ]);
  const problems = await validateConfig(config, { cwd, env: {} }, true);
  expect(problems.map(({ name, text }) => `${name}: ${text}`)).toEqual([
    'storage.s3: the name for s3 storage 0 is missing',
    "storage.cors.origins: bad origin: origins must contain '*' or include http://, or https://",
    'ffmpeg.binary:  not found or is not executable',
    'ffmpeg.binary: a value is required',
  ]);
});

test('a password alone, or a user name alone, guards an S3 storage', async () => {
  const auth = { enable: true, username: 'user', password: '' };
  expect(
    await messages({ 'storage.s3': [{ ...s3('a', '/a'), auth, endpoint: 'e', bucket: 'b' }] }, true),
  ).toEqual({});
});
