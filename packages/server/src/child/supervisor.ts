import { EventEmitter } from 'node:events';
import type { Logger } from '../log/logger.ts';
import { STOP_GRACE, type Child, type Exit } from './child.ts';
import type { Spawner } from './children.ts';
import { LimitWatch, type Limits } from './limits.ts';
import { NO_USAGE, type Usage } from './usage.ts';

/** What the user wants. */
export type Order = 'start' | 'stop';

/** What is. */
export type ExecState = 'finished' | 'starting' | 'running' | 'finishing' | 'failed' | 'killed';

const TRANSITIONS = {
  finished: ['starting'],
  starting: ['running', 'finishing', 'failed'],
  running: ['finishing', 'finished', 'failed', 'killed'],
  finishing: ['finished', 'failed', 'killed'],
  failed: ['starting'],
  killed: ['starting'],
} as const satisfies Record<ExecState, readonly ExecState[]>;

/** What may change while the child runs. */
export interface Supervision {
  /** Start again when the child ended by itself. */
  reconnect: boolean;
  reconnectDelayMs: number;
  /** How long the delay may grow while the child fails at once again and again; 0 does not let it grow. */
  maxReconnectDelayMs: number;
  /** End the child if it made no progress for longer than this; 0 is never. */
  staleTimeoutMs: number;
  limits: Limits;
}

/** Why the server ended a child. */
export type EndReason = 'stopped' | 'stale' | 'limits' | 'disk full';

/** How a run ended, and what the supervisor knows of why. */
export interface Ending {
  exit: Exit;
  /** `undefined` if the child ended by itself. */
  reason: EndReason | undefined;
  /** What the report says about it. */
  note: string;
}

export interface SupervisorOptions extends Supervision {
  /** An absolute path. */
  binary: string;
  args: readonly string[];
  env?: Readonly<Record<string, string>>;
  /** Asked at the end of each run why it failed, in a word for the log; `undefined` if it did not. */
  explain?: (ending: Ending) => string | undefined;
  /** Of component `Process`, with the process' id among its fields. */
  log: Logger;
}

export interface SupervisorStatus {
  state: ExecState;
  order: Order;
  /** Since the last change of the state, in milliseconds. */
  inStateMs: number;
  /** Until the next start; `undefined` if none is scheduled. */
  reconnectInMs: number | undefined;
  /** 100 is all CPUs. */
  cpuPercent: number;
  memoryBytes: number;
  /** How often each state was entered. */
  transitions: Readonly<Record<ExecState, number>>;
  /** The arguments, without the binary. */
  command: readonly string[];
}

interface SupervisorEvents {
  state: [to: ExecState, from: ExecState];
  /** A child runs. */
  started: [];
  /** A line of the child, or why it could not be started. */
  line: [text: string];
  /** A remark of the supervisor about this run, for the report. */
  note: [text: string];
  /** The run is over; the state is final until the next start. */
  ended: [exit: Exit];
}

/** A child that ended badly within this time after its start failed fast. */
const FAST_FAILURE = 1_000;
/** Pauses after the first, second, … fast failure in a row; the last one for all others. */
const FAST_FAILURE_PAUSES = [100, 200, 400, 800, 1_000];

/** Keeps one child process as the user ordered. There are never two children of one supervisor. */
export class Supervisor extends EventEmitter<SupervisorEvents> {
  readonly #spawner: Spawner;
  readonly #options: Omit<SupervisorOptions, keyof Supervision>;
  readonly #log: Logger;
  readonly #limits = new LimitWatch();
  readonly #transitions: Record<ExecState, number> = {
    finished: 0,
    starting: 0,
    running: 0,
    finishing: 0,
    failed: 0,
    killed: 0,
  };
  #supervision: Supervision;
  #order: Order = 'stop';
  #state: ExecState = 'finished';
  #stateSince = performance.now();
  #child: Child | undefined;
  #startedAt = 0;
  #progressAt = 0;
  #fastFailures = 0;
  /** Why the present child is being ended. */
  #ending: { reason: EndReason; note: string } | undefined;
  /** Start again as soon as the present child is gone. */
  #startNext = false;
  #reconnect: { timer: NodeJS.Timeout; at: number } | undefined;
  #isClosed = false;

  constructor(spawner: Spawner, options: SupervisorOptions) {
    super();
    const { reconnect, reconnectDelayMs, maxReconnectDelayMs, staleTimeoutMs, limits, ...fixed } = options;
    this.#spawner = spawner;
    this.#options = fixed;
    this.#log = options.log;
    this.#supervision = { reconnect, reconnectDelayMs, maxReconnectDelayMs, staleTimeoutMs, limits };
  }

  get state(): ExecState {
    return this.#state;
  }

  get order(): Order {
    return this.#order;
  }

  status(): SupervisorStatus {
    const now = performance.now();
    const { cpuPercent, memoryBytes } = this.#child?.usage ?? NO_USAGE;
    return {
      state: this.#state,
      order: this.#order,
      inStateMs: now - this.#stateSince,
      reconnectInMs: this.#reconnect && Math.max(0, this.#reconnect.at - now),
      cpuPercent,
      memoryBytes,
      transitions: this.#transitions,
      command: this.#options.args,
    };
  }

  /** Orders the child to run. One that ended, or waits to reconnect, is started at once. */
  start(): void {
    if (this.#isClosed) return;
    this.#order = 'start';
    if (this.#child === undefined) this.#launch();
    else if (this.#state === 'finishing') this.#startNext = true;
  }

  /** Orders the child not to run and waits until it is gone. */
  async stop(reason: 'stopped' | 'disk full' = 'stopped'): Promise<void> {
    this.#order = 'stop';
    await this.#terminate(reason);
  }

  /** Ends the child, if there is one, and starts it again at once. Does nothing unless it is ordered to run. */
  async restart(): Promise<void> {
    if (this.#order !== 'start' || this.#isClosed) return;
    if (this.#child === undefined) {
      this.#launch();
      return;
    }
    const gone = this.#terminate();
    this.#startNext = true;
    await gone;
  }

  /** Ends the child for good and waits until it is gone. The order stays as it is. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#terminate();
  }

  /** The child made progress: it is not stale. */
  touch(): void {
    this.#progressAt = performance.now();
  }

  /** Changes how the child is supervised, without touching it. */
  configure(supervision: Supervision): void {
    this.#supervision = supervision;
    if (this.#child !== undefined) return;
    // What counts is when the child ended, not when the settings changed.
    this.#cancelReconnect();
    const hasRun = this.#transitions.starting > 0;
    if (hasRun) this.#scheduleReconnect(performance.now() - this.#stateSince);
  }

  #mayStart(): boolean {
    return !this.#isClosed && this.#order === 'start' && this.#child === undefined;
  }

  async #terminate(reason: 'stopped' | 'disk full' = 'stopped'): Promise<void> {
    this.#startNext = false;
    this.#cancelReconnect();
    const child = this.#child;
    if (child === undefined) return;
    const gone = new Promise<void>((resolve) =>
      this.once('ended', () => {
        resolve();
      }),
    );
    this.#endChild(child, reason, reason === 'disk full' ? 'Stopping because the disk is full.' : '');
    await gone;
  }

  /** @param note for the report; `''` is none. */
  #endChild(child: Child, reason: EndReason, note: string): void {
    if (this.#state === 'finishing') return;
    this.#ending = { reason, note };
    if (note !== '') this.emit('note', note);
    this.#log.info('Stopping');
    this.#enter('finishing');
    child.stop();
  }

  #launch(): void {
    this.#cancelReconnect();
    this.#startNext = false;
    this.#log.info('Starting');
    this.#enter('starting');
    const { binary, args, env } = this.#options;
    const child = this.#spawner.spawn({ binary, args, ...(env && { env }) });
    this.#child = child;
    this.#startedAt = this.#progressAt = performance.now();
    this.#ending = undefined;
    this.#limits.reset();
    child.on('line', (line) => this.emit('line', line));
    child.on('sampled', (usage) => {
      this.#check(child, usage);
    });
    child.once('ended', (exit) => {
      this.#over(child, exit);
    });
    if (child.pid === undefined) return;
    this.#log.info('Started');
    this.#enter('running');
    this.emit('started');
  }

  /** Once a second: may the child go on? */
  #check(child: Child, usage: Usage): void {
    if (this.#state !== 'running') return;
    const now = performance.now();
    const idle = now - this.#progressAt;
    const { staleTimeoutMs, limits } = this.#supervision;
    if (staleTimeoutMs > 0 && idle > staleTimeoutMs) {
      const note = `Stale timeout after ${staleTimeoutMs / 1000}s (${(idle / 1000).toFixed(2)}).`;
      this.#log.info(note);
      this.#endChild(child, 'stale', note);
    } else if (this.#limits.isExceeded(usage, limits, now)) {
      const { cpuPercent, memoryBytes } = usage;
      this.#log.warn('Stopping because limits are exceeded', { cpu: cpuPercent, memory: memoryBytes });
      const note = `Stopping because limits are exceeded (cpu ${cpuPercent.toFixed(1)} %, memory ${memoryBytes} bytes).`;
      this.#endChild(child, 'limits', note);
    }
  }

  #over(child: Child, exit: Exit): void {
    const now = performance.now();
    this.#child = undefined;
    const next = stateAfter(exit);
    const failedFast = next !== 'finished' && now - this.#startedAt < FAST_FAILURE;
    this.#fastFailures = failedFast ? this.#fastFailures + 1 : 0;
    const note = exit.kind === 'error' ? exit.error.message : describe(exit, child.forced);
    const failure = this.#options.explain?.({ exit, reason: undefined, note, ...this.#ending });
    this.emit(exit.kind === 'error' ? 'line' : 'note', note);
    this.#logExit(exit, failure);
    this.#enter(next);
    const startNext = this.#startNext;
    this.emit('ended', exit);
    // A listener may have decided already.
    if (!this.#mayStart() || this.#reconnect !== undefined) return;
    if (startNext) this.#launch();
    else this.#scheduleReconnect(0);
  }

  #scheduleReconnect(elapsedMs: number): void {
    const { reconnect, reconnectDelayMs } = this.#supervision;
    if (!reconnect || !this.#mayStart()) return;
    const delay = Math.max(reconnectDelayMs, this.#pauseAfterFailure(), this.#backOff());
    this.#log.info(`Scheduling restart in ${delay / 1000}s`);
    this.#reconnectAt(performance.now() + Math.max(0, delay - elapsedMs));
  }

  #reconnectAt(at: number): void {
    const remaining = at - performance.now();
    const timer = setTimeout(
      () => {
        if (remaining > MAX_TIMER) this.#reconnectAt(at);
        else this.#launch();
      },
      Math.min(remaining, MAX_TIMER),
    );
    this.#reconnect = { timer, at };
  }

  /** Never longer than the shortest delay a user can set, so that only a delay of 0 is stretched. */
  #pauseAfterFailure(): number {
    if (this.#fastFailures === 0) return 0;
    return FAST_FAILURE_PAUSES[Math.min(this.#fastFailures, FAST_FAILURE_PAUSES.length) - 1] ?? 0;
  }

  /** Twice as long with each fast failure in a row, if the delay may grow. */
  #backOff(): number {
    const { reconnectDelayMs, maxReconnectDelayMs } = this.#supervision;
    if (this.#fastFailures < 2) return 0;
    const first = Math.max(reconnectDelayMs, FAST_FAILURE_PAUSES[0] ?? 0);
    return Math.min(maxReconnectDelayMs, first * 2 ** (this.#fastFailures - 1));
  }

  #cancelReconnect(): void {
    clearTimeout(this.#reconnect?.timer);
    this.#reconnect = undefined;
  }

  #enter(to: ExecState): void {
    const from = this.#state;
    if (!(TRANSITIONS[from] as readonly ExecState[]).includes(to)) {
      throw new Error(`no way from ${from} to ${to}`);
    }
    this.#state = to;
    this.#stateSince = performance.now();
    this.#transitions[to]++;
    this.emit('state', to, from);
  }

  #logExit(exit: Exit, failure: string | undefined): void {
    const why = failure === undefined ? undefined : { class: failure };
    if (exit.kind === 'error') {
      this.#log.error('Command failed', { error: exit.error, ...why });
      return;
    }
    if (exit.kind === 'signal') this.#log.info('Killed', why);
    else if (exit.code === STOPPED_CODE) this.#log.info('Finished', why);
    else if (exit.code !== 0) this.#log.info('Failed', why);
    this.#log.info('Stopped');
  }
}

/** FFmpeg's exit code after SIGINT or SIGTERM. */
const STOPPED_CODE = 255;

/** The longest time a timer can wait. */
const MAX_TIMER = 2 ** 31 - 1;

function stateAfter(exit: Exit): ExecState {
  switch (exit.kind) {
    case 'error':
      return 'failed';
    case 'signal':
      return 'killed';
    case 'code':
      return exit.code === 0 || exit.code === STOPPED_CODE ? 'finished' : 'failed';
  }
}

function describe(exit: Exclude<Exit, { kind: 'error' }>, forced: boolean): string {
  const how = exit.kind === 'code' ? `Exited with code ${exit.code}` : `Ended by ${exit.signal}`;
  return forced ? `${how}, not having reacted to SIGINT for ${STOP_GRACE / 1000}s.` : `${how}.`;
}
