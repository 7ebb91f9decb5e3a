import type { Client, CallOptions, Process } from '@millrace/client';
import { setTimeout as delay } from 'node:timers/promises';
import type { Context } from './context.ts';
import { CommandError } from './errors.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { report, toFailure } from './failure.ts';
import { stateStyle } from './terminal/style.ts';
import type { Column } from './terminal/table.ts';
import { formatBitrate, formatBytes, formatDuration, formatPercent } from './terminal/units.ts';

/** The ids that words stand for: patterns (`cam*`) are looked up, all else is taken as it is. */
export async function resolveIds(
  client: Client,
  words: readonly string[],
  options: CallOptions,
): Promise<string[]> {
  const ids: string[] = [];
  for (const word of words) {
    if (!isPattern(word)) {
      ids.push(word);
      continue;
    }
    const found = await client.processes.list({ idpattern: word, filter: ['state'] }, options);
    if (found.length === 0) {
      throw new CommandError(`no process fits ${word}`, {
        exitCode: EXIT.notFound,
        hint: 'millrace ps lists the processes',
      });
    }
    ids.push(...found.map(({ id }) => id).sort());
  }
  return [...new Set(ids)];
}

/** Whether a word is a pattern of the server's. */
export function isPattern(word: string): boolean {
  return /[*?[{]/.test(word);
}

/**
 * Does the same to several things, the next also if one fails. Each failure is told; the exit code is that of the first.
 */
export async function forEach<T>(
  context: Context,
  things: readonly T[],
  act: (thing: T) => Promise<void>,
  nameOf: (thing: T) => string = String,
): Promise<ExitCode> {
  let code: ExitCode = EXIT.done;
  for (const thing of things) {
    try {
      await act(thing);
    } catch (error) {
      const failure = toFailure(error, context.url);
      const isTheirs = failure.exitCode === EXIT.notFound || failure.exitCode === EXIT.refused;
      // What is about all of them is said once.
      if (things.length === 1 || (!isTheirs && failure.exitCode !== EXIT.processFailed)) throw error;
      report(context, { ...failure, message: `${nameOf(thing)}: ${failure.message}` });
      if (code === EXIT.done) code = failure.exitCode;
    }
  }
  return code;
}

/** Between two looks, in milliseconds. */
const INTERVAL = 250;
const PATIENCE = 60;

/**
 * Waits until FFmpeg gets on with its work, or is done with it. That it runs says little: it may be trying still to open its
 * input.
 *
 * @param seconds how long to wait; a minute if left out.
 * @throws CommandError if it fails or takes too long, with what FFmpeg says; MillraceError.
 */
export async function waitUntilAtWork(
  client: Client,
  id: string,
  seconds = PATIENCE,
  signal: AbortSignal,
): Promise<void> {
  const until = Date.now() + seconds * 1000;
  for (;;) {
    const { exec, order, progress, failure, last_logline } = await client.processes.state(id, { signal });
    const isAtWork =
      exec === 'running' && (progress.packet > 0 || progress.frame > 0 || progress.size_kb > 0);
    if (isAtWork || exec === 'finished') return;
    const hint = `millrace report ${id} shows all that FFmpeg has said`;
    if (exec === 'failed' || exec === 'killed' || order === 'stop') {
      throw new CommandError(`process ${id} is ${exec}`, {
        exitCode: EXIT.processFailed,
        details: [failure?.line ?? last_logline, failure?.advice ?? ''].filter((line) => line !== ''),
        hint,
      });
    }
    if (Date.now() > until) {
      const details = last_logline === '' ? [] : [last_logline];
      const message = `process ${id} is ${exec} but gets no further`;
      throw new CommandError(message, { exitCode: EXIT.processFailed, details, hint });
    }
    await delay(INTERVAL, undefined, { signal });
  }
}

/** What a process does, in a few words: `running`, `failed (dns), again in 4s`, `finished`. */
export function stateText({ state }: Process): string {
  if (state === undefined) return '';
  if (state.exec === '') return 'not valid';
  const reason = state.failure === undefined ? '' : ` (${state.failure.class})`;
  const again = state.reconnect_seconds < 0 ? '' : `, again in ${formatDuration(state.reconnect_seconds)}`;
  return state.exec + (state.exec === 'running' ? '' : reason + again);
}

/** The columns of the list of processes. */
export const PROCESS_COLUMNS: readonly Column<Process>[] = [
  { title: 'ID', text: ({ id }) => id, min: 8 },
  { title: 'STATE', text: stateText, style: ({ state }) => stateStyle(state?.exec ?? ''), min: 8 },
  { title: 'FOR', text: ({ state }) => formatDuration(state?.runtime_seconds ?? 0), align: 'right' },
  {
    title: 'FPS',
    text: (row) => whileRunning(row, ({ fps }) => fps.toFixed(fps < 9.95 ? 1 : 0)),
    align: 'right',
    optional: 2,
  },
  {
    title: 'SPEED',
    text: (row) => whileRunning(row, ({ speed }) => `${speed.toFixed(2)}x`),
    align: 'right',
    optional: 3,
  },
  {
    title: 'BITRATE',
    // FFmpeg knows none of outputs in many files, as HLS.
    text: (row) => whileRunning(row, ({ bitrate_kbit: kbit }) => (kbit > 0 ? formatBitrate(kbit) : '')),
    align: 'right',
    optional: 4,
  },
  {
    title: 'CPU',
    text: ({ state }) => (state === undefined ? '' : formatPercent(state.cpu_usage)),
    align: 'right',
    optional: 1,
  },
  {
    title: 'MEMORY',
    text: ({ state }) => (state === undefined ? '' : formatBytes(state.memory_bytes)),
    align: 'right',
    optional: 1,
  },
  { title: 'REFERENCE', text: ({ reference }) => reference, min: 6, optional: 5 },
];

type Progress = NonNullable<Process['state']>['progress'];

function whileRunning({ state }: Process, text: (progress: Progress) => string): string {
  return state?.exec === 'running' ? text(state.progress) : '';
}
