import type { Bytes, Client } from '@millrace/client';
import { randomUUID } from 'node:crypto';
import { createWriteStream, openAsBlob } from 'node:fs';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Input, Output } from '../context.ts';
import type { Copy, Place } from './plan.ts';

/** What the bytes go through. */
export interface Ends {
  client: Client;
  stdin: Input;
  stdout: Output;
  signal: AbortSignal;
}

/** Copies one file as a stream. Returns how many bytes it has. Throws MillraceError, or what the system says. */
export async function copyBytes({ from, to, makesFolders }: Copy, ends: Ends): Promise<number> {
  const meter = { bytes: 0 };
  const { client, signal } = ends;
  const bytes = await open(from, meter, ends);
  if (to.kind === 'remote') {
    const { storage, path: name } = to.remote;
    await client.files.put(storage, name.slice(1), bytes, { signal });
  } else {
    const stream = bytes as AsyncIterable<Uint8Array>;
    if (to.kind === 'pipe') await pipeline(stream, ends.stdout, { signal, end: false });
    else await write(stream, to.file, makesFolders, signal);
  }
  return meter.bytes;
}

async function open(from: Place, meter: { bytes: number }, { client, stdin, signal }: Ends): Promise<Bytes> {
  switch (from.kind) {
    case 'pipe':
      return metered(stdin as AsyncIterable<Uint8Array>, meter);
    case 'local': {
      // A file is read when it is sent, and again if it has to be sent again.
      const blob = await openAsBlob(from.file);
      meter.bytes = blob.size;
      return blob;
    }
    case 'remote': {
      const { storage, path: name } = from.remote;
      const { body } = await client.files.get(storage, name.slice(1), { signal });
      return metered(body ?? Readable.from([]), meter);
    }
  }
}

/** Writes beside the target and puts that in its place when it is complete. */
async function write(
  bytes: AsyncIterable<Uint8Array>,
  file: string,
  makesFolders: boolean,
  signal: AbortSignal,
): Promise<void> {
  if (makesFolders) await mkdir(path.dirname(file), { recursive: true });
  const stats = await stat(file).catch(() => undefined);
  // What is no regular file, such as a pipe, cannot be replaced.
  if (stats !== undefined && !stats.isFile()) {
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

async function* metered(
  bytes: AsyncIterable<Uint8Array>,
  meter: { bytes: number },
): AsyncGenerator<Uint8Array> {
  for await (const chunk of bytes) {
    meter.bytes += chunk.byteLength;
    yield chunk;
  }
}
