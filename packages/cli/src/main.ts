#!/usr/bin/env node
import { enableCompileCache } from 'node:module';
import process from 'node:process';
import { EXIT } from './exit-codes.ts';

// Most of a short command is reading the sources: what was read once is kept for the next, if there is a place for it.
enableCompileCache();
const { runProgram } = await import('./program.ts');

/** Runs the command line and ends with its exit code. A second Ctrl-C ends it at once. */
async function main(): Promise<void> {
  const interrupt = new AbortController();
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const) {
    process.on(signal, () => {
      if (interrupt.signal.aborted) process.exit(code);
      process.exitCode = code;
      interrupt.abort(new DOMException(signal, 'AbortError'));
    });
  }
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') process.exit(EXIT.closedPipe);
      throw error;
    });
  }

  const { env, stdin, stdout, stderr } = process;
  const code = await runProgram(process.argv.slice(2), {
    env,
    stdin,
    stdout,
    stderr,
    signal: interrupt.signal,
  });
  // Connections that are kept open for more would keep the program.
  const end = interrupt.signal.aborted && code === EXIT.interrupted ? process.exitCode : code;
  stdout.write('', () => process.exit(end));
}

await main();
