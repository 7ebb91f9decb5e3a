import { PassThrough, Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { OpenFile } from './filesystem.ts';
import { MemoryFilesystem } from './memory.ts';

let files: MemoryFilesystem;

beforeEach(() => {
  files = new MemoryFilesystem({ maxBytes: 0, purge: false });
});

afterEach(async () => {
  await files.close();
});

function source(...chunks: (string | Buffer)[]): Readable {
  return Readable.from(chunks.map((chunk) => Buffer.from(chunk)));
}

async function bytesOf(file: OpenFile | undefined, start = 0, end = file?.info.size ?? 0): Promise<string> {
  const content = file?.read(start, end) ?? Buffer.from('(no such file)');
  return Buffer.isBuffer(content) ? content.toString() : Buffer.concat(await content.toArray()).toString();
}

function read(path: string): Promise<string> {
  return bytesOf(files.open(path));
}

async function names(): Promise<string[]> {
  return (await files.list()).map(({ name }) => name);
}

const limited = (maxBytes: number, purge = false) => {
  files = new MemoryFilesystem({ maxBytes, purge });
};

describe('files in memory', () => {
  test('a written file is read back, whole and in part', async () => {
    expect(await files.write('/a.txt', source('hello', ' world'))).toBe('created');
    expect(await read('/a.txt')).toBe('hello world');
    expect(await bytesOf(files.open('/a.txt'), 3, 8)).toBe('lo wo');
  });

  test('an empty file is a file', async () => {
    await files.write('/empty', source());
    expect(files.open('/empty')?.info.size).toBe(0);
    expect(await read('/empty')).toBe('');
  });

  test('a path is tidied up before it is used', async () => {
    await files.write('//sub/./x/../a.txt/', source('x'));
    expect(await names()).toEqual(['/sub/a.txt']);
    expect(await read('/../sub/a.txt')).toBe('x');
    expect(await files.remove('//sub//a.txt')).toBe(true);
  });

  test('a file and files below its name live side by side', async () => {
    await files.write('/foo', source('1'));
    await files.write('/foo/bar', source('2'));
    expect([await read('/foo'), await read('/foo/bar')]).toEqual(['1', '2']);
  });

  test.each(['/', '//', '/a/..'])('no file is made at %j', async (path) => {
    await expect(files.write(path, source('x'))).rejects.toMatchObject({ code: 'invalid' });
    expect(await names()).toEqual([]);
  });

  test('removing tells whether there was a file', async () => {
    await files.write('/a', source('x'));
    expect([await files.remove('/a'), await files.remove('/a'), await files.remove('/a\0')]).toEqual([
      true,
      false,
      false,
    ]);
  });

  test('a reader that came before a replacement gets the old file whole', async () => {
    await files.write('/a', source('old', '-content'));
    const reader = files.open('/a');
    expect(await files.write('/a', source('new'))).toBe('replaced');
    expect(await bytesOf(reader)).toBe('old-content');
    expect(await read('/a')).toBe('new');
  });

  test('a reader that came before a removal gets the file whole', async () => {
    await files.write('/a', source('content'));
    const reader = files.open('/a');
    await files.remove('/a');
    expect(await bytesOf(reader)).toBe('content');
  });

  test('each version has a mark of its own', async () => {
    const marks = new Set<string | undefined>();
    for (const server of [files, new MemoryFilesystem({ maxBytes: 0, purge: false })]) {
      for (let i = 0; i < 2; i++) {
        await server.write('/a', source('same'));
        marks.add(server.open('/a')?.version);
      }
    }
    expect(marks.size).toBe(4);
  });

  test('an upload is not visible before its end', async () => {
    const upload = new PassThrough();
    const done = files.write('/a', upload);
    upload.write('part');
    await new Promise(setImmediate);
    expect(files.open('/a')).toBeUndefined();
    upload.end('ial');
    expect(await done).toBe('created');
    expect(await read('/a')).toBe('partial');
  });

  test('an upload that breaks off leaves what was there', async () => {
    await files.write('/a', source('old'));
    const upload = new PassThrough();
    const done = files.write('/a', upload);
    upload.write('new');
    upload.destroy(new Error('gone'));
    await expect(done).rejects.toThrow('gone');
    expect(await read('/a')).toBe('old');
  });

  test('of parallel uploads of one name the last to end stays', async () => {
    const [first, second] = [new PassThrough(), new PassThrough()];
    const writes = [files.write('/a', first), files.write('/a', second)];
    second.end('second');
    await writes[1];
    first.end('first');
    expect(await Promise.all(writes)).toEqual(['replaced', 'created']);
    expect(await read('/a')).toBe('first');
    expect((await files.usage()).bytes).toBe(5);
  });

  test('files are listed oldest first, by pattern and prefix', async () => {
    for (const name of ['/b.ts', '/a.ts', '/sub/a.ts', '/c.txt']) await files.write(name, source('x'));
    await files.write('/b.ts', source('again'));
    expect(await names()).toEqual(['/a.ts', '/sub/a.ts', '/c.txt', '/b.ts']);
    const listed = async (options: { glob?: string; prefix?: string }) =>
      (await files.list(options)).map(({ name }) => name);
    expect(await listed({ glob: '/*.ts' })).toEqual(['/a.ts', '/b.ts']);
    expect(await listed({ prefix: '/s' })).toEqual(['/sub/a.ts']);
  });
});

describe('the limit of memory', () => {
  const KIB = Buffer.alloc(1024);

  test('a file of just the limit fits, a larger one does not', async () => {
    limited(3 * 1024);
    await files.write('/a', source(KIB, KIB, KIB));
    await expect(files.write('/b', source(KIB, KIB, KIB, 'x'))).rejects.toThrow('not enough space on device');
    await files.remove('/a');
    await expect(files.write('/b', source(KIB, KIB, KIB, 'x'))).rejects.toThrow('File is too big');
    expect(await files.usage()).toEqual({ bytes: 0, limit: 3 * 1024, files: 0 });
  });

  test.each([
    ['larger than the limit', 4096, 'File is too big'],
    ['larger than what is free', 2048, 'not enough space on device'],
  ])('an announced size %s is refused before anything is read', async (_what, size, message) => {
    limited(3 * 1024);
    await files.write('/a', source(KIB, KIB));
    const upload = new PassThrough();
    await expect(files.write('/b', upload, { size })).rejects.toThrow(message);
    expect(upload.destroyed).toBe(false);
  });

  test('an upload without a size is refused at the first byte too many, with the source left to its owner', async () => {
    limited(2048);
    const upload = new PassThrough();
    const done = files.write('/a', upload);
    upload.write(KIB);
    upload.write(KIB);
    upload.write('x');
    await expect(done).rejects.toThrow('File is too big');
    expect(upload.destroyed).toBe(false);
  });

  test('parallel uploads share the limit while they arrive', async () => {
    limited(2048);
    const [first, second] = [new PassThrough(), new PassThrough()];
    const kept = files.write('/a', first);
    first.write(Buffer.alloc(1500));
    const refused = files.write('/b', second);
    second.write(KIB);
    await expect(refused).rejects.toThrow('not enough space on device');
    first.end();
    await kept;
    expect((await files.usage()).bytes).toBe(1500);
  });

  test('what an upload that broke off had taken is free again', async () => {
    limited(1024);
    const upload = new PassThrough();
    const broken = files.write('/a', upload);
    upload.write(KIB);
    await new Promise(setImmediate);
    upload.destroy(new Error('gone'));
    await expect(broken).rejects.toThrow('gone');
    expect(await files.write('/b', source(KIB))).toBe('created');
  });

  test('the replaced file does not count', async () => {
    limited(1500);
    await files.write('/a', source(KIB));
    expect(await files.write('/a', source(KIB, 'more'), { size: 1028 })).toBe('replaced');
    expect((await files.usage()).bytes).toBe(1028);
  });

  test('purging removes the oldest files, and no more than needed', async () => {
    limited(4096, true);
    for (const name of ['/1', '/2', '/3', '/4']) await files.write(name, source(KIB));
    await files.write('/5', source('x'.repeat(1500)));
    expect(await names()).toEqual(['/3', '/4', '/5']);
  });

  test('what can never fit purges nothing', async () => {
    limited(2048, true);
    await files.write('/1', source(KIB));
    await expect(files.write('/2', source(KIB), { size: 2049 })).rejects.toThrow('File is too big');
    expect(await names()).toEqual(['/1']);
  });

  test('an upload without a size that turns out too large, or breaks off, purges nothing', async () => {
    limited(2048, true);
    await files.write('/1', source(KIB));
    await expect(files.write('/2', source(KIB, KIB, 'x'))).rejects.toThrow('File is too big');
    const upload = new PassThrough();
    const broken = files.write('/3', upload);
    upload.write(Buffer.alloc(2000));
    await new Promise(setImmediate);
    upload.destroy(new Error('gone'));
    await expect(broken).rejects.toThrow('gone');
    expect(await names()).toEqual(['/1']);
  });

  test('while others arrive, uploads may take as much again as the limit, and no more', async () => {
    limited(2048, true);
    await files.write('/0', source(KIB));
    const [first, second] = [new PassThrough(), new PassThrough()];
    const writes = [files.write('/1', first), files.write('/2', second)];
    first.write(Buffer.alloc(2000));
    second.write(Buffer.alloc(2000));
    await new Promise(setImmediate);
    await expect(files.write('/3', source(KIB))).rejects.toThrow('not enough space on device');
    first.end();
    second.end();
    expect(await Promise.all(writes)).toEqual(['created', 'created']);
    expect(await names()).toEqual(['/2']);
  });

  test.each([false, true])(
    'replacements that never come make no room for others (purging: %s)',
    async (purge) => {
      limited(2048, purge);
      await files.write('/a', source(KIB));
      await files.write('/b', source(KIB));
      const replacement = new PassThrough();
      const broken = files.write('/a', replacement);
      const outcome = await files.write('/c', source(KIB)).catch((error: unknown) => String(error));
      expect(outcome).toContain(purge ? 'created' : 'not enough space on device');
      replacement.destroy(new Error('gone'));
      await expect(broken).rejects.toThrow('gone');
      expect(await names()).toEqual(purge ? ['/a', '/c'] : ['/a', '/b']);
    },
  );

  test('the file that is being replaced is not purged', async () => {
    limited(2048, true);
    await files.write('/a', source(KIB));
    await files.write('/b', source(KIB));
    await files.write('/a', source(KIB, 'x'));
    expect(await names()).toEqual(['/a']);
    expect((await files.usage()).bytes).toBe(1025);
  });

  test('a lower limit takes the oldest files until the others fit', async () => {
    for (const name of ['/1', '/2', '/3']) await files.write(name, source(KIB));
    files.configure({ maxBytes: 2500, purge: false });
    expect(await names()).toEqual(['/2', '/3']);
  });

  test('a higher limit and none keep all files', async () => {
    limited(2048);
    await files.write('/1', source(KIB));
    files.configure({ maxBytes: 4096, purge: true });
    files.configure({ maxBytes: 0, purge: false });
    expect(await names()).toEqual(['/1']);
    expect((await files.usage()).limit).toBe(0);
  });
});
