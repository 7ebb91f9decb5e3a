import { type Client, isMillraceError } from '@millrace/client';
import { setTimeout as delay } from 'node:timers/promises';
import { count, defineCommand, flag, word } from '../command.ts';
import type { Context } from '../context.ts';
import { logLine, type LogEntry, ReportFollower } from '../report.ts';

/** Between two looks, in milliseconds. */
const INTERVAL = 1000;
const LONGEST_PAUSE = 10_000;

export const logs = defineCommand({
  name: 'logs',
  summary: 'show what FFmpeg says',
  description:
    'With --follow it goes on over new runs of the process and restarts of the server, and says when the state of the process changes. With --json each line is a JSON object.',
  arguments: { id: word('id of the process', 'process') },
  options: {
    follow: flag('go on with what comes, until Ctrl-C', 'f'),
    lines: count('so many lines of what is there; 50 if left out', 'number', { short: 'n' }),
  },
  examples: [
    ['millrace logs -f camera', 'the last lines, and what comes'],
    ['millrace logs -n 500 camera | grep -i error', 'search what is kept of the present run'],
  ],
  async run({ id }, { follow, lines = 50 }, context) {
    const client = await context.client();
    const follower = new ReportFollower();
    const { entries } = follower.next(await client.processes.report(id, { signal: context.signal }));
    print(context, lines === 0 ? [] : entries.slice(-lines));
    if (follow) await followLogs(client, id, follower, context);
  },
});

async function followLogs(
  client: Client,
  id: string,
  follower: ReportFollower,
  context: Context,
): Promise<void> {
  const { signal } = context;
  const done = new AbortController();
  const states = new StateNotes(client, id, AbortSignal.any([signal, done.signal]));
  let failures = 0;
  try {
    for (;;) {
      await Promise.race([
        delay(Math.min(INTERVAL * 2 ** failures, LONGEST_PAUSE), undefined, { signal }),
        states.next(),
      ]);
      const notes = states.take();
      try {
        const { entries, isGap } = follower.next(await client.processes.report(id, { signal, retries: 0 }));
        if (failures > 0) context.note('-- connected again');
        failures = 0;
        if (isGap) context.note('-- lines are missing here');
        print(context, entries);
        for (const note of notes) context.note(`-- ${note}`);
      } catch (error) {
        if (!isPassing(error)) throw error;
        if (failures === 0) context.note('-- the connection is lost, trying again');
        failures++;
      }
    }
  } finally {
    done.abort();
    await states.closed;
  }
}

/** Tells of changes of the state of a process as the server tells them; of none if it does not. */
class StateNotes {
  readonly closed: Promise<void>;
  #notes: string[] = [];
  #changed = Promise.withResolvers<undefined>();

  constructor(client: Client, id: string, signal: AbortSignal) {
    // Without events, lines still come by looking for them.
    this.closed = this.#watch(client, id, signal).catch(() => undefined);
  }

  /** Resolves when there is something to take. */
  next(): Promise<undefined> {
    return this.#changed.promise;
  }

  take(): string[] {
    const notes = this.#notes;
    this.#notes = [];
    this.#changed = Promise.withResolvers();
    return notes;
  }

  async #watch(client: Client, id: string, signal: AbortSignal): Promise<void> {
    for await (const event of client.events({ type: 'process' }, { signal })) {
      if (event.type === 'process.state' && event.process === id) this.#add(`${event.from} → ${event.state}`);
      if (event.type === 'process.updated' && event.process === id) this.#add('the process was changed');
    }
  }

  #add(note: string): void {
    this.#notes.push(note);
    this.#changed.resolve(undefined);
  }
}

function print(context: Context, entries: readonly LogEntry[]): void {
  for (const entry of entries) {
    const [at, text] = entry;
    if (context.isJson) context.print(JSON.stringify({ time: Number(at), text }));
    else context.print(logLine(entry, context.paint));
  }
}

function isPassing(error: unknown): boolean {
  if (!isMillraceError(error)) return false;
  return error.code === 'network' || error.code === 'timeout' || error.status >= 500;
}
