/** What the exit code of the command line tells. */
export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  unauthorized: 3,
  notFound: 4,
  refused: 5,
  unreachable: 6,
  processFailed: 7,
  sessionEnded: 8,
  interrupted: 130,
  closedPipe: 141,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** The exit codes for people, in order. */
export const EXIT_CODES: readonly (readonly [ExitCode, string])[] = [
  [EXIT.done, 'Done.'],
  [EXIT.failed, 'Failed: an error of the server, or of this machine.'],
  [EXIT.usage, 'The command line is not valid; nothing has been done.'],
  [EXIT.unauthorized, 'Not logged in, or not allowed.'],
  [EXIT.notFound, 'There is no such process, file or setting.'],
  [EXIT.refused, 'The server refused what it was given: not valid, exists already, or no space left.'],
  [EXIT.unreachable, 'The server cannot be reached, or did not answer in time.'],
  [EXIT.processFailed, 'The process that was waited for has failed.'],
  [EXIT.sessionEnded, 'The session has ended: log in again.'],
  [EXIT.interrupted, 'Ended by Ctrl-C.'],
  [EXIT.closedPipe, 'The reader of the output went away, as in `millrace ps | head`.'],
];
