import type { Bytes, Client } from '@millrace/client';
import { randomUUID } from 'node:crypto';
import { createWriteStream, openAsBlob } from 'node:fs';
import { rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { defineCommand, word } from '../command.ts';
import type { Context } from '../context.ts';
import { CommandError, UsageError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import { parseRemote, type Remote } from '../storage.ts';
import { formatBytes } from '../terminal/units.ts';

export const fsCp = defineCommand({
  name: 'fs cp',
  summary: 'copy a file to the server, from it, or within it',
  description:
    'Files are copied as they come, whatever their size. A file is in place only when it is complete. A dash is the standard input or output.',
  arguments: {
    source: word('a file: mem:/path on the server, a path here, or -', 'storage-or-file'),
    target: word('where to: mem:/path on the server, a path here, or -', 'storage-or-file'),
  },
  options: {},
  examples: [
    ['millrace fs cp logo.png disk:/logo.png', 'to the server'],
    ['millrace fs cp mem:/camera.m3u8 .', 'from the server into this folder'],
    ['millrace fs cp disk:/show.mp4 - | ffplay -', 'into another program'],
    ['tar c ui | millrace fs cp - disk:/ui.tar', 'out of another program'],
  ],
  async run({ source, target }, _options, context) {
    const from = parseRemote(source);
    const to = parseRemote(target);
    const client = await context.client();
    const meter = { bytes: 0 };
    if (from !== undefined && to !== undefined) {
      const place = inFolder(to, path.posix.basename(from.path));
      await upload(client, place, metered(await open(client, from, context), meter), context);
    } else if (from !== undefined) {
      await download(metered(await open(client, from, context), meter), from, target, context);
    } else if (to !== undefined) {
      const isInput = source === '-';
      const place = inFolder(to, isInput ? '' : path.basename(source));
      if (place.path.endsWith('/')) throw new UsageError('- has no name: name the file on the server');
      const bytes = isInput
        ? metered(context.stdin as AsyncIterable<Uint8Array>, meter)
        : await localFile(source, meter);
      await upload(client, place, bytes, context);
    } else {
      throw new UsageError(
        'neither of them is on the server',
        'name the storage there: mem:/file, disk:/file',
      );
    }
    if (target !== '-') context.note(`${source} → ${target}: ${formatBytes(meter.bytes)}`);
  },
});

async function open(
  client: Client,
  { storage, path: name }: Remote,
  { signal }: Context,
): Promise<AsyncIterable<Uint8Array>> {
  const { body } = await client.files.get(storage, name.slice(1), { signal });
  return body ?? Readable.from([]);
}

async function upload(
  client: Client,
  { storage, path: name }: Remote,
  bytes: Bytes,
  { signal }: Context,
): Promise<void> {
  await client.files.put(storage, name.slice(1), bytes, { signal });
}

/** A file is read when it is sent, and again if it has to be sent again. */
async function localFile(name: string, meter: { bytes: number }): Promise<Blob> {
  try {
    const stats = await stat(name);
    if (!stats.isFile()) throw new CommandError(`${name} is not a file`);
    meter.bytes = stats.size;
    return await openAsBlob(name);
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === 'ENOENT'
      ? new CommandError(`${name} does not exist`, { exitCode: EXIT.notFound, cause: error })
      : error;
  }
}

/** Writes beside the target and puts that in its place when it is complete. */
async function download(
  bytes: AsyncIterable<Uint8Array>,
  { path: name }: Remote,
  target: string,
  { stdout, signal }: Context,
): Promise<void> {
  if (target === '-') {
    await pipeline(bytes, stdout, { signal, end: false });
    return;
  }
  const stats = await stat(target).catch(() => undefined);
  const isFolder = target.endsWith('/') || stats?.isDirectory() === true;
  const file = isFolder ? path.join(target, path.posix.basename(name)) : target;
  // What is no regular file, such as a pipe, cannot be replaced.
  if (stats !== undefined && !stats.isFile() && !isFolder) {
    await pipeline(bytes, createWriteStream(file), { signal });
    return;
  }
  const part = `${file}.${randomUUID().slice(0, 8)}.part`;
  try {
    await pipeline(bytes, createWriteStream(part, { flags: 'wx' }), { signal });
    await rename(part, file);
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
}

function inFolder(remote: Remote, name: string): Remote {
  return remote.path.endsWith('/') ? { ...remote, path: remote.path + name } : remote;
}

async function* metered(
  bytes: AsyncIterable<Uint8Array>,
  meter: { bytes: number },
): AsyncGenerator<Uint8Array> {
  for await (const chunk of bytes) {
    meter.bytes += chunk.byteLength;
    yield chunk;
  }
}
