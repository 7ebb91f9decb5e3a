import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { MEMORY_USER, FileServer } from '../support/files.ts';

const run = promisify(execFile);
let server: FileServer;

beforeEach(async () => {
  server = await FileServer.start();
});

afterEach(async () => {
  await server.close();
});

function address(name: string, { username, password } = MEMORY_USER): string {
  return `http://${username}:${password}@127.0.0.1:${server.port}/memfs/${name}`;
}

const SOURCE = ['-hide_banner', '-nostdin', '-loglevel', 'error', '-f', 'lavfi', '-i'];
const VIDEO = [
  'testsrc2=size=320x180:rate=25',
  '-t',
  '6',
  '-c:v',
  'libx264',
  '-preset',
  'ultrafast',
  '-g',
  '25',
];

test('FFmpeg writes HLS: all segments arrive whole and the playlist names them', async () => {
  const hls = [
    '-f',
    'hls',
    '-hls_time',
    '1',
    '-hls_list_size',
    '0',
    '-method',
    'PUT',
    '-http_persistent',
    '0',
  ];
  const { stderr } = await run('ffmpeg', [...SOURCE, ...VIDEO, ...hls, address('live.m3u8')]);
  // It tells of the first, unauthenticated try of each write, and of nothing else.
  expect(stderr.replaceAll(/.*HTTP error 401 Unauthorized\n/g, '')).toBe('');

  const playlist = (await server.get('/memfs/live.m3u8')).text;
  const segments = playlist.split('\n').filter((line) => line.endsWith('.ts'));
  expect(segments).toHaveLength(6);
  expect(playlist).toContain('#EXT-X-ENDLIST');
  for (const segment of segments) {
    const { status, headers, body } = await server.get(`/memfs/${segment}`);
    expect([status, headers['content-type']]).toEqual([200, 'video/MP2T']);
    expect([body.length % 188, body[0]]).toEqual([0, 0x47]);
  }
  const { stdout } = await run('ffprobe', [
    ...['-v', 'error', '-count_packets', '-select_streams', 'v', '-show_entries', 'stream=nb_read_packets'],
    ...['-of', 'csv=p=0', `http://127.0.0.1:${server.port}/memfs/live.m3u8`],
  ]);
  expect(Number.parseInt(stdout, 10)).toBe(150);
});

test('FFmpeg removes the segments that left its playlist', async () => {
  const hls = ['-f', 'hls', '-hls_time', '1', '-hls_list_size', '2', '-hls_flags', 'delete_segments'];
  const options = [...hls, '-hls_delete_threshold', '1', '-method', 'PUT'];
  await run('ffmpeg', [...SOURCE, ...VIDEO, ...options, address('live.m3u8')]);
  const names = (await server.memory.list()).map(({ name }) => name).sort();
  expect(names).toEqual(['/live.m3u8', '/live3.ts', '/live4.ts', '/live5.ts']);
});

test('FFmpeg replaces a snapshot by POST', async () => {
  const image = ['-frames:v', '5', '-f', 'image2', '-update', '1'];
  await run('ffmpeg', [...SOURCE, 'testsrc2=size=320x180:rate=25', ...image, address('snapshot.jpg')]);
  const { headers, body } = await server.get('/memfs/snapshot.jpg');
  expect(headers['content-type']).toBe('image/jpeg');
  expect([body.readUInt16BE(0), body.readUInt16BE(body.length - 2)]).toEqual([0xffd8, 0xffd9]);
  expect(await server.memory.usage()).toMatchObject({ files: 1, bytes: body.length });
});

test('FFmpeg with a wrong password leaves nothing', async () => {
  const wrong = address('live.m3u8', { username: 'mem', password: 'wrong' });
  const done = run('ffmpeg', [...SOURCE, ...VIDEO, '-f', 'hls', '-method', 'PUT', wrong]).catch(
    () => undefined,
  );
  await done;
  expect(await server.memory.list()).toEqual([]);
});
