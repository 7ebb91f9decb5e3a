import { type Client, isMillraceError, type Process } from '@millrace/client';
import { setTimeout as delay } from 'node:timers/promises';
import { choice, count, defineCommand, duration, flag, optionalWord } from '../command.ts';
import type { Context } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { PROCESS_COLUMNS } from '../processes.ts';
import { Screen } from '../top/screen.ts';
import { lastOffset, type SortKey, SORTS, sorted, totals, type View, viewLines } from '../top/view.ts';

const SORT_KEYS = Object.keys(SORTS) as SortKey[];

interface Live {
  view: View;
  interval: number;
  load: (signal: AbortSignal) => Promise<Process[]>;
}

export const top = defineCommand({
  name: 'top',
  summary: 'watch the processes as they work',
  description:
    'Keys: q ends it; c, m, b, f, t, s and n order by CPU, memory, bitrate, frames per second, time, state and name; r turns the order round; the arrows scroll; the space bar looks at once. Where there is no terminal, the list is printed once, or as often as --count says.',
  arguments: { pattern: optionalWord('only ids that fit this pattern, such as cam*', 'process') },
  options: {
    interval: duration('between two looks; 2s if left out', 'time', { short: 'i' }),
    sort: choice('the order at first', 'by', SORT_KEYS, { short: 's' }),
    reverse: flag('the other way round', 'r'),
    count: count('print the list so many times instead of filling the terminal', 'number', { short: 'n' }),
  },
  examples: [
    ['millrace top', 'all processes, the busiest first'],
    ['millrace top --sort memory', 'by memory'],
    ['millrace top --count 1 | head', 'only a look'],
  ],
  async run({ pattern }, { interval = 2, sort = 'cpu', reverse, count: looks }, context) {
    const { client, url } = await context.connection();
    const load = (signal: AbortSignal) => list(client, pattern, signal);
    const processes = await load(context.signal);
    const view: View = { server: url, processes, sort, isReversed: reverse, offset: 0 };
    const isInteractive = context.stdin.isTTY === true && context.stdout.isTTY === true;
    const live: Live = { view, interval: Math.max(1, interval) * 1000, load };
    if (isInteractive && looks === undefined && !context.isJson) return watch(live, context);
    await printLooks(live, looks ?? 1, context);
    return EXIT.done;
  },
});

async function list(client: Client, pattern: string | undefined, signal: AbortSignal): Promise<Process[]> {
  return client.processes.list({ idpattern: pattern, filter: ['state'] }, { signal });
}

async function printLooks({ view, interval, load }: Live, looks: number, context: Context): Promise<void> {
  for (let look = 0; look < looks; look++) {
    if (look > 0) {
      await delay(interval, undefined, { signal: context.signal });
      view.processes = await load(context.signal);
    }
    const rows = sorted(view);
    if (context.isJson) context.print(JSON.stringify(rows));
    else context.print(...(look > 0 ? [''] : []), totals(rows), ...context.table(PROCESS_COLUMNS, rows));
  }
}

async function watch({ view, interval, load }: Live, context: Context): Promise<ExitCode> {
  const done = new AbortController();
  const either = AbortSignal.any([context.signal, done.signal]);
  let wake = Promise.withResolvers<undefined>();
  const draw = () => {
    screen.draw(viewLines(view, screen.size, context.paint));
  };
  const screen = new Screen(context.stdin, context.stdout, {
    key: (name) => {
      if (name === 'q' || name === 'escape') done.abort();
      else if (name === 'space') wake.resolve(undefined);
      else if (press(view, name, screen)) draw();
    },
    resize: draw,
    quit: () => {
      done.abort();
    },
  });
  screen.open();
  try {
    while (!either.aborted) {
      draw();
      wake = Promise.withResolvers();
      await Promise.race([delay(interval, undefined, { signal: either }), wake.promise]);
      try {
        view.processes = await load(either);
        view.error = undefined;
      } catch (error) {
        // What cannot be reached may come back; what refuses does not.
        if (!isMillraceError(error) || error.status === 401 || error.code === 'login') throw error;
        view.error = `${error.message}, trying again`;
      }
    }
  } catch (error) {
    if (!done.signal.aborted) throw error;
  } finally {
    screen.close();
  }
  context.signal.throwIfAborted();
  return EXIT.done;
}

/** What a key changes. Returns whether it does. */
function press(view: View, name: string, { size }: Screen): boolean {
  const sort = SORT_KEYS.find((key) => SORTS[key].key === name);
  const end = lastOffset(view.processes.length, size);
  const page = Math.max(1, size.rows - 6);
  const scrolled: Readonly<Record<string, number>> = {
    up: view.offset - 1,
    down: view.offset + 1,
    pageup: view.offset - page,
    pagedown: view.offset + page,
    home: 0,
    end,
  };
  const offset = scrolled[name];
  if (sort !== undefined) {
    view.isReversed = view.sort === sort && !view.isReversed;
    view.sort = sort;
  } else if (name === 'r') {
    view.isReversed = !view.isReversed;
  } else if (offset !== undefined) {
    view.offset = Math.min(end, Math.max(0, offset));
  } else {
    return false;
  }
  return true;
}
