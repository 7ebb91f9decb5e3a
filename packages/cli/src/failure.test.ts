import { MillraceError, type ErrorContext } from '@millrace/client';
import { expect, test } from 'vitest';
import { CommandError, UsageError } from './errors.ts';
import { EXIT } from './exit-codes.ts';
import { toFailure } from './failure.ts';

const status = (code: number, message = 'x', context: ErrorContext = {}) =>
  new MillraceError('status', message, { status: code, ...context });

test.each([
  [new UsageError('x'), EXIT.usage],
  [new CommandError('x'), EXIT.failed],
  [new Error('x'), EXIT.failed],
  ['x', EXIT.failed],
  [new DOMException('x', 'AbortError'), EXIT.interrupted],
  [new MillraceError('login', 'x'), EXIT.unauthorized],
  [new MillraceError('login', 'x', { status: 401 }), EXIT.sessionEnded],
  [status(401), EXIT.unauthorized],
  [status(403), EXIT.unauthorized],
  [status(404), EXIT.notFound],
  [status(404, 'Unknown process ID'), EXIT.notFound],
  [status(400, 'Unknown process ID'), EXIT.notFound],
  [status(400, 'Command failed', { details: ['unknown process'] }), EXIT.notFound],
  [status(400, 'Invalid', { details: ["unknown process 'x' (#x:output=y)"] }), EXIT.refused],
  [status(409), EXIT.refused],
  [status(429), EXIT.refused],
  [status(507), EXIT.refused],
  [status(500), EXIT.failed],
  [status(503), EXIT.unreachable],
  [new MillraceError('network', 'x'), EXIT.unreachable],
  [new MillraceError('timeout', 'x'), EXIT.unreachable],
  [new MillraceError('unsupported', 'x', { status: 404 }), EXIT.failed],
  [new MillraceError('state', 'x'), EXIT.processFailed],
])('%o ends with %i', (error, exitCode) => {
  expect(toFailure(error, 'http://server').exitCode).toBe(exitCode);
});

test('who is not logged in is told how to', () => {
  expect(toFailure(status(401), 'http://server')).toMatchObject({
    message: 'not logged in to http://server',
    hint: 'log in first: millrace login http://server',
  });
});

test('a refused login is not told to log in', () => {
  expect(toFailure(status(403, 'Forbidden', { route: 'POST /api/login' }), 'http://server')).toMatchObject({
    message: 'the server does not accept the login',
    hint: undefined,
  });
});
