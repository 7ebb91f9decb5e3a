/**
 * What went wrong, for a program to decide by:
 *
 * - `status`: the server has answered, but with no success
 * - `unsupported`: the server does not have this route: it is older, or a setting turns the route off
 * - `login`: there is nothing to log in with; with status 401 if there was a session, which has ended
 * - `network`: no answer, or one that was cut off
 * - `timeout`: nothing came in time
 * - `stream`: a body would have to be sent again but was a stream, or streams cannot be sent from here
 * - `answer`: what came is not what the API answers
 * - `argument`: the call makes no sense, nothing was sent
 * - `state`: the process will not get into the state that is waited for
 */
export type ErrorCode =
  'status' | 'unsupported' | 'login' | 'network' | 'timeout' | 'stream' | 'answer' | 'argument' | 'state';

/** More about an error. */
export interface ErrorContext {
  status?: number | undefined;
  details?: readonly string[] | undefined;
  route?: string | undefined;
  body?: unknown;
  retryAfter?: number | undefined;
  attempts?: number | undefined;
  cause?: unknown;
}

/** The one error that calls fail with; only an aborted call fails with the reason of its signal. */
export class MillraceError extends Error {
  override readonly name = 'MillraceError';
  readonly code: ErrorCode;
  /** HTTP status; 0 without an answer. */
  readonly status: number;
  /** What the server says besides the message, line by line. */
  readonly details: readonly string[];
  /** Such as `GET /api/v3/process/{id}`. */
  readonly route: string | undefined;
  /** The parsed JSON of the answer: the messages by the name of the setting for a configuration with errors. */
  readonly body: unknown;
  /** Seconds after which to try again, if the server says so. */
  readonly retryAfter: number | undefined;
  /** How often the request was sent. */
  readonly attempts: number;

  constructor(code: ErrorCode, message: string, context: ErrorContext = {}) {
    super(message, context.cause === undefined ? undefined : { cause: context.cause });
    this.code = code;
    this.status = context.status ?? 0;
    this.details = context.details ?? [];
    this.route = context.route;
    this.body = context.body;
    this.retryAfter = context.retryAfter;
    this.attempts = context.attempts ?? 1;
  }
}

/** Whether a caught value is an error of this client, with this status if one is named. */
export function isMillraceError(error: unknown, status?: number): error is MillraceError {
  return error instanceof MillraceError && (status === undefined || error.status === status);
}
