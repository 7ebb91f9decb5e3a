import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { ACCESS_KEY, findS3Server, S3Server, SECRET_KEY } from '../support/s3-server.ts';
import { startServer, type TestServer } from '../support/server.ts';

const run = promisify(execFile);
const program = await findS3Server();
const SOON = { timeout: 20_000, interval: 50 };

if (typeof program === 'string') {
  test.skip(`S3 mounts: ${program}`, () => undefined);
} else {
  describe('S3 mounts', () => {
    const bucket = `b-${randomUUID()}`;
    const basic = { authorization: `Basic ${btoa('user:pass-SECRET')}` };
    let s3: S3Server;
    let server: TestServer;

    const storage = (name: string, mountpoint: string, endpoint = s3.endpoint) => ({
      name,
      mountpoint,
      auth: { enable: true, username: 'user', password: 'pass-SECRET' },
      endpoint,
      access_key_id: ACCESS_KEY,
      secret_access_key: SECRET_KEY,
      bucket,
      region: '',
      use_ssl: false,
    });
    const configure = async (...storages: object[]) =>
      server.api('PUT', '/v3/config', { version: 3, storage: { s3: storages } });
    const reload = async () => {
      await server.api('GET', '/v3/config/reload');
      await server.app.reload();
    };
    const get = (path: string, headers: Record<string, string> = {}) =>
      fetch(server.base + path, { headers });
    const put = (path: string, body: string, headers: Record<string, string> = basic) =>
      fetch(server.base + path, { method: 'PUT', headers, body });

    beforeAll(async () => {
      s3 = await S3Server.start(program);
      server = await startServer();
      expect((await configure(storage('main', 's3/'))).status).toBe(200);
      await reload();
    });
    afterAll(async () => {
      expect(server.log()).not.toContain('SECRET');
      await server.close();
      await s3.close();
    });

    test('a mount takes files from those who may write, and gives them to anybody', async () => {
      expect((await put('/s3/a/x.txt', 'hello', {})).status).toBe(401);
      expect((await put('/s3/a/x.txt', 'hello')).status).toBe(201);
      expect((await put('/s3/a/x.txt', 'hello!')).status).toBe(204);
      const answer = await get('/s3/a/x.txt', { origin: 'http://example.com' });
      expect(await answer.text()).toBe('hello!');
      expect(answer.headers.get('content-type')).toBe('text/plain');
      expect(answer.headers.get('access-control-allow-origin')).toBe('*');
      const etag = answer.headers.get('etag') ?? '';
      expect((await get('/s3/a/x.txt', { 'if-none-match': etag })).status).toBe(304);
      const range = await get('/s3/a/x.txt', { range: 'bytes=1-2' });
      expect([range.status, await range.text()]).toEqual([206, 'el']);
      const removed = await fetch(`${server.base}/s3/a/x.txt`, { method: 'DELETE', headers: basic });
      expect(await removed.text()).toBe('Deleted: /a/x.txt');
      expect((await get('/s3/a/x.txt')).status).toBe(404);
    });

    test('the API lists the storage and its files', async () => {
      expect((await server.api('GET', '/v3/fs')).body).toEqual([
        { name: 'disk', type: 'disk', mount: '/' },
        { name: 'mem', type: 'mem', mount: '/memfs' },
        { name: 'main', type: 's3', mount: '/s3' },
      ]);
      await put('/s3/listed.txt', 'x');
      const { body } = await server.api('GET', '/v3/fs/main?glob=/listed*');
      expect(body).toMatchObject([{ name: '/listed.txt', size_bytes: 1 }]);
      expect((await server.api('DELETE', '/v3/fs/main/listed.txt')).status).toBe(200);
      expect((await server.api('GET', '/v3/fs/main?glob=/listed*')).body).toEqual([]);
    });

    test('a process writes HLS into it, its rules keep the newest segments, and a player plays them', async () => {
      await server.api('POST', '/v3/process', {
        id: 'live',
        reference: 'live',
        input: [{ id: 'in', address: 'testsrc2=size=160x90:rate=25', options: ['-re', '-f', 'lavfi'] }],
        output: [
          {
            id: 'out',
            address: '{fs:main}/live/out.m3u8',
            options: [
              ...[
                '-t',
                '5',
                '-c:v',
                'libx264',
                '-preset',
                'ultrafast',
                '-g',
                '12',
                '-f',
                'hls',
                '-hls_time',
                '0.5',
              ],
              ...['-hls_list_size', '0', '-method', 'PUT'],
            ],
            cleanup: [
              { pattern: 'main:/live/*.ts', max_files: 4, max_file_age_seconds: 0, purge_on_delete: true },
            ],
          },
        ],
        autostart: true,
        reconnect: false,
      });
      await vi.waitFor(async () => {
        expect((await get('/s3/live/out.m3u8')).status).toBe(200);
      }, SOON);
      const { stdout } = await run('ffprobe', [
        ...[
          '-v',
          'error',
          '-live_start_index',
          '-1',
          '-show_entries',
          'stream=codec_name,width',
          '-of',
          'csv=p=0',
        ],
        `${server.base}/s3/live/out.m3u8`,
      ]);
      expect(stdout.trim().split('\n')[0]).toBe('h264,160');
      await vi.waitFor(async () => {
        const text = await (await get('/s3/live/out.m3u8')).text();
        expect(text).toContain('#EXT-X-ENDLIST');
        const { keys } = await s3.contents(bucket);
        expect(keys.filter((key) => key.endsWith('.ts'))).toHaveLength(4);
      }, SOON);
      expect((await s3.client.headObject({ Bucket: bucket, Key: 'live/out.m3u8' })).ContentType).toBe(
        'application/vnd.apple.mpegurl',
      );
      await server.api('DELETE', '/v3/process/live');
      expect((await s3.contents(bucket)).keys).toEqual(['live/out.m3u8']);
    });

    test('storages come and go while the others stay, and one that is down says so', async () => {
      await put('/s3/stays.txt', 'x');
      const upload = new TransformStream<Uint8Array, Uint8Array>();
      const writer = upload.writable.getWriter();
      const uploaded = fetch(`${server.base}/s3/slow.txt`, {
        method: 'PUT',
        headers: basic,
        body: upload.readable,
        duplex: 'half',
      } as RequestInit);
      await writer.write(Buffer.from('first '));
      await configure(storage('main', '/s3'), storage('down', '/down', '127.0.0.1:1'));
      await reload();
      expect((await get('/s3/stays.txt')).status).toBe(200);
      const answer = await get('/down/x');
      expect([answer.status, await answer.json()]).toEqual([
        503,
        {
          code: 503,
          message: 'Service Unavailable',
          details: [`s3 filesystem (down): can't access bucket ${bucket}: ECONNREFUSED`],
        },
      ]);
      expect((await put('/down/x', 'x')).status).toBe(400);
      expect((await server.api('GET', '/v3/fs/down')).status).toBe(503);
      expect((await server.api('GET', '/v3/fs')).body).toHaveLength(4);
      await configure(storage('main', '/s3'));
      await reload();
      expect((await get('/down/x')).status).toBe(404);
      await writer.write(Buffer.from('second'));
      await writer.close();
      expect((await uploaded).status).toBe(201);
      expect(await (await get('/s3/slow.txt')).text()).toBe('first second');
    });

    test.each([
      ['/memfs/', "the mount point '/memfs' is already in use (mem)"],
      ['/', "the mount point '/' is already in use (disk)"],
      ['api', "the mount point '/api' is already in use (api)"],
      ['/api/v3', "the mount point '/api/v3' is already in use (api)"],
      ['/a/../b', 'the mountpoint for s3 storage 0 must be a plain path'],
      ['/:id', 'the mountpoint for s3 storage 0 must be a plain path'],
    ])('nothing can be mounted on %s', async (mountpoint, reason) => {
      const answer = await configure(storage('main', mountpoint));
      expect(answer.status).toBe(409);
      expect(answer.body).toMatchObject({ 'storage.s3': [reason] });
    });
  });
}
