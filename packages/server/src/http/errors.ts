import { CoreError, errorText, type ErrorCode } from '../util/errors.ts';
import { STATUS_CODES } from '../util/node-http.ts';

const STATUS: Record<ErrorCode, number> = {
  not_found: 404,
  exists: 400,
  invalid: 400,
  forbidden: 403,
  unauthorized: 401,
  no_space: 400,
  too_large: 413,
  unsupported: 400,
  unavailable: 503,
  protocol: 400,
};

/** An answer of the API that is not a success: the status, the endpoint's headline and the details below it. */
export class ApiError extends Error {
  readonly status: number;
  readonly details: string[];

  /**
   * @param message the headline; the status text if left out.
   * @param details a text, which is split at line breaks, or an error, whose text is, or the details themselves.
   */
  constructor(status: number, message?: string, details?: unknown) {
    super(message ?? STATUS_CODES[status] ?? 'Unknown error', { cause: details });
    this.name = 'ApiError';
    this.status = status;
    this.details = toDetails(details);
  }

  /** An error whose only detail is its own headline, as those of the router and the guards are. */
  static plain(status: number): ApiError {
    return new ApiError(status, undefined, STATUS_CODES[status]);
  }

  /** The API's form of whatever was thrown. */
  static from(error: unknown): ApiError {
    if (error instanceof ApiError) return error;
    if (error instanceof CoreError) return new ApiError(STATUS[error.code], undefined, error);
    const status = statusOf(error);
    return status === undefined ? new ApiError(500, undefined, error) : ApiError.plain(status);
  }

  /** The body: `{"code":…,"message":"…","details":["…"]}`. */
  body(): { code: number; message: string; details: string[] } {
    return { code: this.status, message: this.message, details: this.details };
  }
}

function toDetails(details: unknown): string[] {
  if (details === undefined) return [];
  return Array.isArray(details) ? details.map(String) : errorText(details).split('\n');
}

/** The status of an error of the HTTP framework about a bad request; server errors are ours to phrase. */
function statusOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('statusCode' in error)) return undefined;
  const { statusCode } = error;
  return typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500 ? statusCode : undefined;
}
