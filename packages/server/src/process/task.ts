import { EventEmitter } from 'node:events';
import type { Spawner } from '../child/children.ts';
import {
  Supervisor,
  type Ending,
  type ExecState,
  type Order,
  type Supervision,
} from '../child/supervisor.ts';
import type { Failure } from '../ffmpeg/failure.ts';
import { OutputParser } from '../ffmpeg/parser.ts';
import type { IoBytes, Progress } from '../ffmpeg/progress.ts';
import type { Report } from '../ffmpeg/report.ts';
import type { Logger } from '../log/logger.ts';
import type { ProcessConfig } from './config.ts';
import type { Metadata } from './metadata.ts';
import type { Plan } from './plan.ts';
import { Queue } from './queue.ts';
import type { History } from './report.ts';
import { createShortId } from './short-id.ts';
import type { ProcessRecord } from './store.ts';

/** With what a process is run. */
export interface Runtime {
  spawner: Spawner;
  /** Absolute path of FFmpeg. */
  binary: string;
  maxLogLines: number;
  /** See `Supervision`. */
  maxReconnectDelayMs: number;
}

/** What changes without an event. */
export interface TaskStatus {
  /** `undefined` for an invalid process, which has no child. */
  exec: ExecState | undefined;
  /** Since the last change of `exec`. */
  inStateMs: number;
  /** Until the next start; `undefined` if none is scheduled. */
  reconnectInMs: number | undefined;
  memoryBytes: number;
  /** 100 is all CPUs. */
  cpuPercent: number;
}

/** How a process is doing. */
export interface TaskState extends TaskStatus {
  order: Order;
  /** `''` if there is none. */
  lastLogLine: string;
  progress: Progress;
  /** Why the latest run failed; `undefined` once FFmpeg works again. */
  failure: Failure | undefined;
  /** The arguments of FFmpeg. */
  command: readonly string[] | undefined;
}

/** What a process is given when it is made. */
export interface TaskParts {
  metadata: Metadata;
  history: History;
  /** Of component `Process`. */
  log: Logger;
  maxLogLines: number;
  /** Drawn if left out. */
  owner?: string;
}

/** An FFmpeg that has run for so long works, even if it tells no progress. */
const RECOVERED_MS = 30_000;

/** What a valid process runs on. */
interface Engine {
  plan: Plan;
  runtime: Runtime;
  /** Ids of inputs and outputs, which name the streams in the progress. */
  ioIds: readonly string[];
  supervisor: Supervisor;
}

/** One process: what the user wants, and the FFmpeg that does it. Invalid as long as it has no plan. */
export class Task extends EventEmitter<{
  state: [to: ExecState, from: ExecState];
  /** FFmpeg got further. */
  progress: [];
}> {
  readonly id: string;
  readonly metadata: Metadata;
  readonly history: History;
  /** Names the owner of cleanup rules. Stays the same when the process gets another id. */
  readonly owner: string;
  /** Whatever changes the process goes through here, so that changes never overlap. */
  readonly queue = new Queue();
  readonly #log: Logger;
  readonly #parser: OutputParser;
  #record: ProcessRecord;
  #revision = 0;
  #engine: Engine | undefined;
  #failure: Failure | undefined;
  #problem: { text: string; at: number } | undefined;
  /** Between two supervisors: the place of the one must not be taken before the other has it. */
  #isSwitching = false;

  constructor(record: ProcessRecord, parts: TaskParts) {
    super();
    this.id = record.config.id;
    this.metadata = parts.metadata;
    this.history = parts.history;
    this.owner = parts.owner ?? createShortId();
    this.#log = parts.log.with({ id: this.id });
    this.#record = record;
    this.#parser = new OutputParser(this.#parserOptions(parts.maxLogLines), this.history, this.#log);
    this.#log.info('Created');
  }

  get record(): ProcessRecord {
    return this.#record;
  }

  get config(): ProcessConfig {
    return this.#record.config;
  }

  /** `undefined` for an invalid process. */
  get plan(): Plan | undefined {
    return this.#engine?.plan;
  }

  /** Whether FFmpeg runs, or is going to by itself. */
  get isActive(): boolean {
    if (this.#isSwitching) return true;
    const supervisor = this.#engine?.supervisor;
    if (supervisor === undefined) return false;
    return isBusy(supervisor.state) || supervisor.status().reconnectInMs !== undefined;
  }

  /** Whether it is valid and ordered to run, but was never started, for want of a place. */
  get isWaiting(): boolean {
    return this.#record.order === 'start' && this.#engine?.supervisor.order === 'stop';
  }

  /** Another number whenever something in the state but its `TaskStatus` may have changed. */
  get revision(): number {
    return this.#revision;
  }

  status(): TaskStatus {
    const status = this.#engine?.supervisor.status();
    return {
      exec: status?.state,
      inStateMs: status?.inStateMs ?? 0,
      reconnectInMs: status?.reconnectInMs,
      memoryBytes: status?.memoryBytes ?? 0,
      cpuPercent: status?.cpuPercent ?? 0,
    };
  }

  state(): TaskState {
    const status = this.status();
    const hasRecovered = status.exec === 'running' && status.inStateMs > RECOVERED_MS;
    return {
      ...status,
      order: this.#record.order,
      lastLogLine: this.#problem?.text ?? this.#parser.lastLine(),
      progress: this.#parser.progress(),
      failure: hasRecovered ? undefined : this.#failure,
      command: this.#engine?.plan.command,
    };
  }

  /** What FFmpeg read and wrote since it was started, by address, as far as it tells. */
  traffic(): { inputs: IoBytes[]; outputs: IoBytes[] } {
    return this.#parser.traffic();
  }

  report(): Report {
    const report = this.#parser.report();
    return this.#problem ? { ...report, log: [...report.log, this.#problem] } : report;
  }

  /** How often each state was entered since FFmpeg's arguments last changed. */
  transitions(): Readonly<Record<ExecState, number>> | undefined {
    return this.#engine?.supervisor.status().transitions;
  }

  /** Takes over what is now stored. It takes effect with `use` or `discard`. */
  adopt(record: ProcessRecord): void {
    this.#record = record;
    this.#revision++;
  }

  /** Follows a plan. A child whose arguments stay the same goes on; another one is ended first. */
  async use(plan: Plan, runtime: Runtime): Promise<void> {
    const engine = this.#engine;
    if (engine === undefined || !this.#fits(engine, plan, runtime)) return this.replace(plan, runtime);
    this.#engine = { ...engine, plan, runtime };
    this.#revision++;
    this.#parser.configure(this.#parserOptions(runtime.maxLogLines));
    engine.supervisor.configure(toSupervision(this.config, runtime));
  }

  /** Follows a plan with a child of its own; the present one is ended. The new one still has to be started. */
  async replace(plan: Plan, runtime: Runtime): Promise<void> {
    this.#isSwitching = this.isActive;
    try {
      await this.#engine?.supervisor.close();
    } finally {
      this.#isSwitching = false;
    }
    this.#problem = undefined;
    this.#failure = undefined;
    this.#parser.configure(this.#parserOptions(runtime.maxLogLines));
    this.#engine = { plan, runtime, ioIds: this.#ioIds(), supervisor: this.#supervise(plan, runtime) };
    this.#revision++;
  }

  /** Ends the child: the process cannot run, for the given reason. */
  async discard(reason: string): Promise<void> {
    await this.#engine?.supervisor.close();
    this.#engine = undefined;
    this.#failure = undefined;
    this.#problem = { text: reason, at: Date.now() };
    this.#revision++;
  }

  /** Orders FFmpeg to run; one that ended is started at once. An invalid process only remembers the order. */
  start(): void {
    this.adopt({ ...this.#record, order: 'start' });
    this.#engine?.supervisor.start();
  }

  /** Orders FFmpeg not to run and waits until it is gone. */
  async stop(reason?: 'disk full'): Promise<void> {
    this.adopt({ ...this.#record, order: 'stop' });
    await this.#engine?.supervisor.stop(reason);
  }

  /** Ends FFmpeg, if it runs, and starts it again. Does nothing unless it is ordered to run. */
  async restart(): Promise<void> {
    if (this.#record.order !== 'start') return;
    const supervisor = this.#engine?.supervisor;
    if (supervisor?.order === 'start') await supervisor.restart();
    else supervisor?.start();
  }

  /** Ends FFmpeg for good; what it wrote last goes into the history. */
  async close(): Promise<void> {
    await this.#engine?.supervisor.close();
    this.#parser.archive();
  }

  /** Whether the child need not be replaced. */
  #fits(engine: Engine, plan: Plan, runtime: Runtime): boolean {
    return (
      engine.runtime.binary === runtime.binary &&
      engine.runtime.spawner === runtime.spawner &&
      isSame(engine.plan.command, plan.command) &&
      isSame(engine.ioIds, this.#ioIds())
    );
  }

  #supervise({ command }: Plan, runtime: Runtime): Supervisor {
    const { spawner, binary } = runtime;
    const parser = this.#parser;
    const explain = (ending: Ending) => {
      this.#failure = parser.explain(ending, command);
      return this.#failure?.class;
    };
    const options = {
      binary,
      args: command,
      explain,
      log: this.#log,
      ...toSupervision(this.config, runtime),
    };
    const supervisor = new Supervisor(spawner, options);
    supervisor.on('state', (to, from) => this.emit('state', to, from));
    supervisor.on('started', () => {
      parser.started();
      this.#revision++;
    });
    supervisor.on('line', (line) => {
      this.#revision++;
      if (!parser.line(line)) return;
      supervisor.touch();
      this.#failure = undefined;
      this.emit('progress');
    });
    supervisor.on('note', (text) => {
      parser.note(text);
      this.#revision++;
    });
    supervisor.on('ended', () => {
      parser.ended();
      this.#revision++;
    });
    return supervisor;
  }

  #ioIds(): string[] {
    const { inputs, outputs } = this.config;
    return [...inputs.map(({ id }) => `i${id}`), ...outputs.map(({ id }) => `o${id}`)];
  }

  #parserOptions(maxLines: number) {
    const { inputs, outputs } = this.config;
    return { maxLines, inputIds: inputs.map(({ id }) => id), outputIds: outputs.map(({ id }) => id) };
  }
}

function isBusy(state: ExecState): boolean {
  return state === 'starting' || state === 'running' || state === 'finishing';
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((text, index) => text === b[index]);
}

function toSupervision(config: ProcessConfig, { maxReconnectDelayMs }: Runtime): Supervision {
  const { cpuPercent, memoryBytes, waitForSeconds } = config.limits;
  return {
    reconnect: config.reconnect,
    reconnectDelayMs: config.reconnectDelaySeconds * 1000,
    maxReconnectDelayMs,
    staleTimeoutMs: config.staleTimeoutSeconds * 1000,
    limits: { cpuPercent, memoryBytes, waitForMs: waitForSeconds * 1000 },
  };
}
