import type * as Sdk from '@aws-sdk/client-s3';
import type { Logger } from '../log/logger.ts';
import { CoreError } from '../util/errors.ts';

/** Where a bucket is, and who may use it. */
export interface S3Location {
  /** `host` or `host:port`. */
  endpoint: string;
  isSecure: boolean;
  /** Empty for `us-east-1`. */
  region: string;
  bucket: string;
  /** Both keys empty for anybody. */
  accessKeyId: string;
  secretAccessKey: string;
}

/** What a request is given on its way. */
export interface CallOptions {
  abortSignal: AbortSignal;
}

const DEFAULT_REGION = 'us-east-1';
const CONNECT_TIMEOUT_MS = 10_000;
const CALL_TIMEOUT_MS = 30_000;
const ATTEMPTS = 3;
/** A slow reader keeps a socket for itself, so there have to be many. */
const MAX_SOCKETS = 1024;
const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 60_000;

/**
 * The way to one bucket. A bucket that cannot be reached is tried again in the background, with growing pauses; until
 * then every call fails at once. A bucket that does not exist is made.
 */
export class S3Connection {
  readonly location: S3Location;
  readonly #name: string;
  readonly #log: Logger;
  readonly #closing = new AbortController();
  #client: Promise<Sdk.S3>;
  #retry: NodeJS.Timeout | undefined;
  /** How far the clock of the storage is ahead of ours. */
  #skew = 0;

  /** @param name of the filesystem, for messages. */
  constructor(name: string, location: S3Location, log: Logger) {
    this.#name = name;
    this.location = location;
    this.#log = log;
    this.#client = rejected(this.failure('not started'));
  }

  /** Begins to connect. */
  open(): void {
    this.#client = this.#connect();
    this.#client.catch((error: unknown) => {
      this.#retryAfter(FIRST_RETRY_MS, error);
    });
  }

  /** Ends all calls. Idempotent. */
  async close(): Promise<void> {
    this.#closing.abort();
    clearTimeout(this.#retry);
    const client = await this.#client.catch(() => undefined);
    client?.destroy();
  }

  /** What the time is for the storage, to the second, as it dates its objects. Milliseconds since 1970. */
  now(): number {
    return Math.floor((Date.now() + this.#skew) / 1000) * 1000;
  }

  /**
   * Makes one call, tried up to three times.
   *
   * @param timeout for all of it, in milliseconds.
   * @throws CoreError `unavailable`; what `act` throws for an answer of the storage that has a status.
   */
  async call<T>(
    act: (client: Sdk.S3, options: CallOptions) => Promise<T>,
    { timeout = CALL_TIMEOUT_MS, signal }: { timeout?: number; signal?: AbortSignal | undefined } = {},
  ): Promise<T> {
    const client = await this.#client;
    const deadline = new AbortController();
    const timer = setTimeout(() => {
      deadline.abort();
    }, timeout).unref();
    const signals = [deadline.signal, this.#closing.signal, ...(signal === undefined ? [] : [signal])];
    try {
      return await act(client, { abortSignal: AbortSignal.any(signals) });
    } catch (error) {
      if (statusOf(error) !== undefined) throw error;
      throw this.failure(deadline.signal.aborted ? 'timeout' : reasonOf(error), error);
    } finally {
      // What is still to be read of the answer is no longer bound by the deadline.
      clearTimeout(timer);
    }
  }

  /** An error in words fit for anybody: they name neither keys nor hosts. */
  failure(reason: string, cause?: unknown): CoreError {
    return new CoreError('unavailable', `s3 filesystem (${this.#name}): ${reason}`, { cause });
  }

  #retryAfter(delay: number, failure: unknown): void {
    if (this.#closing.signal.aborted) return;
    const { bucket } = this.location;
    const error = failure instanceof CoreError ? failure.message : reasonOf(failure);
    this.#log.warn('Bucket not accessible', {
      filesystem: this.#name,
      bucket,
      error,
      retry_seconds: delay / 1000,
    });
    this.#retry = setTimeout(() => {
      const attempt = this.#connect();
      attempt.then(
        () => {
          // Only now: until the bucket can be used, nobody waits for it.
          this.#client = attempt;
          this.#log.info('Bucket accessible', { filesystem: this.#name, bucket });
        },
        (reason: unknown) => {
          this.#retryAfter(Math.min(delay * 2, LONGEST_RETRY_MS), reason);
        },
      );
    }, delay).unref();
  }

  async #connect(): Promise<Sdk.S3> {
    // It takes tens of milliseconds and megabytes to load.
    const sdk = await import('@aws-sdk/client-s3');
    const client = this.#createClient(sdk);
    const timeout = AbortSignal.timeout(CONNECT_TIMEOUT_MS);
    try {
      await this.#ensureBucket(client, AbortSignal.any([timeout, this.#closing.signal]));
      return client;
    } catch (error) {
      client.destroy();
      const reason = timeout.aborted ? 'timeout' : reasonOf(error);
      throw this.failure(`can't access bucket ${this.location.bucket}: ${reason}`, error);
    }
  }

  #createClient(sdk: typeof Sdk): Sdk.S3 {
    const { endpoint, isSecure, region, accessKeyId, secretAccessKey } = this.location;
    const isAmazon = endpoint === 's3.amazonaws.com';
    const isAnonymous = accessKeyId === '' && secretAccessKey === '';
    const client = new sdk.S3({
      // Amazon's is found by the region.
      ...(isAmazon ? {} : { endpoint: `http${isSecure ? 's' : ''}://${endpoint}` }),
      forcePathStyle: !endpoint.endsWith('.amazonaws.com'),
      region: region === '' ? DEFAULT_REGION : region,
      // Always given: what lies around on the machine for other programs is not meant for us.
      credentials: {
        accessKeyId: accessKeyId || 'anonymous',
        secretAccessKey: secretAccessKey || 'anonymous',
      },
      ...(isAnonymous ? { signer: { sign: (request) => Promise.resolve(request) } } : {}),
      maxAttempts: ATTEMPTS,
      // Compatible storages do not know Amazon's newer checksums; what we send is signed as it is.
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
      requestHandler: {
        connectionTimeout: CONNECT_TIMEOUT_MS / 2,
        httpAgent: { keepAlive: true, maxSockets: MAX_SOCKETS },
        httpsAgent: { keepAlive: true, maxSockets: MAX_SOCKETS },
      },
    });
    client.middlewareStack.add(
      (next) => async (args) => {
        const result = await next(args);
        const { headers } = result.response as { headers?: Record<string, string> };
        const date = Date.parse(headers?.['date'] ?? '');
        if (!Number.isNaN(date)) this.#skew = date - Math.floor(Date.now() / 1000) * 1000;
        return result;
      },
      { step: 'deserialize', name: 'storageClock' },
    );
    return client;
  }

  async #ensureBucket(client: Sdk.S3, abortSignal: AbortSignal): Promise<void> {
    const { bucket, region } = this.location;
    try {
      await client.headBucket({ Bucket: bucket }, { abortSignal });
      return;
    } catch (error) {
      if (statusOf(error) !== 404) throw error;
    }
    // Amazon's first region is the one that must not be named.
    const isDefault = region === '' || region === DEFAULT_REGION;
    const LocationConstraint = region as Sdk.BucketLocationConstraint;
    try {
      await client.createBucket(
        { Bucket: bucket, ...(isDefault ? {} : { CreateBucketConfiguration: { LocationConstraint } }) },
        { abortSignal },
      );
    } catch (error) {
      if (!(error instanceof Error) || error.name !== 'BucketAlreadyOwnedByYou') throw error;
    }
  }
}

/** The status of an answer of the storage; undefined if there was none. */
export function statusOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('$metadata' in error)) return undefined;
  const { $metadata, $response } = error as Sdk.S3ServiceException;
  return $response === undefined ? undefined : $metadata.httpStatusCode;
}

/** Why a call failed, in one word: the storage's code or the system's. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown error';
  const word = 'code' in error ? String(error.code) : error.name;
  if (/^[A-Za-z][\w.-]{0,63}$/.test(word) && !/^(Unknown|UnknownError|Error)$/.test(word)) return word;
  const status = statusOf(error);
  return status === undefined ? 'unknown error' : `status ${status}`;
}

function rejected(error: Error): Promise<never> {
  const promise = Promise.reject(error);
  promise.catch(() => undefined);
  return promise;
}
