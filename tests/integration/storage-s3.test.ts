import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { PassThrough, Readable } from 'node:stream';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { Log } from '../../packages/server/src/log/logger.ts';
import type { OpenFile } from '../../packages/server/src/storage/filesystem.ts';
import { S3Bucket } from '../../packages/server/src/storage/s3-bucket.ts';
import { S3Connection } from '../../packages/server/src/storage/s3-connection.ts';
import { S3Filesystem } from '../../packages/server/src/storage/s3.ts';
import { freePort } from '../support/ports.ts';
import { ACCESS_KEY, findS3Server, S3Server, SECRET_KEY } from '../support/s3-server.ts';

const program = await findS3Server();
const SOON = { timeout: 20_000, interval: 20 };
const MEBIBYTE = 1024 * 1024;

if (typeof program === 'string') {
  test.skip(`S3 storage: ${program}`, () => undefined);
} else {
  describe('S3 storage', () => {
    let server: S3Server;
    let bucket: string;
    let fs: S3Filesystem;
    const lines: string[] = [];
    const log = new Log({ write: (text) => lines.push(text) }, { level: 'debug', topics: [], maxLines: 0 });

    const connect = (endpoint: string, secret = SECRET_KEY) =>
      new S3Filesystem(
        'store',
        {
          endpoint,
          isSecure: false,
          region: '',
          bucket,
          accessKeyId: ACCESS_KEY,
          secretAccessKey: secret,
        },
        log.component('FS'),
      );

    beforeAll(async () => {
      server = await S3Server.start(program);
    });
    afterAll(async () => {
      await server.close();
    });
    beforeEach(async () => {
      lines.length = 0;
      bucket = `b-${randomUUID()}`;
      fs = connect(server.endpoint);
      await fs.start();
    });
    afterEach(async () => {
      await fs.close();
      expect(lines.join('')).not.toContain('SECRET');
    });

    const put = (name: string, content: string | Buffer, size?: number) =>
      fs.write(name, Readable.from([Buffer.from(content)]), { size });
    const names = async () => (await fs.list({ maxAge: 0 })).map(({ name }) => name).sort();

    test('files are written, found, listed and removed', async () => {
      expect(await put('/a/b.txt', 'hello')).toBe('created');
      expect(await put('//a/./b.txt', 'hello again')).toBe('replaced');
      expect(await content(await fs.open('/a/../a/b.txt'))).toBe('hello again');
      expect(await fs.list()).toMatchObject([{ name: '/a/b.txt', size: 11 }]);
      expect(await fs.remove('/a/b.txt')).toBe(true);
      expect(await fs.remove('/a/b.txt')).toBe(false);
      expect(await fs.open('/a/b.txt')).toBeUndefined();
      expect(await fs.open('/a')).toBeUndefined();
      expect(await fs.list()).toEqual([]);
    });

    test.each(['/with space', '/100%25 + more.ts', '/ü/日本', '/a&b<c>.txt', "/it's (1)!*"])(
      'a file may be called %s',
      async (name) => {
        await put(name, name);
        expect(await content(await fs.open(name))).toBe(name);
        expect(await names()).toEqual([name]);
        expect(await fs.remove(name)).toBe(true);
        expect(await names()).toEqual([]);
      },
    );

    test('the root is no file', async () => {
      await expect(put('/', 'x')).rejects.toMatchObject({ code: 'invalid' });
      expect(await fs.open('/')).toBeUndefined();
      expect(await fs.remove('/')).toBe(false);
    });

    test('an empty file is a file', async () => {
      await put('/empty', '');
      const file = await fs.open('/empty');
      expect(file?.info.size).toBe(0);
      expect(await content(file)).toBe('');
    });

    test('the media type is stored with a file, however large', async () => {
      await fs.write('/a.ts', Readable.from([Buffer.from('x')]), { type: 'video/MP2T' });
      await fs.write('/b.ts', Readable.from([Buffer.alloc(9 * MEBIBYTE)]), { type: 'video/MP2T' });
      for (const Key of ['a.ts', 'b.ts']) {
        expect((await server.client.headObject({ Bucket: bucket, Key })).ContentType).toBe('video/MP2T');
      }
    });

    test.each([
      ['of known length', 17 * MEBIBYTE],
      ['of unknown length', undefined],
    ])('a file %s that comes in parts arrives whole, and is read in ranges', async (_title, size) => {
      const bytes = randomBytes(17 * MEBIBYTE);
      await fs.write('/big', chunked(bytes), { size });
      const file = await fs.open('/big');
      expect(file?.info.size).toBe(bytes.length);
      expect(hash(await read(file, 0, bytes.length))).toBe(hash(bytes));
      for (const [start, end] of [
        [0, 10],
        [65_000, 66_000],
        [65_536, 65_537],
        [bytes.length - 5, bytes.length],
      ] as const) {
        const part = await fs.open('/big');
        expect(await read(part, start, end)).toEqual(bytes.subarray(start, end));
      }
      expect((await server.contents(bucket)).uploads).toEqual([]);
    });

    test('an upload that breaks off leaves nothing, not even parts, and what was there stays', async () => {
      await put('/kept', 'old');
      const source = new PassThrough();
      const written = fs.write('/kept', source);
      source.write(Buffer.alloc(17 * MEBIBYTE));
      await vi.waitFor(async () => {
        expect((await server.contents(bucket)).uploads).toEqual(['kept']);
      }, SOON);
      source.destroy(new Error('aborted'));
      await expect(written).rejects.toThrow('aborted');
      expect(await server.contents(bucket)).toEqual({ keys: ['kept'], uploads: [] });
      expect(await content(await fs.open('/kept'))).toBe('old');
    });

    test('closing ends an upload that waits for its sender, without a trace', async () => {
      const source = new PassThrough();
      const written = fs.write('/never', source);
      source.write(Buffer.alloc(17 * MEBIBYTE));
      await vi.waitFor(async () => {
        expect((await server.contents(bucket)).uploads).toEqual(['never']);
      }, SOON);
      const ended = expect(written).rejects.toMatchObject({ code: 'unavailable' });
      await fs.close();
      await ended;
      expect(source.destroyed).toBe(false);
      expect(await server.contents(bucket)).toEqual({ keys: [], uploads: [] });
    });

    test('versions differ between contents and are the same between openings', async () => {
      await put('/v', 'one');
      const first = (await fs.open('/v'))?.version;
      expect((await fs.open('/v'))?.version).toBe(first);
      await put('/v', 'two');
      const second = (await fs.open('/v'))?.version;
      expect(second).not.toBe(first);
      expect(second).toMatch(/^[A-Za-z0-9-]+$/);
    });

    test('an open small file is not changed by its replacement', async () => {
      await put('/live.m3u8', 'old');
      const file = await fs.open('/live.m3u8');
      await put('/live.m3u8', 'newer');
      expect(await content(file)).toBe('old');
      expect(await content(await fs.open('/live.m3u8'))).toBe('newer');
    });

    test('reading a large file that was replaced fails instead of mixing two', async () => {
      await put('/big', Buffer.alloc(MEBIBYTE, 'a'));
      const file = await fs.open('/big');
      await put('/big', Buffer.alloc(MEBIBYTE, 'b'));
      await expect(read(file, 0, MEBIBYTE)).rejects.toThrow('PreconditionFailed');
    });

    test('what others change is seen', async () => {
      await put('/mine', 'x');
      await server.client.putObject({ Bucket: bucket, Key: 'theirs', Body: 'y' });
      expect(await names()).toEqual(['/mine', '/theirs']);
      expect(await content(await fs.open('/theirs'))).toBe('y');
      await server.client.putObject({ Bucket: bucket, Key: 'theirs', Body: 'other' });
      await vi.waitFor(async () => {
        expect(await content(await fs.open('/theirs'))).toBe('other');
      }, SOON);
    });

    test('lists can be cut to a folder or a pattern', async () => {
      for (const name of ['/many/1', '/many/10.ts', '/other.txt']) await put(name, 'x');
      expect(await fs.list({ prefix: '/many/1' })).toHaveLength(2);
      expect(await fs.list({ glob: '/*.txt' })).toMatchObject([{ name: '/other.txt' }]);
      expect(await fs.list({ glob: 'other.txt' })).toEqual([]);
    });

    test('lists go over pages', async () => {
      const all = ['/a', '/b', '/c d', '/e', '/f'];
      for (const name of all) await put(name, 'x');
      const connection = new S3Connection('store', fs.location, log.component('FS'));
      connection.open();
      const pages: string[][] = [];
      for await (const page of new S3Bucket(connection).pages('', 2))
        pages.push(page.map(({ key }) => `/${key}`));
      await connection.close();
      expect(pages).toEqual([['/a', '/b'], ['/c d', '/e'], ['/f']]);
    });

    test('usage counts what others wrote, and our own changes at once', async () => {
      await put('/a', '12345');
      await server.client.putObject({ Bucket: bucket, Key: 'theirs', Body: '123' });
      expect(await fs.usage()).toEqual({ bytes: 8, files: 2, limit: 0 });
      await put('/a', '1');
      await put('/b', '12');
      await fs.remove('/theirs');
      expect(await fs.usage()).toEqual({ bytes: 3, files: 2, limit: 0 });
    });

    test('a bucket that cannot be reached is tried again until it can', async () => {
      const port = await freePort();
      const late = connect(`127.0.0.1:${port}`);
      try {
        await late.start();
        await expect(late.open('/a')).rejects.toMatchObject({
          code: 'unavailable',
          message: `s3 filesystem (store): can't access bucket ${bucket}: ECONNREFUSED`,
        });
        expect(lines.join('')).toContain('Bucket not accessible');
        await using second = await S3Server.start(program, port);
        await vi.waitFor(async () => {
          expect(await late.write('/a', Readable.from([Buffer.from('x')]))).toBe('created');
        }, SOON);
        expect((await second.contents(bucket)).keys).toEqual(['a']);
        expect(lines.join('')).toContain('Bucket accessible');
      } finally {
        await late.close();
      }
    });

    test('another bucket takes over in place', async () => {
      await put('/old', 'x');
      await fs.configure({ ...fs.location, bucket: `${bucket}-2` });
      expect(await names()).toEqual([]);
      await put('/new', 'x');
      expect((await server.contents(bucket)).keys).toEqual(['old']);
      expect((await server.contents(`${bucket}-2`)).keys).toEqual(['new']);
    });
  });
}

async function read(file: OpenFile | undefined, start: number, end: number): Promise<Buffer> {
  if (file === undefined) throw new Error('no such file');
  const bytes = file.read(start, end);
  return Buffer.isBuffer(bytes) ? bytes : Buffer.concat((await bytes.toArray()) as Buffer[]);
}

async function content(file: OpenFile | undefined): Promise<string> {
  return (await read(file, 0, file?.info.size ?? 0)).toString();
}

function* slices(bytes: Buffer): Generator<Buffer> {
  for (let i = 0; i < bytes.length; i += 65_536) yield bytes.subarray(i, i + 65_536);
}

function chunked(bytes: Buffer): Readable {
  return Readable.from(slices(bytes), { objectMode: false });
}

function hash(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
