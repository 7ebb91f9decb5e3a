import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Log } from '../../packages/server/src/log/logger.ts';
import { Sessions, type SessionsOptions } from '../../packages/server/src/sessions/registry.ts';
import { FileServer, MEMORY_USER } from '../support/files.ts';
import { FFMPEG, SOON } from './process-server.ts';

const run = promisify(execFile);

const OPTIONS: SessionsOptions = {
  isEnabled: true,
  ignored: ['127.0.0.0/8'],
  timeoutMs: 60_000,
  isPersistent: false,
  persistIntervalMs: 0,
  maxSessions: 0,
  maxBitrate: 0,
};
const NO_STORE = { load: () => [], save: () => undefined };

let server: FileServer;
let sessions: Sessions;

beforeEach(async () => {
  const log = new Log(process.stderr, { level: 'silent', topics: [], maxLines: 0 }).component('Session');
  sessions = new Sessions(OPTIONS, NO_STORE, log);
  await sessions.start();
  server = await FileServer.start({ sessions });
});

afterEach(async () => {
  await server.close();
  await sessions.close();
});

const SOURCES = [
  ...['-hide_banner', '-nostdin', '-loglevel', 'error', '-f', 'lavfi', '-i', 'testsrc2=size=160x90:rate=10'],
  ...['-f', 'lavfi', '-i', 'sine', '-t', '3', '-map', '0:v', '-map', '1:a'],
  ...['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '10', '-c:a', 'aac'],
];
const HLS = ['-f', 'hls', '-hls_time', '1', '-hls_list_size', '0'];
const RENDITIONS = [
  ...['-hls_segment_type', 'fmp4', '-master_pl_name', 'master.m3u8'],
  ...['-var_stream_map', 'v:0,agroup:sound,name:video a:0,agroup:sound,name:audio'],
];

/** Lets sessions go by other options from now on. */
const change = (options: Partial<SessionsOptions>) => {
  sessions.prepare({ ...OPTIONS, ...options }, NO_STORE).commit();
};
const active = () => sessions.collector('hls')?.active() ?? [];
const uploads = () => sessions.collector('hlsingress')?.active() ?? [];

async function write(target: string, options: readonly string[] = []): Promise<void> {
  const method = target.startsWith('http') ? ['-method', 'PUT'] : [];
  await run(FFMPEG, [...SOURCES, ...HLS, ...options, ...method, target]);
  // FFmpeg ends without waiting for the answers to its last uploads.
  if (target.startsWith('http')) await expect.poll(openPlaylists).toEqual([]);
}

/** Names of the media playlists in memory that do not end. */
async function openPlaylists(): Promise<string[]> {
  const open: string[] = [];
  for (const { name } of await server.memory.list({ glob: '/*.m3u8' })) {
    const file = server.memory.open(name);
    const content = file?.read(0, file.info.size);
    const text = Buffer.isBuffer(content) ? content.toString() : '';
    if (text.includes('#EXTINF') && !text.includes('#EXT-X-ENDLIST')) open.push(name);
  }
  return open;
}

/** Where FFmpeg writes into memory. */
function memory(name: string): string {
  const { username, password } = MEMORY_USER;
  return `http://${username}:${password}@127.0.0.1:${server.port}/memfs/${name}`;
}

/** A folder `/hls` on disk. */
async function makeDiskFolder(): Promise<string> {
  const folder = path.join(server.folder, 'disk/hls');
  await mkdir(folder);
  return folder;
}

const VIEWER = { 'x-forwarded-for': '192.0.2.7', 'user-agent': 'Player/1.0' };

interface Watched {
  bytes: number;
  playlists: string[];
  segments: string[];
}

/** Loads a playlist and all that it leads to, as a player does: the first variant and its audio. */
async function watch(
  url: string,
  seen: Watched = { bytes: 0, playlists: [], segments: [] },
): Promise<Watched> {
  const { status, text, body } = await server.get(url, VIEWER);
  expect([url, status]).toEqual([url, 200]);
  seen.bytes += body.length;
  seen.playlists.push(url);
  const base = new URL(url, 'http://host');
  const follow = (uri: string) => {
    const { pathname, search } = new URL(uri, base);
    return pathname + search;
  };
  const attributes = [...text.matchAll(/URI="([^"]*)"/g)].map(([, uri = '']) => uri);
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  if (text.includes('#EXT-X-STREAM-INF')) {
    for (const uri of [lines[0] ?? '', ...attributes]) await watch(follow(uri), seen);
    return seen;
  }
  for (const uri of [...attributes, ...lines]) {
    const segment = await server.get(follow(uri), VIEWER);
    expect([uri, segment.status]).toEqual([uri, 200]);
    seen.bytes += segment.body.length;
    seen.segments.push(uri);
  }
  return seen;
}

/** The ids in addresses. */
const idsOf = (urls: readonly string[]) =>
  new Set(urls.map((url) => new URL(url, 'http://host').searchParams.get('session')));

describe.skipIf(FFMPEG === '')('HLS that FFmpeg writes', () => {
  test('in memory as MPEG-TS is one session for its viewer, with all bytes, until it has left', async () => {
    await write(memory('live.m3u8'));
    const seen = await watch('/memfs/live.m3u8');
    expect(seen.segments).toHaveLength(3);
    const [session, ...others] = active();
    expect(others).toEqual([]);
    expect(session).toMatchObject({
      reference: 'live',
      location: '/memfs/live.m3u8',
      extra: '[192.0.2.0] Player/1.0',
    });
    expect(session?.txBytes).toBeGreaterThan(seen.segments.length * 1000);
    expect(idsOf(seen.segments)).toEqual(new Set([session?.id]));
    change({ timeoutMs: 1000 });
    await vi.waitFor(() => {
      expect(active()).toEqual([]);
    }, SOON);
    expect(sessions.collector('hls')?.totals).toMatchObject({ sessions: 1, txBytes: session?.txBytes });
  });

  test('in memory as fMP4 with the sound apart is one session as well', async () => {
    await write(memory('%v.m3u8'), RENDITIONS);
    const seen = await watch('/memfs/master.m3u8');
    // Each has an initialization segment.
    expect(seen.segments.length).toBeGreaterThanOrEqual(2 + 6);
    expect(seen.playlists).toHaveLength(3);
    expect(active()).toHaveLength(1);
    expect(active()[0]?.txBytes).toBeGreaterThan(0.9 * seen.bytes);
    expect(idsOf(seen.segments)).toEqual(new Set([active()[0]?.id]));
  });

  test('on disk, with absolute paths in a folder, plays and counts', async () => {
    const folder = await makeDiskFolder();
    const names = ['-hls_segment_filename', path.join(folder, 'live_%d.ts')];
    await write(path.join(folder, 'live.m3u8'), names);
    const seen = await watch('/hls/live.m3u8');
    expect(seen.segments).toHaveLength(3);
    expect(active()).toMatchObject([{ reference: 'live', location: '/hls/live.m3u8' }]);
  });

  test('on disk as fMP4 with the sound apart plays and counts', async () => {
    const folder = await makeDiskFolder();
    const names = ['-hls_segment_filename', path.join(folder, '%v_%d.m4s')];
    await write(path.join(folder, '%v.m3u8'), [...RENDITIONS, ...names]);
    await watch('/hls/master.m3u8');
    expect(active()).toHaveLength(1);
  });

  test.each([
    ['MPEG-TS', 'live', '.ts', []],
    ['fMP4', 'live', '.m4s', ['-hls_segment_type', 'fmp4']],
  ])('counts as received: %s', async (_name, reference, extension, options) => {
    await write(memory(`${reference}.m3u8`), options);
    const files = await server.memory.list();
    const segments = files.filter(({ name }) => /\.(ts|m4s|mp4)$/.test(name));
    expect(segments.some(({ name }) => name.endsWith(extension))).toBe(true);
    const size = segments.reduce((sum, file) => sum + file.size, 0);
    await expect.poll(() => uploads()[0]?.rxBytes).toBeGreaterThan(size);
    const [session, ...others] = uploads();
    expect(others).toEqual([]);
    expect(session).toMatchObject({
      id: '/memfs/live.m3u8',
      reference,
      location: '/memfs/live.m3u8',
      peer: 'unknown',
    });
    expect(session?.extra).toMatch(/^Lavf\//);
    expect(session?.rxBytes).toBeLessThan(size + 20_000);
  });

  test('is refused to the next viewer at the limit, and not any more when one has left', async () => {
    await write(memory('live.m3u8'));
    change({ maxSessions: 1 });
    await watch('/memfs/live.m3u8');
    const refused = await server.get('/memfs/live.m3u8', VIEWER);
    expect([refused.status, refused.text]).toEqual([
      509,
      '{"code":509,"message":"Bandwith limit exceeded","details":["Number of sessions exceeded"]}\n',
    ]);
    change({ maxSessions: 1, timeoutMs: 1000 });
    await vi.waitFor(async () => {
      expect((await server.get('/memfs/live.m3u8', VIEWER)).status).toBe(200);
    }, SOON);
  });

  test('is refused if what is sent is more than may go out', async () => {
    await write(memory('live.m3u8'));
    // What was received becomes a rate with what is received a second later.
    await vi.waitFor(async () => {
      await server.put('/live.m3u8', '#EXTM3U\n');
      expect(sessions.collector('hlsingress')?.topIngress('/memfs/live.m3u8')).toBeGreaterThan(1000);
    }, SOON);
    change({ maxBitrate: 2000 });
    const { status, text } = await server.get('/memfs/live.m3u8', VIEWER);
    expect([status, text]).toEqual([509, expect.stringContaining('"Bitrate limit exceeded"')]);
  });
});
