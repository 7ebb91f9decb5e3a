import process from 'node:process';
import { declareComponents } from './composition.ts';
import { ConfigStore } from './config/store.ts';
import { goArch } from './http/routes/about.ts';
import { Log, type LogConsole, type Logger } from './log/logger.ts';
import { Reloader } from './reloader.ts';
import { CoreError, errorText } from './util/errors.ts';
import { VERSION } from './version.ts';

export interface AppOptions {
  env: NodeJS.ProcessEnv;
  /** What relative paths are relative to. */
  directory: string;
  console: LogConsole;
}

/** The whole server: its configuration, and the components that run by it. */
export class App {
  /** Of the component `Core`. */
  readonly log: Logger;
  readonly #options: AppOptions;
  readonly #log: Log;
  readonly #reloader = new Reloader(() => this.#reload());
  #running: { store: ConfigStore; graph: ReturnType<typeof declareComponents> } | undefined;
  #started: Promise<void> | undefined;
  #closed: Promise<void> | undefined;
  #runSince = new Date(0);

  constructor(options: AppOptions) {
    this.#options = options;
    // Until the configuration is read, these are its defaults.
    this.#log = new Log(options.console, { level: 'info', topics: [], maxLines: 1000 });
    this.log = this.#log.component('Core');
  }

  /**
   * Reads the configuration and starts everything. Rejects if that fails, or `close` comes in between; nothing is left
   * running then.
   */
  start(): Promise<void> {
    this.#started ??= this.#start();
    return this.#started;
  }

  /**
   * Moves to the configuration of the file and the environment, once the start is over. Resolves when it runs, or the
   * old one still does.
   */
  reload(): Promise<void> {
    return this.#reloader.request();
  }

  /** Stops everything, for good. Idempotent. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #start(): Promise<void> {
    const { env, directory } = this.#options;
    this.log.info('', {
      application: 'datarhei-core',
      version: VERSION.number,
      license: 'Apache-2.0',
      arch: goArch(),
      compiler: `node${process.versions.node}`,
    });
    const store = await ConfigStore.open({ env, cwd: directory, log: this.#log });
    this.#requireOpen();
    const graph = declareComponents({
      env,
      directory,
      log: this.#log,
      store,
      runSince: () => this.#runSince,
      reloader: this.#reloader,
    });
    this.#beginRun();
    this.#running = { store, graph };
    await graph.start(store.active);
    store.logSettings();
  }

  async #close(): Promise<void> {
    await this.#running?.graph.close();
    // Before there are components, the start itself notices.
    const hasRun = await this.#started?.then(
      () => true,
      () => false,
    );
    if (hasRun) this.log.info('Complete');
  }

  /** Touches only what the new configuration changes. Throws what keeps it from running; the old one runs on then. */
  async #reload(): Promise<void> {
    await this.#started;
    this.#requireOpen();
    if (this.#running === undefined) throw new Error('the server was not started');
    const { store, graph } = this.#running;
    this.log.warn('Config reload requested');
    try {
      const candidate = await store.reload();
      const changed = await graph.reload(candidate.active);
      store.commit(candidate);
      this.#beginRun();
      this.log.info('Config reloaded', { changed });
    } catch (error) {
      this.log.error('Config not reloaded, the previous one runs on', { error: errorText(error) });
      throw error;
    }
  }

  #requireOpen(): void {
    if (this.#closed !== undefined) throw new CoreError('unavailable', 'the server is shutting down');
  }

  /** Clients tell runs apart by the second in which they began, so no two begin in the same one. */
  #beginRun(): void {
    this.#runSince = new Date(Math.max(Date.now(), this.#runSince.getTime() + 1000));
  }
}
