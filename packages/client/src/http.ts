import { isStream, sizeOf, toFetchBody, type Body } from './body.ts';
import { backoff, delay, orAborted } from './delay.ts';
import { MillraceError } from './error.ts';
import { readError } from './refusal.ts';

/** What every call takes. */
export interface CallOptions {
  /** Ends the call; it fails with the signal's reason. */
  signal?: AbortSignal | undefined;
  /**
   * How long the server may keep silent before and amid an answer, in milliseconds; 0 for as long as it likes. What is
   * given to the client applies if left out, else 30 seconds.
   */
  timeout?: number | undefined;
  /** How often a call is repeated that may be: after a failure of the network, and on 429, 502, 503 and 504. */
  retries?: number | undefined;
}

export interface HttpOptions extends CallOptions {
  fetch?: typeof fetch | undefined;
}

export interface HttpRequest {
  /** For errors. */
  route: string;
  method: string;
  /** With the query. */
  url: string;
  headers: Readonly<Record<string, string>>;
  body?: Body | undefined;
  /** Whether the server ends up the same however often it gets the request. */
  isRepeatable: boolean;
}

const DEFAULT_TIMEOUT = 30_000;
const DEFAULT_RETRIES = 2;
/** An upload may take that much longer: bytes in a millisecond. */
const SLOWEST_UPLOAD = 16;
const FIRST_PAUSE = 250;
const LONGEST_PAUSE = 5_000;
/** What a server may make a call wait, in seconds; a longer wait is the caller's decision. */
const LONGEST_RETRY_AFTER = 30;
const STREAM_LOST =
  'the body was a stream, which cannot be sent again; browsers send streams over HTTP/2 only';
const TEMPORARY = new Set([429, 502, 503, 504]);

/** Sends requests, each as often as it takes, and turns what is no success into errors. Knows nothing of tokens. */
export class Http {
  readonly #options: HttpOptions;

  constructor(options: HttpOptions) {
    this.#options = options;
  }

  /**
   * @param read takes what is needed of the answer, while the time-out still applies.
   * @throws MillraceError, or the reason of the signal.
   */
  async send<T>(
    request: HttpRequest,
    read: (answer: Answer) => Promise<T>,
    options: CallOptions = {},
  ): Promise<T> {
    const { signal } = options;
    const retries = options.retries ?? this.#options.retries ?? DEFAULT_RETRIES;
    const isStreamed = request.body !== undefined && isStream(request.body.bytes);
    const isRepeatable = request.isRepeatable && !isStreamed;
    for (let attempt = 1; ; attempt++) {
      signal?.throwIfAborted();
      try {
        return await this.#attempt(request, read, options);
      } catch (cause) {
        signal?.throwIfAborted();
        const error = toError(cause, { route: request.route, attempts: attempt, isStreamed });
        const pause = (error.retryAfter ?? 0) * 1000;
        const isWorthIt = isTemporary(error) && pause <= LONGEST_RETRY_AFTER * 1000;
        if (!isRepeatable || attempt > retries || !isWorthIt) throw error;
        await delay(Math.max(pause, backoff(attempt, FIRST_PAUSE, LONGEST_PAUSE)), signal);
      }
    }
  }

  async #attempt<T>(
    { method, url, headers, body, route }: HttpRequest,
    read: (answer: Answer) => Promise<T>,
    { signal, timeout = this.#options.timeout ?? DEFAULT_TIMEOUT }: CallOptions,
  ): Promise<T> {
    const watch = new Watch(timeout, signal);
    const upload = body && sizeOf(body.bytes);
    try {
      watch.start((upload ?? 0) / SLOWEST_UPLOAD);
      const call = this.#options.fetch ?? fetch;
      const response = await call(url, {
        method,
        headers: { ...headers, ...(body && { 'content-type': body.type }) },
        ...(body &&
          toFetchBody(body.bytes, () => {
            watch.start();
          })),
        signal: watch.signal,
        cache: 'no-store',
      });
      watch.stop();
      const answer = new Answer(response, watch);
      if (!response.ok) throw await readError(route, response.status, response.headers, answer);
      return await read(answer);
    } catch (error) {
      watch.stop();
      throw watch.isLate && !(error instanceof MillraceError) ? late(timeout, error) : error;
    }
  }
}

/** An answer whose body is read under a time-out. */
export class Answer {
  readonly #response: Response;
  readonly #watch: Watch;

  constructor(response: Response, watch: Watch) {
    this.#response = response;
    this.#watch = watch;
  }

  get type(): string {
    return this.#response.headers.get('content-type') ?? '';
  }

  async text(): Promise<string> {
    return new Response(this.#watchedBody()).text();
  }

  /** The answer with its body as a stream, which fails with MillraceError. */
  stream(): Response {
    const { status, statusText, headers } = this.#response;
    const init = { status, statusText, headers };
    return new Response(status === 204 || status === 304 ? null : this.#watchedBody(), init);
  }

  /** The watch runs only while somebody waits for bytes. */
  #watchedBody(): ReadableStream<Uint8Array> | null {
    const reader = this.#response.body?.getReader();
    if (reader === undefined) return null;
    const watch = this.#watch;
    return new ReadableStream<Uint8Array>(
      {
        async pull(controller) {
          watch.start();
          try {
            const { done, value } = await orAborted(reader.read(), watch.signal);
            if (done) controller.close();
            else controller.enqueue(value);
          } catch (error) {
            reader.cancel(error).catch(() => undefined);
            controller.error(watch.isLate ? late(watch.timeout, error) : watch.reason(error));
          } finally {
            watch.stop();
          }
        },
        async cancel(reason) {
          await reader.cancel(reason);
        },
      },
      { highWaterMark: 0 },
    );
  }
}

/** Ends a request when nothing comes in time, or its caller gives up. */
class Watch {
  readonly signal: AbortSignal;
  readonly timeout: number;
  readonly #late = new AbortController();
  readonly #callers: AbortSignal | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(timeout: number, signal: AbortSignal | undefined) {
    this.timeout = timeout;
    this.#callers = signal;
    this.signal = signal ? AbortSignal.any([signal, this.#late.signal]) : this.#late.signal;
  }

  get isLate(): boolean {
    return this.#late.signal.aborted;
  }

  /** What to tell the reader of a body that was cut off. */
  reason(error: unknown): unknown {
    if (this.#callers?.aborted === true) return this.#callers.reason;
    return new MillraceError('network', 'the answer was cut off', { cause: error });
  }

  /** @param more milliseconds beyond the time-out. */
  start(more = 0): void {
    this.stop();
    if (this.timeout <= 0) return;
    this.#timer = setTimeout(() => {
      this.#late.abort();
    }, this.timeout + more);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}

function late(timeout: number, cause: unknown): MillraceError {
  return new MillraceError('timeout', `no answer within ${timeout / 1000} s`, { cause });
}

function isTemporary({ code, status }: MillraceError): boolean {
  return code === 'network' || code === 'timeout' || TEMPORARY.has(status);
}

/** The error with what is known only here. */
function toError(
  cause: unknown,
  { route, attempts, isStreamed }: { route: string; attempts: number; isStreamed: boolean },
): MillraceError {
  const known =
    cause instanceof MillraceError
      ? cause
      : new MillraceError('network', 'the server cannot be reached', { cause, details: reasonsOf(cause) });
  const { code, message, status, details, body, retryAfter } = known;
  const isLost = isStreamed && isTemporary(known);
  return new MillraceError(code, message, {
    ...{ status, body, retryAfter, route, attempts },
    details: isLost ? [...details, STREAM_LOST] : details,
    cause: known.cause,
  });
}

/** What the platform says, inner reasons included: "fetch failed" alone tells nobody anything. */
function reasonsOf(error: unknown): string[] {
  if (!(error instanceof Error)) return [];
  const inner = error instanceof AggregateError ? (error.errors as unknown[])[0] : error.cause;
  return [error.message, ...reasonsOf(inner)].filter((text) => text !== '');
}
