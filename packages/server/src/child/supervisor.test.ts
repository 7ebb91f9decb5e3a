import type { ChildProcess } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Logger } from '../log/logger.ts';
import { Child } from './child.ts';
import { Supervisor, type Ending, type Supervision } from './supervisor.ts';

/** A child process that ends when it is told to. */
class FakeProcess extends EventEmitter {
  readonly pid = 1;
  readonly stderr = new PassThrough();
  readonly signals: string[] = [];
  /** Which signals end it. */
  obeys: string[] = ['SIGINT', 'SIGKILL'];

  kill(signal: NodeJS.Signals): boolean {
    this.signals.push(signal);
    if (!this.obeys.includes(signal)) return true;
    if (signal === 'SIGKILL') this.end(null, signal);
    else this.end(255);
    return true;
  }

  end(code: number | null, signal: NodeJS.Signals | null = null): void {
    queueMicrotask(() => {
      this.emit('exit', code, signal);
      this.emit('close', code, signal);
    });
  }
}

const SUPERVISION: Supervision = {
  reconnect: false,
  reconnectDelayMs: 0,
  maxReconnectDelayMs: 0,
  staleTimeoutMs: 0,
  limits: { cpuPercent: 0, memoryBytes: 0, waitForMs: 0 },
};

function last<T>(items: readonly T[]): T {
  const item = items.at(-1);
  if (item === undefined) throw new Error('nothing was started');
  return item;
}

function setUp(supervision: Partial<Supervision> = {}) {
  const processes: FakeProcess[] = [];
  const children: Child[] = [];
  const logged: string[] = [];
  const notes: string[] = [];
  const lines: string[] = [];
  const endings: Ending[] = [];
  const classes: unknown[] = [];
  let spawnFailure: Error | undefined;
  const record = (message: string, fields?: Record<string, unknown>) => {
    logged.push(message);
    if (fields && 'class' in fields) classes.push([message, fields['class']]);
  };
  const explain = (ending: Ending) => {
    endings.push(ending);
    return 'why';
  };
  const log: Logger = {
    debug: record,
    info: record,
    warn: record,
    error: record,
    enabled: () => true,
    with: () => log,
  };
  const supervisor = new Supervisor(
    {
      spawn: ({ binary }) => {
        const process = new FakeProcess();
        const child = new Child(spawnFailure ?? (process as unknown as ChildProcess), binary);
        if (spawnFailure === undefined) processes.push(process);
        children.push(child);
        return child;
      },
    },
    { binary: '/ffmpeg', args: ['-i', 'x'], log, explain, ...SUPERVISION, ...supervision },
  );
  supervisor.on('note', (note) => notes.push(note));
  supervisor.on('line', (line) => lines.push(line));
  return {
    supervisor,
    processes,
    logged,
    notes,
    lines,
    endings,
    classes,
    failToSpawn: (error: Error | undefined) => {
      spawnFailure = error;
    },
    latest: () => last(processes),
    sample: (cpuPercent = 0, memoryBytes = 0) => {
      last(children).sample({ cpuPercent, memoryBytes });
    },
    /** Lets the present child end by itself. */
    end: async (code: number | null, signal: NodeJS.Signals | null = null) => {
      const ended = once(supervisor, 'ended');
      last(processes).end(code, signal);
      await ended;
    },
  };
}

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

describe('states', () => {
  test('a new supervisor is finished, with the order to stop, and has counted nothing', () => {
    const { supervisor } = setUp();
    expect(supervisor.status()).toMatchObject({
      state: 'finished',
      order: 'stop',
      reconnectInMs: undefined,
      transitions: { finished: 0, starting: 0 },
      command: ['-i', 'x'],
    });
  });

  test('a start leads over starting to running at once', () => {
    const { supervisor } = setUp();
    const states: string[] = [];
    supervisor.on('state', (to, from) => states.push(`${from} → ${to}`));
    supervisor.start();
    expect(states).toEqual(['finished → starting', 'starting → running']);
    expect(supervisor.order).toBe('start');
  });

  test.each<[code: number | null, signal: NodeJS.Signals | null, state: string, logged: string[]]>([
    [0, null, 'finished', ['Stopped']],
    [255, null, 'finished', ['Finished', 'Stopped']],
    [1, null, 'failed', ['Failed', 'Stopped']],
    [254, null, 'failed', ['Failed', 'Stopped']],
    [null, 'SIGKILL', 'killed', ['Killed', 'Stopped']],
    [null, 'SIGSEGV', 'killed', ['Killed', 'Stopped']],
    [null, 'SIGINT', 'killed', ['Killed', 'Stopped']],
  ])('after exit code %s and signal %s it is %s', async (code, signal, state, logged) => {
    const set = setUp();
    set.supervisor.start();
    await set.end(code, signal);
    expect(set.supervisor.state).toBe(state);
    expect(set.logged).toEqual(['Starting', 'Started', ...logged]);
  });

  test('each state that is entered is counted', async () => {
    const { supervisor, end } = setUp();
    supervisor.start();
    await end(1);
    supervisor.start();
    await supervisor.stop();
    expect(supervisor.status().transitions).toEqual({
      starting: 2,
      running: 2,
      failed: 1,
      finishing: 1,
      finished: 1,
      killed: 0,
    });
  });

  test('the time in a state begins with it', async () => {
    const { supervisor, end } = setUp();
    supervisor.start();
    vi.advanceTimersByTime(1_500);
    expect(supervisor.status().inStateMs).toBe(1_500);
    await end(0);
    expect(supervisor.status().inStateMs).toBe(0);
  });

  test('a child that cannot be started is failed, and says why in a line', async () => {
    const { supervisor, failToSpawn, lines, logged } = setUp();
    failToSpawn(Object.assign(new Error('spawn /ffmpeg ENOENT'), { errno: -2 }));
    const ended = once(supervisor, 'ended');
    supervisor.start();
    expect(supervisor.state).toBe('starting');
    await ended;
    expect(supervisor.state).toBe('failed');
    expect(lines).toEqual(['fork/exec /ffmpeg: no such file or directory']);
    expect(logged).toEqual(['Starting', 'Command failed']);
  });
});

describe('stopping', () => {
  test('interrupts the child and waits for its end', async () => {
    const { supervisor, latest, logged } = setUp();
    supervisor.start();
    const stopped = supervisor.stop();
    expect(supervisor.state).toBe('finishing');
    await stopped;
    expect(latest().signals).toEqual(['SIGINT']);
    expect(supervisor.status()).toMatchObject({ state: 'finished', order: 'stop' });
    expect(logged).toEqual(['Starting', 'Started', 'Stopping', 'Finished', 'Stopped']);
  });

  test('kills a child that is still there after 5 seconds', async () => {
    const { supervisor, latest, notes } = setUp();
    supervisor.start();
    latest().obeys = ['SIGKILL'];
    const stopped = supervisor.stop();
    await vi.advanceTimersByTimeAsync(4_999);
    expect(latest().signals).toEqual(['SIGINT']);
    await vi.advanceTimersByTimeAsync(1);
    await stopped;
    expect(latest().signals).toEqual(['SIGINT', 'SIGKILL']);
    expect(supervisor.state).toBe('killed');
    expect(notes).toEqual(['Ended by SIGKILL, not having reacted to SIGINT for 5s.']);
  });

  test('a second stop waits, too', async () => {
    const { supervisor, latest } = setUp();
    supervisor.start();
    latest().obeys = [];
    let isSecondDone = false;
    const first = supervisor.stop();
    const second = supervisor.stop().then(() => {
      isSecondDone = true;
    });
    await vi.advanceTimersByTimeAsync(1_000);
    expect(isSecondDone).toBe(false);
    latest().end(255);
    await Promise.all([first, second]);
    expect(latest().signals).toEqual(['SIGINT']);
  });

  test('the kill timer of a child never hits its successor', async () => {
    const { supervisor, latest } = setUp();
    supervisor.start();
    await supervisor.stop();
    supervisor.start();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(latest().signals).toEqual([]);
  });

  test('does nothing to a child that has ended', async () => {
    const { supervisor, end } = setUp();
    supervisor.start();
    await end(1);
    await supervisor.stop();
    expect(supervisor.status()).toMatchObject({ state: 'failed', order: 'stop' });
  });

  test('closing keeps the order and allows no further start', async () => {
    const { supervisor, processes } = setUp({ reconnect: true });
    supervisor.start();
    await supervisor.close();
    supervisor.start();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(supervisor.order).toBe('start');
    expect(processes).toHaveLength(1);
  });
});

describe('starting', () => {
  test('does nothing while the child runs', () => {
    const { supervisor, processes } = setUp();
    supervisor.start();
    supervisor.start();
    expect(processes).toHaveLength(1);
  });

  test('starts a child again that ended with reconnect off', async () => {
    const { supervisor, processes, end } = setUp();
    supervisor.start();
    await end(0);
    supervisor.start();
    expect(supervisor.state).toBe('running');
    expect(processes).toHaveLength(2);
  });

  test('while the child is being stopped, waits for its end: there are never two', async () => {
    const { supervisor, processes, latest } = setUp();
    supervisor.start();
    latest().obeys = [];
    const stopped = supervisor.stop();
    supervisor.start();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(processes).toHaveLength(1);
    latest().end(255);
    await stopped;
    expect(processes).toHaveLength(2);
    expect(supervisor.status()).toMatchObject({ state: 'running', order: 'start' });
  });

  test('then stopping again takes the start back', async () => {
    const { supervisor, processes } = setUp();
    supervisor.start();
    const first = supervisor.stop();
    supervisor.start();
    await Promise.all([first, supervisor.stop()]);
    expect(processes).toHaveLength(1);
    expect(supervisor.status()).toMatchObject({ state: 'finished', order: 'stop' });
  });
});

describe('restarting', () => {
  test.each([false, true])('starts again at once, with reconnect %s', async (reconnect) => {
    const { supervisor, processes, logged } = setUp({ reconnect, reconnectDelayMs: 60_000 });
    supervisor.start();
    await supervisor.restart();
    expect(supervisor.state).toBe('running');
    expect(processes).toHaveLength(2);
    expect(logged).not.toContain('Scheduling restart in 60s');
  });

  test('starts a child that has ended', async () => {
    const { supervisor, end } = setUp();
    supervisor.start();
    await end(1);
    await supervisor.restart();
    expect(supervisor.state).toBe('running');
  });

  test('does nothing to one that is ordered to stop', async () => {
    const { supervisor, processes } = setUp();
    await supervisor.restart();
    expect(processes).toHaveLength(0);
  });

  test('a stop during a restart wins', async () => {
    const { supervisor, processes } = setUp();
    supervisor.start();
    const restarted = supervisor.restart();
    await Promise.all([restarted, supervisor.stop()]);
    expect(processes).toHaveLength(1);
    expect(supervisor.state).toBe('finished');
  });
});

describe('reconnecting', () => {
  test.each([0, 1, 255])('starts again after the delay, also after exit code %s', async (code) => {
    const { supervisor, processes, end, logged } = setUp({ reconnect: true, reconnectDelayMs: 3_000 });
    supervisor.start();
    await end(code);
    expect(logged.at(-1)).toBe('Scheduling restart in 3s');
    expect(supervisor.status().reconnectInMs).toBe(3_000);
    await vi.advanceTimersByTimeAsync(2_999);
    expect(processes).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(processes).toHaveLength(2);
    expect(supervisor.status().reconnectInMs).toBeUndefined();
  });

  test('does not happen with reconnect off; the order stays', async () => {
    const { supervisor, processes, end } = setUp();
    supervisor.start();
    await end(1);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(processes).toHaveLength(1);
    expect(supervisor.status()).toMatchObject({ order: 'start', reconnectInMs: undefined });
  });

  test('is cancelled by a stop', async () => {
    const { supervisor, processes, end } = setUp({ reconnect: true, reconnectDelayMs: 3_000 });
    supervisor.start();
    await end(1);
    await supervisor.stop();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(processes).toHaveLength(1);
    expect(supervisor.state).toBe('failed');
  });

  test('with a delay of 0 follows a good end at once', async () => {
    const { supervisor, processes, end } = setUp({ reconnect: true });
    supervisor.start();
    await end(0);
    await vi.advanceTimersByTimeAsync(0);
    expect(processes).toHaveLength(2);
  });

  test('with a delay of 0 pauses longer after each fast failure, but never above a second', async () => {
    const { supervisor, processes, end } = setUp({ reconnect: true });
    supervisor.start();
    for (const pause of [100, 200, 400, 800, 1_000, 1_000]) {
      const before = processes.length;
      await end(1);
      expect(supervisor.status().reconnectInMs).toBe(pause);
      await vi.advanceTimersByTimeAsync(pause);
      expect(processes).toHaveLength(before + 1);
    }
    await vi.advanceTimersByTimeAsync(1_000);
    await end(1);
    expect(supervisor.status().reconnectInMs).toBe(0);
  });

  test('lets the delay double with each fast failure up to the limit, and starts over after a good run', async () => {
    const { supervisor, end } = setUp({
      reconnect: true,
      reconnectDelayMs: 2_000,
      maxReconnectDelayMs: 10_000,
    });
    supervisor.start();
    for (const pause of [2_000, 4_000, 8_000, 10_000, 10_000]) {
      await end(1);
      expect(supervisor.status().reconnectInMs).toBe(pause);
      await vi.advanceTimersByTimeAsync(pause);
    }
    await vi.advanceTimersByTimeAsync(5_000);
    await end(1);
    expect(supervisor.status().reconnectInMs).toBe(2_000);
  });

  test('keeps a longer delay that the user set, whatever failed', async () => {
    const { supervisor, end } = setUp({ reconnect: true, reconnectDelayMs: 2_000 });
    supervisor.start();
    await end(1);
    expect(supervisor.status().reconnectInMs).toBe(2_000);
  });

  test('waits also longer than one timer can', async () => {
    const delay = 2 ** 31 + 5_000;
    const { supervisor, processes, end } = setUp({ reconnect: true, reconnectDelayMs: delay });
    supervisor.start();
    await end(0);
    await vi.advanceTimersByTimeAsync(delay - 1);
    expect(processes).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(processes).toHaveLength(2);
  });

  test('turned on later, it counts from the end of the child', async () => {
    const { supervisor, processes, end } = setUp();
    supervisor.start();
    await end(0);
    await vi.advanceTimersByTimeAsync(4_000);
    supervisor.configure({ ...SUPERVISION, reconnect: true, reconnectDelayMs: 5_000 });
    expect(supervisor.status().reconnectInMs).toBe(1_000);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(processes).toHaveLength(2);
  });

  test('turned off while waiting, it does not happen', async () => {
    const { supervisor, processes, end } = setUp({ reconnect: true, reconnectDelayMs: 5_000 });
    supervisor.start();
    await end(0);
    supervisor.configure(SUPERVISION);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(processes).toHaveLength(1);
  });

  test('a configuration does not start what was never ordered to run', async () => {
    const { supervisor, processes } = setUp();
    supervisor.configure({ ...SUPERVISION, reconnect: true });
    await vi.advanceTimersByTimeAsync(1_000);
    expect(processes).toHaveLength(0);
  });
});

describe('watching', () => {
  test('a child without progress is ended once the timeout has passed', () => {
    const { supervisor, sample, notes, logged } = setUp({ staleTimeoutMs: 5_000 });
    supervisor.start();
    vi.advanceTimersByTime(5_000);
    sample();
    expect(supervisor.state).toBe('running');
    vi.advanceTimersByTime(590);
    sample();
    expect(supervisor.state).toBe('finishing');
    expect(supervisor.order).toBe('start');
    expect(notes).toEqual(['Stale timeout after 5s (5.59).']);
    expect(logged).toContain('Stale timeout after 5s (5.59).');
  });

  test('progress resets the clock', () => {
    const { supervisor, sample } = setUp({ staleTimeoutMs: 5_000 });
    supervisor.start();
    vi.advanceTimersByTime(4_000);
    supervisor.touch();
    vi.advanceTimersByTime(4_000);
    sample();
    expect(supervisor.state).toBe('running');
  });

  test('each run has the whole timeout', async () => {
    const { supervisor, sample } = setUp({ staleTimeoutMs: 5_000 });
    supervisor.start();
    vi.advanceTimersByTime(60_000);
    await supervisor.restart();
    sample();
    expect(supervisor.state).toBe('running');
  });

  test('a child above its limits is ended, with the reason in log and report', () => {
    const { supervisor, sample, notes, logged } = setUp({
      limits: { cpuPercent: 50, memoryBytes: 0, waitForMs: 0 },
    });
    supervisor.start();
    sample(51.23, 1_000);
    expect(supervisor.state).toBe('finishing');
    expect(notes).toEqual(['Stopping because limits are exceeded (cpu 51.2 %, memory 1000 bytes).']);
    expect(logged).toContain('Stopping because limits are exceeded');
  });

  test('new limits hold for the running child', () => {
    const { supervisor, sample } = setUp();
    supervisor.start();
    sample(51);
    supervisor.configure({ ...SUPERVISION, limits: { cpuPercent: 50, memoryBytes: 0, waitForMs: 0 } });
    sample(51);
    expect(supervisor.state).toBe('finishing');
  });

  test('the usage is that of the running child, and nothing after its end', async () => {
    const { supervisor, sample, end } = setUp();
    supervisor.start();
    sample(12.5, 4_096);
    expect(supervisor.status()).toMatchObject({ cpuPercent: 12.5, memoryBytes: 4_096 });
    await end(0);
    expect(supervisor.status()).toMatchObject({ cpuPercent: 0, memoryBytes: 0 });
  });

  test('the report says how the child ended', async () => {
    const { supervisor, end, notes } = setUp();
    supervisor.start();
    await end(3);
    supervisor.start();
    await end(null, 'SIGSEGV');
    expect(notes).toEqual(['Exited with code 3.', 'Ended by SIGSEGV.']);
  });
});

describe('lines', () => {
  test('come through up to the last one, before the end', async () => {
    const { supervisor, latest, lines } = setUp();
    supervisor.start();
    const linesAtEnd = once(supervisor, 'ended').then(() => [...lines]);
    latest().stderr.write('one\rtwo\nthr');
    latest().stderr.end('ee');
    await once(latest().stderr, 'end');
    latest().end(0);
    expect(await linesAtEnd).toEqual(['one', 'two', 'three']);
  });
});

describe('the reason of an end', () => {
  test.each<
    [what: string, reason: string | undefined, note: RegExp, act: (set: ReturnType<typeof setUp>) => unknown]
  >([
    [
      'by itself',
      undefined,
      /^Exited with code 1\.$/,
      ({ latest }) => {
        latest().end(1);
      },
    ],
    ['by a stop', 'stopped', /^$/, ({ supervisor }) => supervisor.stop()],
    [
      'by a full disk',
      'disk full',
      /^Stopping because the disk is full\.$/,
      ({ supervisor }) => supervisor.stop('disk full'),
    ],
    ['by a restart', 'stopped', /^$/, ({ supervisor }) => supervisor.restart()],
    ['by the server', 'stopped', /^$/, ({ supervisor }) => supervisor.close()],
    [
      'by a limit',
      'limits',
      /^Stopping because limits/,
      ({ sample }) => {
        sample(60);
      },
    ],
  ])('%s is told', async (_, reason, note, act) => {
    const set = setUp({ limits: { cpuPercent: 50, memoryBytes: 0, waitForMs: 0 } });
    set.supervisor.start();
    const ended = once(set.supervisor, 'ended');
    await Promise.all([ended, act(set)]);
    expect(set.endings).toMatchObject([{ reason, note: expect.stringMatching(note) as string }]);
  });

  test('is that of its run alone', async () => {
    const { supervisor, endings, end } = setUp();
    supervisor.start();
    await supervisor.restart();
    await end(1);
    expect(endings.map(({ reason }) => reason)).toEqual(['stopped', undefined]);
  });

  test('is in the log with the end', async () => {
    const { supervisor, classes, end } = setUp();
    supervisor.start();
    await end(1);
    expect(classes).toEqual([['Failed', 'why']]);
  });
});
