import type { Readable } from 'node:stream';
import type * as Sdk from '@aws-sdk/client-s3';
import { CoreError } from '../util/errors.ts';
import { reasonOf, statusOf, type S3Connection } from './s3-connection.ts';
import type { PartSeries } from './s3-upload.ts';

/** One version of an object. */
export interface S3Object {
  key: string;
  /** In bytes. */
  size: number;
  /** Milliseconds since 1970. */
  modified: number;
  /** As the storage gave it, with quotes. */
  etag: string;
}

/** A request takes so long at most, plus the time for its bytes at the rate of a slow line. */
const TIMEOUT_MS = 30_000;
/** Whoever stops the server waits for it. */
const ABORT_TIMEOUT_MS = 5_000;
const SLOW_BYTES_PER_MS = 64;
/** Bytes that were asked for come so fast, or not at all. */
const STALL_MS = 30_000;

/** The objects of a bucket. Whatever goes wrong is a CoreError. */
export class S3Bucket {
  readonly #connection: S3Connection;

  constructor(connection: S3Connection) {
    this.#connection = connection;
  }

  /** Undefined if there is no such object. */
  async head(key: string): Promise<S3Object | undefined> {
    return this.#unlessAbsent(async () => {
      const output = await this.#call((s3, options) => s3.headObject(this.#at(key), options));
      return toObject(key, output.ContentLength ?? 0, output);
    });
  }

  /** An object and up to so many of its first bytes, of one and the same version. Undefined if there is none. */
  async peek(key: string, bytes: number): Promise<{ object: S3Object; head: Buffer } | undefined> {
    return this.#unlessAbsent(async () => {
      try {
        const output = await this.#call((s3, options) =>
          s3.getObject({ ...this.#at(key), Range: `bytes=0-${bytes - 1}` }, options),
        );
        const size = Number(output.ContentRange?.split('/')[1] ?? output.ContentLength);
        const head = await collect(output.Body as Readable, Math.min(size, bytes), this.#connection);
        return { object: toObject(key, size, output), head };
      } catch (error) {
        // There is no range in what is empty.
        if (statusOf(causeOf(error)) !== 416) throw error;
        const object = await this.head(key);
        return object && { object, head: Buffer.alloc(0) };
      }
    });
  }

  /** Reads from `start` up to, not including, `end`. Throws if the object is another one meanwhile. */
  async *read(
    { key, etag }: S3Object,
    start: number,
    end: number,
    signal: AbortSignal,
  ): AsyncGenerator<Buffer> {
    const { Body } = await this.#call(
      (s3, options) =>
        s3.getObject({ ...this.#at(key), Range: `bytes=${start}-${end - 1}`, IfMatch: etag }, options),
      { signal },
    );
    const body = Body as Readable;
    signal.addEventListener('abort', () => body.destroy(), { once: true });
    yield* steadily(body, end - start, this.#connection);
  }

  async put(key: string, body: Buffer, type: string | undefined): Promise<void> {
    await this.#call(
      (s3, options) => s3.putObject({ ...this.#at(key), Body: body, ContentType: type }, options),
      {
        bytes: body.length,
      },
    );
  }

  async remove(key: string): Promise<void> {
    await this.#call((s3, options) =>
      s3.deleteObject({ ...this.#at(key), BypassGovernanceRetention: true }, options),
    );
  }

  /** All objects whose keys start with the prefix, in pages of at most so many. */
  async *pages(prefix: string, pageSize = 1000): AsyncGenerator<S3Object[]> {
    let token: string | undefined;
    do {
      const input = {
        Bucket: this.#bucket,
        Prefix: prefix,
        MaxKeys: pageSize,
        // Some characters that keys may have cannot stand in XML.
        EncodingType: 'url' as const,
        ContinuationToken: token,
      };
      const page = await this.#call((s3, options) => s3.listObjectsV2(input, options));
      const isEncoded = page.EncodingType === 'url';
      yield (page.Contents ?? []).flatMap((entry) => {
        const key = isEncoded ? decodeKey(entry.Key ?? '') : entry.Key;
        return key === undefined ? [] : [toObject(key, entry.Size ?? 0, entry)];
      });
      token = page.IsTruncated === true ? page.NextContinuationToken : undefined;
    } while (token !== undefined);
  }

  /** Begins an object that comes in parts. */
  async beginParts(key: string, type: string | undefined): Promise<PartSeries> {
    const at = this.#at(key);
    const { UploadId } = await this.#call((s3, options) =>
      s3.createMultipartUpload({ ...at, ContentType: type }, options),
    );
    const parts: { PartNumber: number; ETag: string | undefined }[] = [];
    return {
      put: async (PartNumber, body, signal) => {
        const { ETag } = await this.#call(
          (s3, options) => s3.uploadPart({ ...at, UploadId, PartNumber, Body: body }, options),
          { bytes: body.length, signal },
        );
        parts.push({ PartNumber, ETag });
      },
      complete: async () => {
        const MultipartUpload = { Parts: parts.sort((a, b) => a.PartNumber - b.PartNumber) };
        // The storage may have to put it together before it answers.
        await this.#call(
          (s3, options) => s3.completeMultipartUpload({ ...at, UploadId, MultipartUpload }, options),
          { bytes: parts.length * 1024 * 1024 },
        );
      },
      abort: async () => {
        // What cannot be reached cannot be tidied up.
        await this.#connection
          .call((s3, options) => s3.abortMultipartUpload({ ...at, UploadId }, options), {
            timeout: ABORT_TIMEOUT_MS,
          })
          .catch(() => undefined);
      },
    };
  }

  get #bucket(): string {
    return this.#connection.location.bucket;
  }

  #at(key: string): { Bucket: string; Key: string } {
    return { Bucket: this.#bucket, Key: key };
  }

  async #call<T>(
    act: (s3: Sdk.S3, options: { abortSignal: AbortSignal }) => Promise<T>,
    { bytes = 0, signal }: { bytes?: number; signal?: AbortSignal } = {},
  ): Promise<T> {
    const timeout = TIMEOUT_MS + bytes / SLOW_BYTES_PER_MS;
    try {
      return await this.#connection.call(act, { timeout, signal });
    } catch (error) {
      if (error instanceof CoreError) throw error;
      throw this.#connection.failure(reasonOf(error), error);
    }
  }

  async #unlessAbsent<T>(act: () => Promise<T | undefined>): Promise<T | undefined> {
    try {
      return await act();
    } catch (error) {
      const cause = causeOf(error);
      const isMissing = statusOf(cause) === 404 && reasonOf(cause) !== 'NoSuchBucket';
      // A key that is too long is that of no object.
      if (isMissing || reasonOf(cause) === 'KeyTooLongError') return undefined;
      throw error;
    }
  }
}

function toObject(
  key: string,
  size: number,
  { LastModified, ETag }: { LastModified?: Date | undefined; ETag?: string | undefined },
): S3Object {
  return { key, size, modified: LastModified?.getTime() ?? 0, etag: ETag ?? '' };
}

function decodeKey(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return undefined;
  }
}

function causeOf(error: unknown): unknown {
  return error instanceof CoreError ? error.cause : error;
}

async function collect(body: Readable, bytes: number, connection: S3Connection): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of steadily(body, bytes, connection)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** The chunks of a body, which has to be so long, and must not keep who waits for it waiting. */
async function* steadily(body: Readable, bytes: number, connection: S3Connection): AsyncGenerator<Buffer> {
  let missing = bytes;
  const iterator = body[Symbol.asyncIterator]() as AsyncIterator<Buffer, undefined>;
  try {
    for (;;) {
      const timer = setTimeout(() => body.destroy(connection.failure('timeout')), STALL_MS).unref();
      const { done, value } = await iterator.next().finally(() => {
        clearTimeout(timer);
      });
      if (done === true) break;
      missing -= value.length;
      if (missing < 0) break;
      yield value;
    }
  } finally {
    body.destroy();
  }
  if (missing !== 0) throw connection.failure('answer of a wrong length');
}
