/** What went wrong, for code that decides by it. The edges (HTTP, exit codes) translate. */
export type ErrorCode =
  | 'not_found'
  | 'exists'
  | 'invalid'
  | 'forbidden'
  | 'unauthorized'
  | 'no_space'
  | 'too_large'
  | 'unsupported'
  | 'unavailable'
  | 'protocol';

/** An expected failure of the domain. The text is lower case, without a full stop, and fit for a user to read. */
export class CoreError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'CoreError';
    this.code = code;
  }
}

/** The text of anything that can be thrown. */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
