import { EventEmitter } from 'node:events';
import type { ExecState } from '../child/supervisor.ts';
import type { Component, PreparedChange } from '../components.ts';
import type { Probe } from '../ffmpeg/probe.ts';
import { CoreError, errorText } from '../util/errors.ts';
import { maskSecrets } from '../util/text.ts';
import { completeIds, type ProcessConfig } from './config.ts';
import { DiskGuard } from './disk-guard.ts';
import { constraintFor, fitsConstraint } from './ffmpeg-constraint.ts';
import { migrateConfig } from './ffmpeg-migration.ts';
import type { Metadata } from './metadata.ts';
import { createPlan, type Plan } from './plan.ts';
import { PlayoutPorts } from './playout-ports.ts';
import { History } from './report.ts';
import { createSetting, type ProcessOptions, type ProcessParts, type Setting } from './setting.ts';
import { now, type ProcessRecord, type StoredProcess } from './store.ts';
import { Stagger } from './stagger.ts';
import { Task } from './task.ts';

/** What a user may ask of a process. */
export type Command = 'start' | 'stop' | 'restart' | 'reload';

const SAVE_INTERVAL = 5_000;

interface ProcessSignals {
  state: [task: Task, to: ExecState, from: ExecState];
  /** FFmpeg got further. */
  progress: [task: Task];
  added: [task: Task];
  /** The id may be another one. */
  updated: [task: Task, previousId: string];
  removed: [task: Task];
}

/** All processes of the API. Changes of one process happen one after the other and never keep up another one. */
export class ProcessManager extends EventEmitter<ProcessSignals> implements Component {
  readonly #tasks = new Map<string, Task>();
  readonly #diskGuard: DiskGuard;
  readonly #playoutPorts: PlayoutPorts;
  readonly #stagger = new Stagger();
  readonly #transitions: Record<ExecState, number> = {
    finished: 0,
    starting: 0,
    running: 0,
    finishing: 0,
    failed: 0,
    killed: 0,
  };
  #setting: Setting;
  #metadata: Metadata | undefined;
  #saver: NodeJS.Timeout | undefined;
  #isOpen = false;

  /** @throws CoreError `invalid` for address lists that cannot be understood. */
  constructor(options: ProcessOptions, parts: ProcessParts) {
    super();
    this.#setting = createSetting(options, parts);
    this.#playoutPorts = new PlayoutPorts(options.playoutPorts);
    this.#diskGuard = new DiskGuard(() => this.#stopWriters());
  }

  /** Loads what is stored. Nothing runs yet. */
  async start(): Promise<void> {
    await this.#open(this.#setting.store.load(this.#setting.options.importFile));
  }

  /** Starts the processes that are ordered to run, and takes orders from now on. */
  async run(): Promise<void> {
    this.#isOpen = true;
    await this.#startWaiting();
    this.#saver = setInterval(() => {
      this.#saveHistories();
    }, SAVE_INTERVAL).unref();
    this.#diskGuard.start(this.#setting.parts.disk);
  }

  /** Ends all children at once and waits for them. The orders stay: the processes come back with the next start. */
  async close(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    clearInterval(this.#saver);
    this.#stagger.close();
    this.#diskGuard.close();
    await closeTasks(this.list());
    this.#saveHistories();
    this.#tasks.clear();
  }

  /**
   * Prepares new options and neighbours. With the change, only those children are replaced whose arguments or program
   * differ; everything else runs on.
   *
   * @throws CoreError `invalid` for options that cannot work.
   */
  prepare(options: ProcessOptions, parts: ProcessParts): PreparedChange {
    const next = createSetting(options, parts);
    const moves = parts.database !== this.#setting.parts.database;
    return moves ? this.#prepareMove(next, next.store.load(options.importFile)) : this.#prepareSetting(next);
  }

  #prepareSetting(next: Setting): PreparedChange {
    return {
      commit: () => {
        this.#apply(next);
      },
      settle: async () => {
        await Promise.all(this.list().map((task) => task.queue.run(() => this.#adapt(task))));
      },
      abort: () => undefined,
    };
  }

  /** Other processes take the place of all present ones. */
  #prepareMove(next: Setting, records: readonly StoredProcess[]): PreparedChange {
    const { store } = this.#setting;
    let leaving: Task[] = [];
    return {
      commit: () => {
        this.#isOpen = false;
        leaving = this.list();
        this.#stagger.close();
        this.#tasks.clear();
        this.#apply(next);
      },
      settle: async () => {
        await closeTasks(leaving);
        for (const { owner } of leaving) this.#playoutPorts.keep(owner, new Map());
        this.#saveHistories(leaving, store);
        await this.#open(records);
        this.#isOpen = true;
        await this.#startWaiting();
      },
      abort: () => undefined,
    };
  }

  #apply(next: Setting): void {
    this.#setting = next;
    this.#playoutPorts.configure(next.options.playoutPorts);
    this.#diskGuard.start(next.parts.disk);
  }

  /** Metadata of the server. */
  get metadata(): Metadata {
    if (this.#metadata === undefined) throw new Error('the process manager does not run');
    return this.#metadata;
  }

  /** How often any process, a removed one included, has come into each state. */
  get transitions(): Readonly<Record<ExecState, number>> {
    return this.#transitions;
  }

  /** All processes, by id. */
  list(): Task[] {
    return [...this.#tasks.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** `undefined` if there is no such process. */
  get(id: string): Task | undefined {
    return this.#tasks.get(id);
  }

  /**
   * Adds a process and starts it if it is to start by itself.
   *
   * @returns the configuration as it is stored.
   * @throws CoreError `invalid` or `exists` with the reason why not.
   */
  async add(given: ProcessConfig): Promise<ProcessConfig> {
    this.#requireOpen();
    const config = completeIds(given);
    const plan = this.#plan(config);
    if (this.#tasks.has(config.id)) throw new CoreError('exists', 'process already exists');
    const order = config.autostart ? 'start' : 'stop';
    if (order === 'start') this.#requireFreePlace();
    const createdAt = now();
    const record = {
      config,
      order,
      ffmpegConstraint: this.#constraint(),
      createdAt,
      updatedAt: createdAt,
    } as const;
    this.#setting.store.insert(record);
    const task = this.#createTask(record, new History(this.#setting.options.maxHistory));
    this.#playoutPorts.hold(task.owner, plan.playout);
    this.#tasks.set(task.id, task);
    this.emit('added', task);
    await task.queue.run(async () => {
      await this.#use(task, plan);
      this.#startIfOrdered(task);
    });
    return config;
  }

  /**
   * Changes a process. FFmpeg is replaced only if its arguments, or the ids that name its streams, change.
   *
   * @param change makes the new configuration from the present one. It may have another id.
   * @returns the configuration as it is stored.
   * @throws CoreError `not_found`; `invalid` or `exists` with the reason why not. Nothing has changed then.
   */
  async update(id: string, change: (current: ProcessConfig) => ProcessConfig): Promise<ProcessConfig> {
    return this.#change(id, async (task) => {
      const config = completeIds(change(task.config));
      const plan = this.#plan(config, task.owner);
      const isRenamed = config.id !== id;
      if (isRenamed && this.#tasks.has(config.id)) throw new CoreError('exists', 'process already exists');
      const record = { ...task.record, config, ffmpegConstraint: this.#constraint(), updatedAt: now() };
      this.#setting.store.update(id, record);
      this.#playoutPorts.hold(task.owner, plan.playout);
      if (isRenamed) {
        await this.#rename(task, record, plan);
      } else {
        task.adopt(record);
        this.emit('updated', task, id);
        await this.#use(task, plan);
        this.#startIfOrdered(task);
      }
      return config;
    });
  }

  /** Ends FFmpeg and forgets the process, its metadata and the files of rules that purge. Throws `not_found`. */
  async remove(id: string): Promise<void> {
    await this.#change(id, async (task) => {
      this.#setting.store.remove(id);
      await task.close();
      this.#tasks.delete(id);
      this.emit('removed', task);
      this.#playoutPorts.keep(task.owner, new Map());
      await this.#setting.parts.cleanup.set(task.owner, []);
    });
  }

  /**
   * Carries out a command and waits for its end.
   *
   * @throws CoreError `not_found`; `invalid` with the reason why not.
   */
  async command(id: string, command: Command): Promise<void> {
    await this.#change(id, async (task) => {
      switch (command) {
        case 'start':
          requireValid(task);
          if (!task.isActive) this.#requireFreePlace();
          this.#setOrder(task, 'start');
          task.start();
          break;
        case 'stop':
          this.#setOrder(task, 'stop');
          await task.stop();
          break;
        case 'restart':
          requireValid(task);
          if (task.record.order === 'start' && !task.isActive) this.#requireFreePlace();
          await task.restart();
          break;
        case 'reload': {
          const plan = this.#plan(task.config, task.owner);
          this.#playoutPorts.hold(task.owner, plan.playout);
          await this.#setting.parts.cleanup.set(task.owner, plan.cleanup);
          await task.replace(plan, this.#setting.runtime);
          this.#playoutPorts.keep(task.owner, plan.playout);
          this.#startIfOrdered(task);
        }
      }
    });
  }

  /** Looks at the inputs of a process; finds nothing for an invalid one. Throws `not_found`. */
  async probe(id: string, signal?: AbortSignal): Promise<Probe> {
    const task = this.#tasks.get(id);
    if (task === undefined) throw unknownProcess();
    if (task.plan === undefined) return { streams: [], log: [] };
    return this.#setting.parts.ffmpeg.probe(task.plan.probeCommand, signal);
  }

  /** Makes tasks of what is stored. */
  async #open(records: readonly StoredProcess[]) {
    const { store, options } = this.#setting;
    this.#metadata = store.metadataOfSystem();
    for (const { history, ...record } of records) {
      const migrated = this.#migrate(record);
      const withConstraint = { ...migrated, ffmpegConstraint: this.#checkConstraint(migrated) };
      const task = this.#createTask(withConstraint, new History(options.maxHistory, history));
      this.#tasks.set(task.id, task);
    }
    for (const task of this.list()) {
      await task.queue.run(() => this.#adapt(task));
    }
  }

  /** Starts those that are ordered to run, now or, if starts are to be spread, soon. */
  async #startWaiting(): Promise<void> {
    const { startJitterMs } = this.#setting.options;
    for (const task of this.list().filter(({ isWaiting }) => isWaiting)) {
      const start = () =>
        task.queue.run(() => {
          this.#startWaitingTask(task);
        });
      if (startJitterMs === 0) await start();
      else this.#stagger.later(() => void start(), startJitterMs);
    }
  }

  #startWaitingTask(task: Task): void {
    if (this.#tasks.get(task.id) !== task || !task.isWaiting) return;
    if (this.#hasFreePlace()) this.#startIfOrdered(task);
    else this.#setting.parts.log.warn('Not started, too many processes are running', { id: task.id });
  }

  /** Makes a task follow the present setting. */
  async #adapt(task: Task): Promise<void> {
    // It may have been removed or renamed before its turn came.
    if (this.#tasks.get(task.id) !== task) return;
    const { parts } = this.#setting;
    task.history.resize(this.#setting.options.maxHistory);
    let plan: Plan;
    try {
      plan = this.#plan(task.config, task.owner);
    } catch (error) {
      const reason = errorText(error);
      parts.log.warn('Ignoring', { id: task.id, error: maskSecrets(reason) });
      await task.discard(reason);
      this.#playoutPorts.keep(task.owner, new Map());
      return;
    }
    this.#playoutPorts.hold(task.owner, plan.playout);
    await this.#use(task, plan);
    if (task.isWaiting) this.#startIfOrdered(task);
  }

  async #use(task: Task, plan: Plan): Promise<void> {
    await this.#setting.parts.cleanup.set(task.owner, plan.cleanup);
    await task.use(plan, this.#setting.runtime);
    this.#playoutPorts.keep(task.owner, plan.playout);
  }

  /** The process goes on under its new id as soon as its child under the old one is gone. */
  async #rename(task: Task, record: ProcessRecord, plan: Plan): Promise<void> {
    const renamed = this.#createTask(record, task.history, task.owner);
    this.#tasks.delete(task.id);
    this.#tasks.set(renamed.id, renamed);
    this.emit('updated', renamed, task.id);
    await renamed.queue.run(async () => {
      await task.close();
      await this.#use(renamed, plan);
      this.#startIfOrdered(renamed);
    });
  }

  #createTask(record: ProcessRecord, history: History, owner?: string): Task {
    const { store, parts, options } = this.#setting;
    const task = new Task(record, {
      metadata: store.metadataOfProcess(record.config.id),
      history,
      log: parts.log,
      maxLogLines: options.maxLogLines,
      ...(owner !== undefined && { owner }),
    });
    task.on('state', (to, from) => {
      this.#transitions[to]++;
      this.emit('state', task, to, from);
    });
    task.on('progress', () => this.emit('progress', task));
    return task;
  }

  /** @param owner of the process, unless it is still to be made. */
  #plan(config: ProcessConfig, owner?: string): Plan {
    const { resolver, rules } = this.#setting;
    return createPlan(
      config,
      resolver,
      rules,
      (id) => {
        const other = this.#tasks.get(id);
        return other && resolver.outputs(other.config);
      },
      (inputs) => this.#playoutPorts.find(owner, inputs),
    );
  }

  /** Runs a change of a process when its turn comes. Throws `not_found` if it is gone by then. */
  async #change<T>(id: string, change: (task: Task) => Promise<T>): Promise<T> {
    this.#requireOpen();
    const task = this.#tasks.get(id);
    if (task === undefined) throw unknownProcess();
    return task.queue.run(() => {
      this.#requireOpen();
      if (this.#tasks.get(id) !== task) throw unknownProcess();
      return change(task);
    });
  }

  /** Without a free place the process stays ordered to run, but does not. */
  #startIfOrdered(task: Task): void {
    if (!this.#isOpen || task.record.order !== 'start') return;
    if (task.isActive || this.#hasFreePlace()) task.start();
  }

  #setOrder(task: Task, order: ProcessRecord['order']): void {
    if (task.record.order === order) return;
    this.#setting.store.setOrder(task.id, order);
  }

  #hasFreePlace(): boolean {
    const { maxProcesses } = this.#setting.options;
    if (maxProcesses <= 0) return true;
    let active = 0;
    for (const task of this.#tasks.values()) if (task.isActive) active++;
    return active < maxProcesses;
  }

  #requireFreePlace(): void {
    if (this.#hasFreePlace()) return;
    const { maxProcesses } = this.#setting.options;
    throw new CoreError('invalid', `max. number of running processes (${maxProcesses}) reached`);
  }

  #requireOpen(): void {
    if (!this.#isOpen) throw new CoreError('unavailable', 'the processes are not open to changes now');
  }

  #constraint(): string {
    return constraintFor(this.#setting.parts.ffmpeg.version);
  }

  /** Makes a process for an older FFmpeg fit the installed one, for good. */
  #migrate(record: ProcessRecord): ProcessRecord {
    const { parts, store } = this.#setting;
    const config = migrateConfig(record.config, record.ffmpegConstraint, parts.ffmpeg.version);
    if (config === record.config) return record;
    const migrated = { ...record, config, ffmpegConstraint: this.#constraint() };
    store.update(config.id, migrated);
    parts.log.warn('Adapted to the installed FFmpeg', { id: config.id, version: parts.ffmpeg.version });
    return migrated;
  }

  /** The range of versions the process was made for; says so if FFmpeg is none of them. */
  #checkConstraint({ config: { id }, ffmpegConstraint }: ProcessRecord): string {
    const { version } = this.#setting.parts.ffmpeg;
    const constraint = ffmpegConstraint || constraintFor(version, 'minor');
    if (!fitsConstraint(version, constraint)) {
      this.#setting.parts.log.warn(
        "available FFmpeg version doesn't fit constraint; you have to update this process to adjust the constraint",
        { id, constraint, version },
      );
    }
    return constraint;
  }

  #saveHistories(tasks: Iterable<Task> = this.#tasks.values(), store = this.#setting.store): void {
    const dirty = [...tasks].filter(({ history }) => history.isDirty);
    if (dirty.length === 0) return;
    try {
      store.setHistories(dirty.map(({ id, history }) => ({ id, runs: history.runs() })));
      for (const { history } of dirty) history.stored();
    } catch (error) {
      this.#setting.parts.log.error('The reports could not be stored', { error: errorText(error) });
    }
  }

  /** The disk is full: stops what would go on filling it. */
  async #stopWriters(): Promise<void> {
    const writers = this.list().filter((task) => task.record.order === 'start' && task.plan?.writesFiles);
    await Promise.allSettled(
      writers.map((task) => {
        this.#setting.parts.log.warn('Shutting down because filesystem is full', { id: task.id });
        return this.#change(task.id, async () => {
          this.#setOrder(task, 'stop');
          await task.stop('disk full');
        });
      }),
    );
  }
}

/** Ends all children at once and waits for them. */
async function closeTasks(tasks: readonly Task[]): Promise<void> {
  await Promise.all(tasks.map((task) => task.queue.run(() => task.close())));
}

function requireValid(task: Task): void {
  if (task.plan === undefined) throw new CoreError('invalid', 'invalid process definition');
}

function unknownProcess(): CoreError {
  return new CoreError('not_found', 'unknown process');
}
