import { Readable, pipeline } from 'node:stream';
import { promisify } from 'node:util';
import { constants, createGzip, gzip } from 'node:zlib';
import { LRUCache } from 'lru-cache';
import type { OpenFile } from '../storage/filesystem.ts';

const gzipAsync = promisify(gzip);
const OPTIONS = { level: constants.Z_BEST_SPEED };
/** Larger files are compressed on their way, without knowing the length before. */
const MAX_BUFFERED_BYTES = 1024 * 1024;
const CACHE_BYTES = 8 * 1024 * 1024;

/** Compresses files, and those that are asked for again, such as playlists, once for each version. */
export class CompressedFiles {
  readonly #cache = new LRUCache<string, Buffer, OpenFile>({
    maxSize: CACHE_BYTES,
    sizeCalculation: (bytes) => bytes.length + 1,
    fetchMethod: (_version, _stale, { context }) => compressFile(context),
  });

  /** The file's compressed form. The file is closed as soon as it is not needed any more. */
  async read(file: OpenFile): Promise<Buffer | Readable> {
    if (file.info.size > MAX_BUFFERED_BYTES) {
      const compressor = createGzip(OPTIONS);
      // Errors reach the reader through the compressor, which is destroyed with them.
      pipeline(toStream(file.read(0, file.info.size)), compressor, () => undefined);
      return compressor;
    }
    try {
      return (await this.#cache.fetch(file.version, { context: file })) ?? (await compressFile(file));
    } finally {
      await file.close();
    }
  }
}

/** The bytes as gzip, made fast rather than small. */
export function compress(content: Buffer): Promise<Buffer> {
  return gzipAsync(content, OPTIONS);
}

async function compressFile(file: OpenFile): Promise<Buffer> {
  const content = file.read(0, file.info.size);
  return compress(Buffer.isBuffer(content) ? content : Buffer.concat(await content.toArray()));
}

function toStream(content: Buffer | Readable): Readable {
  return Buffer.isBuffer(content) ? Readable.from([content]) : content;
}
