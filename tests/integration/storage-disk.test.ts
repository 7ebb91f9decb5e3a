import { execFileSync } from 'node:child_process';
import {
  mkdir,
  mkdtemp,
  readFile,
  readdir,
  realpath,
  rm,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DiskFilesystem } from '../../packages/server/src/storage/disk.ts';
import type { OpenFile } from '../../packages/server/src/storage/filesystem.ts';

let folder: string;
let root: string;
let disk: DiskFilesystem;

beforeEach(async () => {
  folder = await realpath(await mkdtemp(path.join(tmpdir(), 'millrace-disk-')));
  root = path.join(folder, 'root');
  disk = new DiskFilesystem({ dir: root, maxBytes: 0 });
  await disk.start();
});

afterEach(async () => {
  await disk.close();
  await rm(folder, { recursive: true });
});

test.each([
  ['', ''],
  [', below a link', 'link'],
])('a folder that is not to be made is not, and has its files once it is there%s', async (_title, parent) => {
  await symlink(folder, path.join(folder, 'link'));
  const later = path.join(folder, parent, 'later');
  const files = new DiskFilesystem({ dir: later, isMade: false, maxBytes: 0 });
  await files.start();
  expect([await files.open('/a'), await files.isDirectory('/'), await readdir(folder)]).toEqual([
    undefined,
    false,
    ['link', 'root'],
  ]);
  await mkdir(later);
  await writeFile(path.join(later, 'a'), 'x');
  expect(await bytesOf(await files.open('/a'))).toBe('x');
  await files.close();
});

const source = (...chunks: string[]) => Readable.from(chunks.map((chunk) => Buffer.from(chunk)));

async function bytesOf(file: OpenFile | undefined, start = 0, end = file?.info.size ?? 0): Promise<string> {
  if (file === undefined) return '(no such file)';
  const content = file.read(start, end);
  return Buffer.isBuffer(content) ? content.toString() : Buffer.concat(await content.toArray()).toString();
}

async function read(name: string): Promise<string> {
  return bytesOf(await disk.open(name));
}

async function names(options?: { glob?: string; prefix?: string }): Promise<string[]> {
  return (await disk.list(options)).map(({ name }) => name).sort();
}

describe('files on disk', () => {
  test('a written file is read back, whole and in part', async () => {
    expect(await disk.write('/one/two/a.txt', source('hello', ' world'))).toBe('created');
    expect(await read('/one/two/a.txt')).toBe('hello world');
    expect(await bytesOf(await disk.open('/one/two/a.txt'), 3, 8)).toBe('lo wo');
    expect(await readFile(path.join(root, 'one/two/a.txt'), 'utf8')).toBe('hello world');
  });

  test('an empty file is a file', async () => {
    await disk.write('/empty', source());
    expect(await read('/empty')).toBe('');
  });

  test('a path cannot leave the root', async () => {
    await writeFile(path.join(folder, 'secret'), 'secret');
    expect(await disk.open('/../secret')).toBeUndefined();
    await disk.write('/../../escaped', source('x'));
    expect(await names()).toEqual(['/escaped']);
    expect(await disk.remove('/../secret')).toBe(false);
  });

  test.each([
    ['/', 'is a directory'],
    ['/sub', 'is a directory'],
    ['/sub/a/b', 'not a directory'],
    [`/${'x'.repeat(300)}`, 'file name too long'],
    ['/a\0', 'invalid path'],
  ])('writing to %j fails without telling where the root is', async (name, reason) => {
    await disk.write('/sub/a', source('x'));
    const error = await disk.write(name, source('y')).then(String, String);
    expect(error).toContain(reason);
    expect(error).not.toContain(folder);
    expect(await names()).toEqual(['/sub/a']);
  });

  test('a reader that came before a replacement gets the old file whole', async () => {
    await disk.write('/a', source('old-content'));
    const reader = await disk.open('/a');
    expect(await disk.write('/a', source('new'))).toBe('replaced');
    expect(await bytesOf(reader)).toBe('old-content');
    expect(await read('/a')).toBe('new');
  });

  test('a reader that came before a removal gets the file whole', async () => {
    await disk.write('/a', source('content'));
    const reader = await disk.open('/a');
    expect(await disk.remove('/a')).toBe(true);
    expect(await bytesOf(reader)).toBe('content');
  });

  test('a file cut short while it is read is an error, not a short file', async () => {
    await disk.write('/a', source('content'));
    const reader = await disk.open('/a');
    await writeFile(path.join(root, 'a'), 'cut');
    await expect(bytesOf(reader)).rejects.toThrow('truncated');
  });

  test('an upload is not visible before its end', async () => {
    const upload = new PassThrough();
    const done = disk.write('/a', upload);
    upload.write('part');
    await expect.poll(() => readdir(root)).toHaveLength(1);
    expect(await names()).toEqual([]);
    expect(await disk.open('/a')).toBeUndefined();
    expect(await disk.open(`/${(await readdir(root))[0] ?? ''}`)).toBeUndefined();
    upload.end('ial');
    expect(await done).toBe('created');
    expect(await read('/a')).toBe('partial');
  });

  test('an upload that breaks off leaves what was there and nothing else', async () => {
    await disk.write('/a', source('old'));
    const upload = new PassThrough();
    const done = disk.write('/a', upload);
    upload.write('new');
    await expect.poll(() => readdir(root)).toHaveLength(2);
    upload.destroy(new Error('gone'));
    await expect(done).rejects.toThrow('gone');
    expect(await readdir(root)).toEqual(['a']);
    expect(await read('/a')).toBe('old');
  });

  test('what a crash left of an upload is removed in time, a recent one is not', async () => {
    for (const name of ['.millrace-upload-old', '.millrace-upload-new'])
      await writeFile(path.join(root, name), 'x');
    const longAgo = new Date(Date.now() - 2 * 60 * 60 * 1000);
    await utimes(path.join(root, '.millrace-upload-old'), longAgo, longAgo);
    expect(await names()).toEqual([]);
    expect(await readdir(root)).toEqual(['.millrace-upload-new']);
  });

  test('an empty directory can be removed, another cannot', async () => {
    await disk.write('/full/a', source('x'));
    await mkdir(path.join(root, 'empty'));
    expect(await disk.remove('/full')).toBe(false);
    expect(await disk.remove('/empty')).toBe(true);
    expect(await disk.remove('/')).toBe(false);
    expect(await names()).toEqual(['/full/a']);
  });

  test('a named pipe is no file, and nobody waits for it', async () => {
    execFileSync('mkfifo', [path.join(root, 'pipe')]);
    expect(await disk.open('/pipe')).toBeUndefined();
  });

  test('files are listed by pattern and prefix, oldest first', async () => {
    for (const [i, name] of ['/b.ts', '/sub/a.ts', '/c.txt'].entries()) {
      await disk.write(name, source('x'));
      await utimes(path.join(root, name), i, i);
    }
    expect((await disk.list()).map(({ name }) => name)).toEqual(['/b.ts', '/sub/a.ts', '/c.txt']);
    expect(await names({ glob: '/*.ts' })).toEqual(['/b.ts']);
    expect(await names({ prefix: '/sub/a' })).toEqual(['/sub/a.ts']);
    expect(await names({ prefix: '/none/a' })).toEqual([]);
  });

  test('a changed file has another mark', async () => {
    await disk.write('/a', source('1'));
    const first = await disk.open('/a');
    await disk.write('/a', source('2'));
    const second = await disk.open('/a');
    expect(first?.version).not.toBe(second?.version);
    await first?.close();
    await second?.close();
  });
});

describe('symbolic links on disk', () => {
  beforeEach(async () => {
    await disk.write('/sub/a.txt', source('inside'));
    await mkdir(path.join(folder, 'outside'));
    await writeFile(path.join(folder, 'outside/secret.txt'), 'secret');
    await symlink(path.join(root, 'sub/a.txt'), path.join(root, 'absolute'));
    await symlink('sub/a.txt', path.join(root, 'relative'));
    await symlink('sub', path.join(root, 'directory'));
    await symlink('../outside/secret.txt', path.join(root, 'file-out'));
    await symlink('../outside', path.join(root, 'directory-out'));
  });

  test.each(['/absolute', '/relative', '/directory/a.txt'])('%s stays inside and is read', async (name) => {
    expect(await read(name)).toBe('inside');
  });

  test.each(['/file-out', '/directory-out/secret.txt'])('%s leads outside and is not there', async (name) => {
    expect(await disk.open(name)).toBeUndefined();
  });

  test('nothing is written or removed through a link that leads outside', async () => {
    await expect(disk.write('/directory-out/new.txt', source('x'))).rejects.toThrow('outside');
    await expect(disk.write('/directory-out/deep/new.txt', source('x'))).rejects.toThrow('outside');
    expect(await disk.remove('/directory-out/secret.txt')).toBe(false);
    expect(await readdir(path.join(folder, 'outside'))).toEqual(['secret.txt']);
  });

  test('removing a link removes the link', async () => {
    expect(await disk.remove('/relative')).toBe(true);
    expect(await read('/sub/a.txt')).toBe('inside');
  });

  test('links are listed but not descended', async () => {
    expect(await names()).toEqual([
      '/absolute',
      '/directory',
      '/directory-out',
      '/file-out',
      '/relative',
      '/sub/a.txt',
    ]);
    expect(await names({ prefix: '/directory/' })).toEqual([]);
  });
});

describe('the limit of the disk', () => {
  beforeEach(() => {
    disk.configure({ maxBytes: 10 });
  });

  test('what others have written counts', async () => {
    await writeFile(path.join(root, 'recording'), '12345678');
    await expect(disk.write('/a', source('123'))).rejects.toThrow('not enough space on device');
    expect(await disk.usage()).toEqual({ bytes: 8, files: 1, limit: 10 });
    expect(await readdir(root)).toEqual(['recording']);
  });

  test('a file is refused at the first byte too many', async () => {
    const upload = new PassThrough();
    const done = disk.write('/a', upload);
    upload.write('1234567890');
    upload.write('1');
    await expect(done).rejects.toThrow('File is too big');
    expect(upload.destroyed).toBe(false);
    expect(await readdir(root)).toEqual([]);
  });

  test('replacing and removing files gives their space back at once', async () => {
    await disk.write('/a', source('12345678'));
    await disk.write('/a', source('1234567890'));
    await disk.remove('/a');
    expect(await disk.write('/b', source('1234567890'))).toBe('created');
  });
});
