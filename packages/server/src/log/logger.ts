import { EventEmitter } from 'node:events';
import type { Component } from '../components.ts';
import { formatConsole, formatJson, LOG_LEVELS, type LogEvent, type LogLevel } from './format.ts';
import { Ring } from '../util/ring.ts';
import { mapTexts, maskSecrets } from '../util/text.ts';

/** Plain data that goes with an event. Of secrets, only those in addresses and queries are found and masked. */
export type LogFields = Record<string, unknown>;

/** Writes events of one component. The message may be empty. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** Whether an event of that level would be recorded; for events that are costly to build. */
  enabled(level: LogLevel): boolean;
  /** A logger that adds the fields to each of its events. */
  with(fields: LogFields): Logger;
}

export interface LogOptions {
  /** `silent`, `error`, `warn`, `info` or `debug`; anything else counts as `info`. */
  level: string;
  /** Component names shown on the console, regardless of case; empty shows all. */
  topics: readonly string[];
  /** How many events the API can read back. */
  maxLines: number;
  /** `json` writes a JSON object a line; anything else the console format. */
  format?: string;
}

/** Where console lines go: standard error, or anything like it. */
export interface LogConsole {
  write(text: string): unknown;
  isTTY?: boolean;
}

/** What the log tells as it happens. Who listens must not log at once. */
interface LogSignals {
  recorded: [event: LogEvent];
}

/** The server's log: one line an event on the console, and the newest events in memory for the API. */
export class Log extends EventEmitter<LogSignals> implements Component {
  readonly #console: LogConsole;
  readonly #ring = new Ring<LogEvent>(0);
  #threshold = 0;
  #topics = new Set<string>();
  #format: (event: LogEvent) => string;

  constructor(console: LogConsole, options: LogOptions) {
    super();
    this.#console = console;
    this.#format = formatJson;
    this.configure(options);
  }

  /** Nothing to open: a log can be written to from the beginning to the end. */
  start(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** Applies new options to all loggers at once. Recorded events stay, unless the log is to be silent. */
  configure(options: LogOptions): void {
    this.#threshold = threshold(options.level);
    this.#topics = new Set(options.topics.map((topic) => topic.toLowerCase()));
    this.#ring.resize(options.maxLines);
    // What was recorded before the configuration was read was not meant to be.
    if (options.level === 'silent') this.#ring.clear();
    const isColoured = this.#console.isTTY === true;
    this.#format = options.format === 'json' ? formatJson : (event) => formatConsole(event, isColoured);
  }

  /** The logger of a component, such as `HTTP` or `Process`. */
  component(name: string): Logger {
    return this.#logger(name, {});
  }

  /** The recorded events, oldest first. */
  events(): LogEvent[] {
    return this.#ring.toArray();
  }

  #logger(component: string, bound: LogFields): Logger {
    const at = (level: LogLevel) => (message: string, fields?: LogFields) => {
      if (this.#enabled(level)) this.#record(level, component, message, { ...bound, ...fields });
    };
    return {
      debug: at('debug'),
      info: at('info'),
      warn: at('warn'),
      error: at('error'),
      enabled: (level) => this.#enabled(level),
      with: (fields) => this.#logger(component, { ...bound, ...fields }),
    };
  }

  #enabled(level: LogLevel): boolean {
    return LOG_LEVELS.indexOf(level) >= this.#threshold;
  }

  #record(level: LogLevel, component: string, message: string, fields: LogFields): void {
    const event: LogEvent = {
      time: new Date(),
      level,
      component,
      message: maskSecrets(message),
      fields: mapTexts(fields, maskSecrets) as LogFields,
    };
    this.#ring.push(event);
    if (this.#topics.size === 0 || this.#topics.has(component.toLowerCase())) {
      this.#console.write(`${this.#format(event)}\n`);
    }
    this.emit('recorded', event);
  }
}

function threshold(level: string): number {
  if (level === 'silent') return LOG_LEVELS.length;
  const index = LOG_LEVELS.indexOf(level as LogLevel);
  return index === -1 ? LOG_LEVELS.indexOf('info') : index;
}
