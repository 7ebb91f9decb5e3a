import { posix } from 'node:path';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { FileInfo, Filesystem, OpenFile } from '../storage/filesystem.ts';
import { cleanPath } from '../storage/path.ts';
import { CoreError } from '../util/errors.ts';
import { type MaybePromise, andThen } from '../util/maybe-promise.ts';
import { acceptsGzip } from './compress.ts';
import { CompressedFiles, compress } from './compressed-files.ts';
import { GZIP_SUFFIX, allowsRange, evaluateConditions, parseRange } from './conditions.ts';
import { ApiError } from './errors.ts';
import { TEXT_TYPE } from './json.ts';
import { isHttp2 } from './transport.ts';

/** A file as it is to be sent, and what the answer tells of where it came from. */
export interface CachedFile {
  file: OpenFile;
  headers: Readonly<Record<string, string>>;
}

/** Spares the files of one filesystem from being read again and again. Paths are those that were asked for. */
export interface FileCache {
  /** The file that `open` would find. Rejects if it does. */
  open: (path: string, open: () => MaybePromise<OpenFile>) => Promise<CachedFile>;
  /** The `X-Cache` of an answer that is no file; undefined if nothing is cached at all. */
  skipReason: (method: string, path: string) => string | undefined;
  /** Forgets a file that was replaced or removed, by its full name. */
  purge: (name: string) => void;
}

export interface FileOptions {
  filesystem: Pick<Filesystem, 'open' | 'isDirectory' | 'write' | 'remove'>;
  /** The content type by the extension of a path. */
  typeOf(path: string): string;
  /** Whether files of that type are compressed for clients that accept it. */
  isCompressible(type: string): boolean;
  /** The file that stands for its directory. */
  index?: string | undefined;
  /** What files are read through, if not directly. */
  cache?: FileCache | undefined;
  /** Told the full name of each file that was replaced or removed. */
  onChange?: ((name: string) => void) | undefined;
}

/** A file as it is asked for: what its name alone tells. */
export interface NamedFile {
  /** Decoded; starts with `/`. */
  path: string;
  type: string;
  isCompressible: boolean;
}

/** What is sent of a file: bytes that are for one client alone, with the file closed, or a file with the same content. */
export type Rewrite = (file: OpenFile) => Promise<Buffer | OpenFile>;

const MIN_COMPRESSED_BYTES = 1000;

/** Answers requests for the files of one filesystem. */
export class Files {
  readonly #options: FileOptions;
  readonly #compressed = new CompressedFiles();
  readonly #date = createHttpDate();

  constructor(options: FileOptions) {
    this.#options = options;
  }

  /** @param path decoded; starts with `/`. */
  named(path: string): NamedFile {
    const type = this.#options.typeOf(path);
    return { path, type, isCompressible: this.#options.isCompressible(type) };
  }

  /** Answers HEAD, and anything else like GET: conditions, one range, compression. */
  send(
    request: FastifyRequest,
    reply: FastifyReply,
    named: NamedFile,
    rewrite?: Rewrite,
  ): MaybePromise<FastifyReply> {
    const { cache } = this.#options;
    const open = () => this.#open(named.path);
    if (cache === undefined || request.method === 'HEAD') {
      return andThen(open(), (file) => this.#sendFile(request, reply, named, file, rewrite));
    }
    return cache.open(named.path, open).then(({ file, headers }) => {
      reply.headers(headers);
      return this.#sendFile(request, reply, named, file, rewrite);
    });
  }

  /** Answers PUT and POST: 201 for a new file, 204 for a replaced one, 400 for whatever went wrong. */
  async store(
    request: FastifyRequest,
    reply: FastifyReply,
    { path, type }: NamedFile,
  ): Promise<FastifyReply> {
    await this.#checkWrite(request, path);
    pauseConnection(request);
    const announced = request.headers['content-length'];
    const size = announced === undefined ? undefined : Number(announced);
    try {
      const outcome = await this.#options.filesystem.write(path, request.raw, {
        size,
        type,
      });
      this.#options.onChange?.(cleanPath(path));
      reply.header('content-location', request.originalUrl);
      if (outcome === 'replaced') return await reply.code(204).send();
      return await reply.code(201).header('content-type', TEXT_TYPE).send('');
    } catch (error) {
      throw new ApiError(400, 'Bad request', error instanceof CoreError ? error : 'reading data failed');
    }
  }

  /**
   * Answers DELETE.
   *
   * @param path decoded; starts with `/`.
   */
  async remove(request: FastifyRequest, reply: FastifyReply, path: string): Promise<FastifyReply> {
    await this.#checkWrite(request, path);
    if (!(await this.#options.filesystem.remove(path))) throw notFound(path);
    this.#options.onChange?.(cleanPath(path));
    return reply.header('content-type', TEXT_TYPE).send(`Deleted: ${path}`);
  }

  #open(path: string): MaybePromise<OpenFile> {
    return andThen(this.#options.filesystem.open(path), (file) => file ?? this.#openIndex(path));
  }

  async #openIndex(path: string): Promise<OpenFile> {
    const { filesystem, index } = this.#options;
    if (index === undefined || !(await filesystem.isDirectory(path))) throw notFound(path);
    const indexPath = posix.join(path, index);
    const file = await filesystem.open(indexPath);
    if (file === undefined) throw notFound(indexPath);
    return file;
  }

  #sendFile(
    request: FastifyRequest,
    reply: FastifyReply,
    named: NamedFile,
    file: OpenFile,
    rewrite: Rewrite | undefined,
  ): MaybePromise<FastifyReply> {
    return closeIfFails(file, () => {
      if (rewrite === undefined) return this.#answer(request, reply, named, file);
      return rewrite(file).then((content) =>
        Buffer.isBuffer(content)
          ? this.#answerRewritten(request, reply, named, file.info, content)
          : this.#answer(request, reply, named, content),
      );
    });
  }

  #answer(
    request: FastifyRequest,
    reply: FastifyReply,
    { type, isCompressible }: NamedFile,
    file: OpenFile,
  ): MaybePromise<FastifyReply> {
    const { headers } = request;
    const { size, modified } = file.info;
    const current = { version: file.version, modified };
    const isGet = request.method !== 'HEAD';
    const range =
      isGet && allowsRange(headers['if-range'] as string | undefined, current)
        ? parseRange(headers.range, size)
        : undefined;
    const isCompressed =
      isGet &&
      range === undefined &&
      size >= MIN_COMPRESSED_BYTES &&
      isCompressible &&
      acceptsGzip(headers['accept-encoding']);

    reply.header('last-modified', this.#date(modified));
    reply.header('etag', `"${file.version}${isCompressed ? GZIP_SUFFIX : ''}"`);
    reply.header('accept-ranges', 'bytes');
    switch (evaluateConditions('read', headers, current)) {
      case 'not modified':
        return sendNothing(reply.code(304), file);
      case 'failed':
        throw ApiError.plain(412);
      case 'proceed':
    }

    reply.header('content-type', type);
    if (!isGet) return sendNothing(reply.header('content-length', size), file);
    if (isCompressed) {
      reply.header('content-encoding', 'gzip');
      return this.#compressed.read(file).then((bytes) => reply.send(bytes));
    }
    if (range === undefined) {
      return reply.header('content-length', size).send(file.read(0, size));
    }
    if (range === 'unsatisfiable') {
      reply.header('content-range', `bytes */${size}`);
      throw ApiError.plain(416);
    }
    const { start, end } = range;
    reply.code(206);
    reply.header('content-range', `bytes ${start}-${end - 1}/${size}`);
    return reply.header('content-length', end - start).send(file.read(start, end));
  }

  /** Neither ranges nor conditions: what was sent before may have been somebody else's. */
  async #answerRewritten(
    request: FastifyRequest,
    reply: FastifyReply,
    { type, isCompressible }: NamedFile,
    { modified }: FileInfo,
    content: Buffer,
  ): Promise<FastifyReply> {
    reply.header('last-modified', this.#date(modified));
    reply.header('cache-control', 'private');
    reply.header('content-type', type);
    if (request.method === 'HEAD') return reply.header('content-length', content.length).send();
    const isCompressed =
      content.length >= MIN_COMPRESSED_BYTES &&
      isCompressible &&
      acceptsGzip(request.headers['accept-encoding']);
    if (!isCompressed) return reply.header('content-length', content.length).send(content);
    return reply.header('content-encoding', 'gzip').send(await compress(content));
  }

  /** Lets a write with conditions pass only if they hold. */
  async #checkWrite({ headers }: FastifyRequest, path: string): Promise<void> {
    const isConditional = CONDITIONS.some((name) => headers[name] !== undefined);
    if (!isConditional) return;
    const file = await this.#options.filesystem.open(path);
    await file?.close();
    const current = file && { version: file.version, modified: file.info.modified };
    if (evaluateConditions('write', headers, current) === 'failed') throw ApiError.plain(412);
  }
}

/** Answers with the headers alone. */
async function sendNothing(reply: FastifyReply, file: OpenFile): Promise<FastifyReply> {
  await file.close();
  return reply.send();
}

/** Uses a file, which is closed if that fails. */
function closeIfFails<T>(file: OpenFile, use: () => MaybePromise<T>): MaybePromise<T> {
  try {
    const outcome = use();
    return outcome instanceof Promise
      ? outcome.catch((error: unknown) => closeAndThrow(file, error))
      : outcome;
  } catch (error) {
    return closeAndThrow(file, error);
  }
}

async function closeAndThrow(file: OpenFile, error: unknown): Promise<never> {
  await file.close();
  throw error;
}

const CONDITIONS = ['if-match', 'if-none-match', 'if-unmodified-since'] as const;

/**
 * Lets a filesystem that pauses a body pause the connection, too. FFmpeg hangs up as soon as it has sent everything; if
 * that were noticed now, what still waits in the body would be lost.
 */
function pauseConnection({ raw }: FastifyRequest): void {
  // Over HTTP/2, the connection has other streams, and a body does not end with it.
  if (isHttp2(raw)) return;
  raw.on('pause', () => {
    if (!raw.readableEnded) raw.socket.pause();
  });
  raw.on('resume', () => raw.socket.resume());
}

/** Times in the form of HTTP (RFC 9110 §5.6.7). The last one is kept: a new segment is asked for by many at once. */
function createHttpDate(): (milliseconds: number) => string {
  let last = NaN;
  let text = '';
  return (milliseconds) => {
    if (milliseconds !== last) {
      last = milliseconds;
      text = new Date(milliseconds).toUTCString();
    }
    return text;
  };
}

function notFound(path: string): ApiError {
  return new ApiError(404, 'File not found', [path]);
}
