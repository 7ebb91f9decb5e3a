import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ConfigData } from '@millrace/api';
import type { LogFields, Logger } from '../log/logger.ts';
import { errorText } from '../util/errors.ts';
import { parseJsonText } from '../util/json.ts';
import { changeConfig, type LayeredConfig } from './change.ts';
import { parseEnvFile } from './env-file.ts';
import { deprecatedNames, mergeEnvironment, unknownNames } from './env.ts';
import {
  ConfigFileError,
  type FileContent,
  configText,
  findConfigFile,
  isKnownVersion,
  readConfigFile,
  versionOf,
  writeConfigFile,
} from './file.ts';
import type { Surroundings } from './kinds.ts';
import { upgradeConfig } from './migrate.ts';
import { redactConfig } from './redact.ts';
import { type Config, settingOf } from './schema.ts';
import { type Problem, validateConfig } from './validate.ts';
import { VARIABLES, type Variable, defaultConfig, withoutUnusedAdditions } from './variables.ts';

/** The configuration cannot be used. Each problem has been logged; the text is one line fit for the end. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** A change was refused. */
export class ConfigConflict extends Error {
  override readonly name = 'ConfigConflict';
  /** What is wrong, by the name of the setting. */
  readonly messages: Record<string, string[]>;

  constructor(messages: Record<string, string[]>) {
    super('the configuration has errors');
    this.messages = messages;
  }
}

/** A change was meant for a layout that is not known. */
export class ConfigVersionError extends Error {
  override readonly name = 'ConfigVersionError';
}

/** A change was meant for a configuration that is no longer the current one. */
export class ConfigOutdated extends Error {
  override readonly name = 'ConfigOutdated';
}

/** A change could not be written. Nothing has changed. */
export class ConfigWriteError extends Error {
  override readonly name = 'ConfigWriteError';
}

export interface ConfigStoreOptions {
  /** Read again by each reload. */
  env: Surroundings['env'];
  cwd: string;
  log: { component(name: string): Logger };
}

export interface PutOptions {
  /** Only check, change nothing. */
  dryRun?: boolean;
  /** The tag that the configuration must still have. */
  ifMatch?: string | undefined;
}

/** A configuration that has been read and checked but is not in use yet. */
export interface Candidate extends LayeredConfig {
  readonly loadedAt: Date;
  /** What was current when it was read. */
  readonly basis: LayeredConfig | undefined;
}

/** The configuration: its file, the environment's part in it, and what clients see of it. */
export class ConfigStore {
  readonly #log: Logger;
  readonly #coreLog: Logger;
  readonly #env: Surroundings['env'];
  readonly #cwd: string;
  #envFile: ReadonlyMap<string, string> = new Map();
  #path = '';
  #current: LayeredConfig | undefined;
  #loadedAt = new Date();
  #changes: Promise<unknown> = Promise.resolve();

  private constructor({ env, cwd, log }: ConfigStoreOptions) {
    this.#env = env;
    this.#cwd = cwd;
    this.#log = log.component('Config');
    this.#coreLog = log.component('Core');
  }

  /**
   * Reads the configuration, writing the file if it is missing, of an old layout or incomplete.
   *
   * @throws ConfigError after each problem has been logged. A file that could not be read is as it was.
   */
  static async open(options: ConfigStoreOptions): Promise<ConfigStore> {
    const store = new ConfigStore(options);
    await store.#open();
    return store;
  }

  /** What clients see and a reload would run: the latest change with the environment's values. */
  get active(): Config {
    return this.#layers.active;
  }

  /** When the running configuration was loaded: at start or by the latest reload. */
  get loadedAt(): Date {
    return this.#loadedAt;
  }

  /** When the file was last changed, or made. */
  get createdAt(): Date {
    return new Date(this.#layers.base.created_at);
  }

  get updatedAt(): Date {
    return this.createdAt;
  }

  /** The names of the settings that the environment has set. Some have two names; both are there. */
  get overrides(): string[] {
    return this.#layers.overridden.flatMap(({ name, registered }) =>
      registered === undefined ? [name] : [name, registered],
    );
  }

  /** Identifies the state of the file's configuration: it changes with every change. */
  get tag(): string {
    return createHash('sha256').update(configText(this.#layers.base)).digest('base64url').slice(0, 22);
  }

  /** The active configuration as the API shows it: without hidden secrets, and without unused additions of ours. */
  shown(): ConfigData {
    return withoutUnusedAdditions(redactConfig(this.active));
  }

  /**
   * Changes the file by a body of JSON that names what should be different. What runs goes on as it is until a reload.
   *
   * @throws JsonError, ConfigVersionError, ConfigConflict, ConfigOutdated or ConfigWriteError; nothing has changed then.
   */
  put(body: Buffer, options: PutOptions = {}): Promise<void> {
    return this.#alone(() => this.#put(body, options));
  }

  /**
   * Reads file and environment again.
   *
   * @throws ConfigError if the result cannot be used; the active configuration stays.
   */
  reload(): Promise<Candidate> {
    return this.#alone(() => this.#load());
  }

  /** Takes note that a candidate runs now. A change that came after it was read stays what clients see. */
  commit(candidate: Candidate): void {
    if (this.#current === candidate.basis) this.#current = candidate;
    this.#loadedAt = candidate.loadedAt;
  }

  /** Logs each setting at debug level, with its secrets masked. */
  logSettings(): void {
    if (!this.#log.enabled('debug')) return;
    for (const variable of VARIABLES) this.#log.debug('', this.#describe(variable, this.#layers));
  }

  get #layers(): LayeredConfig {
    if (this.#current === undefined) throw new Error('the configuration has not been read');
    return this.#current;
  }

  get #where(): Surroundings {
    return { cwd: this.#cwd, env: { ...Object.fromEntries(this.#envFile), ...this.#env } };
  }

  async #open(): Promise<void> {
    this.#envFile = await this.#readEnvFile();
    this.#logNames();
    this.#path = await orConfigError(() => findConfigFile(this.#where));
    const candidate = await this.#load();
    this.#coreLog.info('Read config file', { path: this.#path });
    this.commit(candidate);
  }

  async #readEnvFile(): Promise<ReadonlyMap<string, string>> {
    const text = await readFile(join(this.#cwd, '.env'), 'utf8').catch(() => '');
    const values = parseEnvFile(text);
    if (values === undefined) this.#log.warn('Ignoring .env: it is malformed');
    return values ?? new Map();
  }

  #logNames(): void {
    const { env } = this.#where;
    for (const [old, { name, env: current }] of deprecatedNames(env)) {
      this.#log.warn(`deprecated name, please use ${current ?? name}`, { variable: name, env: old });
    }
    for (const [name, similar] of unknownNames(env)) {
      const hint = similar === undefined ? '' : `, did you mean ${similar}?`;
      this.#log.warn(`Unknown environment variable ${name}${hint}`);
    }
  }

  async #load(): Promise<Candidate> {
    const base = await orConfigError(() => this.#read());
    const { layers, problems } = await this.#check(base, false);
    for (const { level, name, text } of problems) {
      const variable = VARIABLES.find((candidate) => candidate.name === name);
      const fields = { ...(variable ? this.#describe(variable, layers) : { variable: name }), error: text };
      if (level === 'error') this.#log.error('', fields);
      else this.#log.warn('', fields);
    }
    const errors = problems.filter(({ level }) => level === 'error');
    if (errors.length > 0) {
      const summary = 'Not all variables are set or are valid. Check the error messages above. Bailing out.';
      this.#log.error(summary);
      throw new ConfigError(errors.map(({ name, text }) => `${name}: ${text}`).join('; '));
    }
    return { ...layers, loadedAt: new Date(), basis: this.#current };
  }

  /** The base as the file has it, after bringing the file up to date. */
  async #read(): Promise<Config> {
    const found = await readConfigFile(this.#path);
    const config = found?.config ?? this.#current?.base ?? (await this.#lastGood()) ?? defaultConfig();
    if (Number.isNaN(Date.parse(config.created_at))) config.created_at = new Date().toISOString();
    if (found?.isExposed === true) {
      this.#log.warn('The config file holds secrets and can be read by others', { path: this.#path });
    }
    if (found?.text !== configText(config) || found.isExposed) await this.#writeIfPossible(config, found);
    return config;
  }

  /** An empty file beside a good copy of the one before is damage; who removes the file wants to start afresh. */
  async #lastGood(): Promise<Config | undefined> {
    if (!existsSync(this.#path)) return undefined;
    const copy = await readConfigFile(`${this.#path}.bak`);
    if (copy)
      this.#log.warn('The config file is empty, using the one before', {
        path: `${this.#path}.bak`,
      });
    return copy?.config;
  }

  async #writeIfPossible(config: Config, before: FileContent | undefined): Promise<void> {
    try {
      await writeConfigFile(this.#path, config, before);
    } catch (error) {
      const text = `failed to write JSON to '${this.#path}': ${errorText(error)}`;
      this.#log.error('Continuing without the config file', { error: text });
    }
  }

  async #check(base: Config, isChange: boolean): Promise<{ layers: LayeredConfig; problems: Problem[] }> {
    const where = this.#where;
    const { config: active, overridden, problems } = mergeEnvironment(base, where);
    problems.push(...(await validateConfig(active, where, isChange)));
    return { layers: { base, active, overridden }, problems };
  }

  async #put(body: Buffer, { dryRun = false, ifMatch }: PutOptions): Promise<void> {
    if (ifMatch !== undefined && ifMatch !== this.tag)
      throw new ConfigOutdated('the configuration has changed since');
    const json = parseJsonText(body.toString());
    const version = versionOf(json);
    if (!isKnownVersion(version)) throw new ConfigVersionError(`version ${version}`);

    const change = upgradeConfig(json as Record<string, unknown>, version);
    const base = changeConfig(this.#layers, change);
    base.created_at = new Date().toISOString();

    const { layers, problems } = await this.#check(base, true);
    const errors = problems.filter(({ level }) => level === 'error');
    if (errors.length > 0) {
      const byName = Map.groupBy(errors, ({ name }) => name);
      throw new ConfigConflict(
        Object.fromEntries([...byName].map(([name, list]) => [name, list.map(({ text }) => text)])),
      );
    }
    if (dryRun) return;
    try {
      // What cannot be read is not overwritten either.
      await writeConfigFile(this.#path, base, await readConfigFile(this.#path));
    } catch (error) {
      throw new ConfigWriteError(`failed to write JSON to '${this.#path}': ${errorText(error)}`, {
        cause: error,
      });
    }
    this.#current = layers;
  }

  #describe(
    { name, kind, env = '', about, secret }: Variable,
    { active, overridden }: LayeredConfig,
  ): LogFields {
    const value = settingOf(active, name);
    return {
      variable: name,
      value: secret === true ? '***' : (kind.mask ?? kind.format)(value),
      env,
      description: about,
      override: overridden.some((variable) => variable.name === name),
    };
  }

  /** Runs one change or reload after the other. */
  #alone<T>(act: () => Promise<T>): Promise<T> {
    const result = this.#changes.then(act);
    this.#changes = result.catch(() => undefined);
    return result;
  }
}

async function orConfigError<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (error instanceof ConfigFileError) throw new ConfigError(error.message, { cause: error });
    throw error;
  }
}
