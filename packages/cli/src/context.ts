import type { Client } from '@millrace/client';
import { type Connection, openConnection } from './connection.ts';
import { type Environment, variable } from './environment.ts';
import { Profiles } from './profiles.ts';
import { paint, plain, type Style } from './terminal/style.ts';
import { type Column, tableLines } from './terminal/table.ts';

/** A stream that may be a terminal. */
export interface Output extends NodeJS.WritableStream {
  isTTY?: boolean;
  columns?: number;
  rows?: number;
  hasColors?(count?: number, env?: object): boolean;
}

/** A stream that may be a keyboard. */
export interface Input extends NodeJS.ReadableStream {
  isTTY?: boolean;
  setRawMode?(isRaw: boolean): unknown;
}

/** What surrounds the program. */
export interface Surroundings {
  env: Environment;
  stdin: Input;
  stdout: Output;
  stderr: Output;
  /** Aborted when the user wants it to end. */
  signal: AbortSignal;
}

/** What all commands have in common on their command line. */
export interface Settings {
  json: boolean;
  profile?: string | undefined;
  url?: string | undefined;
  /** In seconds. */
  timeout?: number | undefined;
}

/** What a command works with: the server, and the terminal or whoever reads instead. */
export class Context {
  readonly env: Environment;
  readonly stdin: Input;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly signal: AbortSignal;
  readonly profiles: Profiles;
  /** Whether a program reads what comes out. */
  readonly isJson: boolean;
  readonly settings: Settings;
  #connection: Promise<Connection> | undefined;
  #url: string | undefined;

  constructor(surroundings: Surroundings, settings: Settings) {
    this.env = surroundings.env;
    this.stdin = surroundings.stdin;
    this.stdout = surroundings.stdout;
    this.stderr = surroundings.stderr;
    this.signal = surroundings.signal;
    this.settings = settings;
    this.isJson = settings.json;
    this.profiles = new Profiles(surroundings.env, settings.profile);
  }

  /** The connection with the chosen server; nothing is sent by that. */
  async connection(): Promise<Connection> {
    const { url, timeout } = this.settings;
    this.#connection ??= openConnection({
      env: this.env,
      profiles: this.profiles,
      url,
      timeout: timeout === undefined ? undefined : timeout * 1000,
    });
    const connection = await this.#connection;
    this.#url = connection.url;
    return connection;
  }

  async client(): Promise<Client> {
    return (await this.connection()).client;
  }

  /** The server that was last spoken of, for errors. */
  get url(): string | undefined {
    return this.#url;
  }

  /** Columns of the terminal; undefined if there is none. */
  get columns(): number | undefined {
    return this.stdout.isTTY === true ? this.stdout.columns : undefined;
  }

  /** The result: JSON for programs, text for people. */
  show(value: unknown, text: () => string | readonly string[]): void {
    if (this.isJson) this.print(JSON.stringify(value, null, 2));
    else this.print(...[text()].flat());
  }

  /** Lines of the result. */
  print(...lines: readonly string[]): void {
    for (const line of lines) this.stdout.write(`${line}\n`);
  }

  /** What a person wants to know beside the result. */
  note(text: string): void {
    if (!this.isJson) this.stderr.write(`${this.paintError('dim', text)}\n`);
  }

  /** What a person should know, whoever reads the result. */
  warn(text: string): void {
    this.stderr.write(`${this.paintError('busy', 'warning:')} ${text}\n`);
  }

  /** A table as wide as the terminal. */
  table<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string[] {
    return tableLines(columns, rows, { width: this.columns, paint: this.paint });
  }

  readonly paint = (style: Style, text: string): string =>
    (hasColours(this.stdout, this.env) ? paint : plain)(style, text);

  readonly paintError = (style: Style, text: string): string =>
    (hasColours(this.stderr, this.env) ? paint : plain)(style, text);

  /** Waits until what is to be kept is kept. */
  async close(): Promise<void> {
    await (await this.#connection?.catch(() => undefined))?.settled();
  }
}

/** https://no-color.org and https://force-color.org */
function hasColours(stream: Output, env: Environment): boolean {
  if (variable(env, 'NO_COLOR') !== undefined) return false;
  const forced = env['FORCE_COLOR'];
  if (forced !== undefined) return forced !== '0' && forced !== 'false';
  return stream.isTTY === true && (stream.hasColors?.(16, env) ?? false);
}
