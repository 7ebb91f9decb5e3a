import { MillraceError } from '@millrace/client';
import type { Context } from './context.ts';
import { CommandError } from './errors.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { printable } from './terminal/text.ts';

/** What there is to tell about an error. */
export interface Failure {
  message: string;
  details: readonly string[];
  hint: string | undefined;
  exitCode: ExitCode;
  /** HTTP status, if the server has answered. */
  status: number | undefined;
}

const REFUSED = new Set([400, 405, 409, 412, 413, 415, 416, 422, 429, 507]);
/** What platforms say without telling anything. */
const NOISE = new Set(['fetch failed', 'terminated']);
const AWAY = new Set([502, 503, 504]);

/** What went wrong, what to do about it, and the exit code for it. */
export function toFailure(error: unknown, url: string | undefined): Failure {
  if (error instanceof CommandError) {
    const { message, details, hint, exitCode } = error;
    return { message, details, hint, exitCode, status: undefined };
  }
  if (error instanceof MillraceError) return fromServer(error, url ?? 'the server');
  if (error instanceof Error && error.name === 'AbortError') {
    return {
      message: 'interrupted',
      details: [],
      hint: undefined,
      exitCode: EXIT.interrupted,
      status: undefined,
    };
  }
  const message = error instanceof Error ? error.message : String(error);
  return { message, details: [], hint: undefined, exitCode: EXIT.failed, status: undefined };
}

function fromServer(error: MillraceError, url: string): Failure {
  const { code, status, message, details } = error;
  const failure = (exitCode: ExitCode, hint?: string, text = message): Failure => ({
    message: text,
    details: exitCode === EXIT.unauthorized ? [] : details.filter((line) => !NOISE.has(line)),
    hint,
    exitCode,
    status: status === 0 ? undefined : status,
  });

  if (code === 'login' && status === 401) {
    const hint = `log in again: millrace login ${url}`;
    return failure(EXIT.sessionEnded, hint, `the session with ${url} has ended`);
  }
  if (code === 'login' || status === 401 || status === 403) {
    const isWrong = error.route?.startsWith('POST /api/login') === true;
    if (isWrong) return failure(EXIT.unauthorized, undefined, 'the server does not accept the login');
    return failure(EXIT.unauthorized, `log in first: millrace login ${url}`, `not logged in to ${url}`);
  }
  if (code === 'network' || code === 'timeout' || AWAY.has(status)) {
    const hint = 'is it running, and is the address right? millrace profile ls shows what is used';
    return failure(EXIT.unreachable, hint, `${url}: ${message}`);
  }
  if (code === 'state') return failure(EXIT.processFailed, 'millrace report shows all that FFmpeg has said');
  // compat: Core answers 400 to most questions about a process that does not exist.
  if (/^unknown process( id)?$/im.test([message, ...details].join('\n'))) {
    return {
      ...failure(EXIT.notFound, 'millrace ps lists the processes', 'there is no such process'),
      details: [],
    };
  }
  if (code === 'unsupported') return failure(EXIT.failed);
  if (status === 404) return failure(EXIT.notFound);
  if (status === 429) return failure(EXIT.refused, waitHint(error.retryAfter));
  return failure(REFUSED.has(status) ? EXIT.refused : EXIT.failed);
}

function waitHint(seconds: number | undefined): string {
  return seconds === undefined
    ? 'too many attempts: wait a while'
    : `too many attempts: wait ${seconds} seconds`;
}

/** Tells what went wrong, to a person or to a program. */
export function report(context: Context, failure: Failure): void {
  const { message, details, hint, exitCode, status } = failure;
  if (context.isJson) {
    context.stderr.write(
      `${JSON.stringify({ error: { exit_code: exitCode, status, message, details, hint } })}\n`,
    );
    return;
  }
  if (exitCode === EXIT.interrupted) return;
  const lines = [
    `${context.paintError('bad', 'millrace:')} ${printable(message)}`,
    ...details.map((line) => `  ${printable(line)}`),
    ...(hint === undefined ? [] : [context.paintError('dim', `  ${hint}`)]),
  ];
  context.stderr.write(`${lines.join('\n')}\n`);
}
