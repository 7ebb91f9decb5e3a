import process from 'node:process';
import { setFlagsFromString } from 'node:v8';
import { errorText } from './util/errors.ts';
import { settleMemory } from './util/garbage.ts';

if (process.argv[2] === 'reset-password') {
  const { resetPassword } = await import('./reset-password.ts');
  const { env, stdin, stdout, stderr } = process;
  process.exit(
    await resetPassword({ args: process.argv.slice(3), env, cwd: process.cwd(), stdin, stdout, stderr }),
  );
}
const { App } = await import('./app.ts');

/** npm hands on a Ctrl-C that the terminal has sent to all already: within this time it is the same one. In milliseconds. */
const SAME_SIGNAL = 250;

/**
 * Runs the server until it is told to stop.
 *
 * Exit codes: 0 after SIGINT or SIGTERM, 1 if it cannot start or fails beyond repair, 130 or 143 if a second
 * signal cuts the shutdown short.
 */
async function main(): Promise<void> {
  // Uploads come and go as buffers outside of V8's heap. By default every few dozen megabytes of them start a full
  // collection, which costs more than the uploads themselves; so their sum is weighed together with the heap.
  setFlagsFromString('--external-memory-accounted-in-global-limit');

  const app = new App({ env: process.env, directory: process.cwd(), console: process.stderr });
  let stoppedAt: number | undefined;

  const stop = (signal: NodeJS.Signals, code: number) => {
    // The guardian of the children outlives the server and ends whatever is left of them.
    if (stoppedAt !== undefined) {
      if (performance.now() - stoppedAt > SAME_SIGNAL) process.exit(code);
      return;
    }
    stoppedAt = performance.now();
    app.log.info('Shutdown requested', { signal });
    app.close().then(
      () => process.exit(0),
      (error: unknown) => {
        fail('Shutdown failed', error);
      },
    );
  };
  const isStopping = () => stoppedAt !== undefined;
  const fail = (message: string, error: unknown) => {
    app.log.error(message, { error: errorText(error) });
    process.exit(1);
  };

  process.on('SIGINT', () => {
    stop('SIGINT', 130);
  });
  process.on('SIGTERM', () => {
    stop('SIGTERM', 143);
  });
  process.on('SIGHUP', () => void app.reload());
  process.on('uncaughtException', (error) => {
    app.log.error('Unexpected error', { stack: error.stack ?? error.message });
    process.exit(1);
  });

  try {
    await app.start();
    settleMemory();
  } catch (error) {
    if (!isStopping()) fail('Failed to start', error);
  }
}

await main();
