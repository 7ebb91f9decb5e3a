import { EXIT, type ExitCode } from './exit-codes.ts';

/** An expected failure, fit for a user to read. */
export class CommandError extends Error {
  readonly exitCode: ExitCode;
  /** What to do about it, if that can be said. */
  readonly hint: string | undefined;
  /** The parts of the failure, one a line. */
  readonly details: readonly string[];

  constructor(
    message: string,
    options: { exitCode?: ExitCode; hint?: string; details?: readonly string[]; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.name = 'CommandError';
    this.exitCode = options.exitCode ?? EXIT.failed;
    this.hint = options.hint;
    this.details = options.details ?? [];
  }
}

/** The command line says what cannot be meant. */
export class UsageError extends CommandError {
  constructor(message: string, hint?: string) {
    super(message, { exitCode: EXIT.usage, ...(hint !== undefined && { hint }) });
    this.name = 'UsageError';
  }
}
