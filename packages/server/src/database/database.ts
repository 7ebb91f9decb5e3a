import { chmodSync, existsSync, openSync, closeSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import type { Component } from '../components.ts';
import type { Logger } from '../log/logger.ts';
import { makeDirectory } from '../util/directory.ts';
import { CoreError, errorText } from '../util/errors.ts';
import { copyDurably, moveAside, replaceDurably } from './files.ts';
import { SCHEMA } from './schema.ts';

/** Names of the files below the database's folder. */
const FILE = 'millrace.db';
const COPY = 'millrace.db.bak';

/** When the copy is made after a start, which does not wait for it, and how old it gets, in milliseconds. */
const FIRST_COPY_DELAY = 5_000;
const COPY_INTERVAL = 6 * 3_600_000;

/** SQLite's result codes for a file that is broken, as opposed to one that cannot be read right now. */
const SQLITE_BUSY = 5;
const SQLITE_CORRUPT = 11;
const SQLITE_NOTADB = 26;

/** The file holds something that is no intact database. */
class DamagedError extends CoreError {}

/**
 * The durable state of the server, in one SQLite file that only this process may open. The last good copy of
 * the file lies beside it; a damaged file is replaced by that copy, and never overwritten.
 */
export class Database implements Component {
  readonly #dir: string;
  readonly #log: Logger;
  readonly #schema: readonly string[];
  #sqlite: DatabaseSync | undefined;
  #renewal: NodeJS.Timeout | undefined;

  /** @param dir the folder of the file; it is made if it is missing. */
  constructor(dir: string, log: Logger, schema: readonly string[] = SCHEMA) {
    this.#dir = dir;
    this.#log = log;
    this.#schema = schema;
  }

  /** The open database. Throws if it is not open. */
  get sqlite(): DatabaseSync {
    if (this.#sqlite === undefined) throw new Error('the database is not open');
    return this.#sqlite;
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- SQLite is synchronous, components are not
  async start(): Promise<void> {
    makeDirectory(this.#dir, 0o700);
    this.#recover();
    const sqlite = openForWriting(this.#path);
    try {
      migrate(sqlite, this.#schema, this.#path);
    } catch (error) {
      sqlite.close();
      throw error;
    }
    this.#sqlite = sqlite;
    this.#scheduleCopy(FIRST_COPY_DELAY);
  }

  /** Runs `change` so that all of it happens or nothing; within another transaction it becomes part of that one. */
  transaction<T>(change: () => T): T {
    return transact(this.sqlite, change);
  }

  /**
   * As `transaction`, but does not wait for the disk: when the machine loses its power, the last ones may be undone. The
   * order is kept, and nothing is lost when only the server ends.
   */
  relaxedTransaction<T>(change: () => T): T {
    if (this.sqlite.isTransaction) return change();
    this.sqlite.exec('PRAGMA synchronous = NORMAL');
    try {
      return this.transaction(change);
    } finally {
      this.sqlite.exec('PRAGMA synchronous = FULL');
    }
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- as start()
  async close(): Promise<void> {
    const sqlite = this.#sqlite;
    this.#sqlite = undefined;
    clearTimeout(this.#renewal);
    if (sqlite === undefined) return;
    this.#renewCopy(sqlite);
    sqlite.close();
  }

  #scheduleCopy(delay: number): void {
    this.#renewal = setTimeout(() => {
      this.#renewCopy(this.sqlite);
      this.#scheduleCopy(COPY_INTERVAL);
    }, delay).unref();
  }

  /** Without room for it, such as on a full disk, the earlier copy stays. */
  #renewCopy(sqlite: DatabaseSync): void {
    try {
      saveCopy(sqlite, this.#copyPath);
    } catch (error) {
      this.#log.warn('The copy of the database could not be renewed', { error: errorText(error) });
    }
  }

  get #path(): string {
    return join(this.#dir, FILE);
  }

  get #copyPath(): string {
    return join(this.#dir, COPY);
  }

  /** Makes sure that the file, if there is one, is intact. */
  #recover(): void {
    const path = this.#path;
    const copy = this.#copyPath;
    if (!existsSync(path)) {
      if (!existsSync(copy)) return;
      checkCopy(copy);
      copyDurably(copy, path);
      this.#log.warn('The database was missing and has been restored from its last good copy', {
        path,
        copy,
      });
      return;
    }
    try {
      checkIntact(path, existsSync(copy));
    } catch (error) {
      if (!(error instanceof DamagedError)) throw error;
      if (!existsSync(copy)) throw error;
      checkCopy(copy, error);
      const damaged = moveAside(path, Math.floor(Date.now() / 1000));
      copyDurably(copy, path);
      this.#log.error('The database was damaged and has been restored from its last good copy', {
        error: error.message,
        damaged,
        copy,
      });
    }
  }
}

/** Throws a DamagedError unless the file is an intact database. Leaves the file as it is. */
function checkIntact(path: string, hasCopy: boolean): void {
  const { size } = statSync(path);
  // A database that was ever used is not empty, but a file of no or one byte is an empty database to SQLite.
  if (size === 1 || (hasCopy && size === 0)) {
    throw new DamagedError('invalid', `the database ${path} is empty`);
  }
  const hasJournal = existsSync(`${path}-wal`);
  const problem = access(path, () => {
    const sqlite = openForReading(path);
    try {
      // SQLite fills up what is missing of the last page with zeros.
      if (!hasJournal && size < sizeOf(sqlite)) return 'it is cut short';
      return pragma(sqlite, 'integrity_check');
    } finally {
      sqlite.close();
    }
  });
  if (problem !== 'ok') {
    throw new DamagedError('invalid', `the database ${path} is damaged: ${String(problem)}`);
  }
}

/** How large the file has to be, in bytes. */
function sizeOf(sqlite: DatabaseSync): number {
  return Number(pragma(sqlite, 'page_count')) * Number(pragma(sqlite, 'page_size'));
}

function pragma(sqlite: DatabaseSync, name: string): unknown {
  return sqlite.prepare(`PRAGMA ${name}`).get()?.[name];
}

function openForReading(path: string): DatabaseSync {
  if (existsSync(`${path}-wal`)) return new DatabaseSync(path, { readOnly: true });
  // Without a journal to take into account, SQLite need not make one just to read.
  const url = pathToFileURL(path);
  url.searchParams.set('immutable', '1');
  return new DatabaseSync(url, { readOnly: true });
}

/** @param reason why the copy is needed, if there is more to say than that it is. */
function checkCopy(copy: string, reason?: Error): void {
  try {
    checkIntact(copy, true);
  } catch (error) {
    const text = `the last good copy cannot be used: ${errorText(error)}`;
    throw new CoreError('invalid', reason ? `${reason.message}; ${text}` : text, { cause: error });
  }
}

function openForWriting(path: string): DatabaseSync {
  return access(path, () => {
    // SQLite gives its journal the file's permissions.
    closeSync(openSync(path, 'a', 0o600));
    chmodSync(path, 0o600);
    const sqlite = new DatabaseSync(path, { enableForeignKeyConstraints: true });
    try {
      sqlite.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;');
      sqlite.exec('BEGIN IMMEDIATE; COMMIT;');
      return sqlite;
    } catch (error) {
      sqlite.close();
      throw error;
    }
  });
}

/** Turns SQLite's errors into ones that say what is wrong with which file. */
function access<T>(path: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    const code = (error as { errcode?: number }).errcode ?? 0;
    const text = errorText(error);
    switch (code & 0xff) {
      case SQLITE_CORRUPT:
      case SQLITE_NOTADB:
        throw new DamagedError('invalid', `the database ${path} is damaged: ${text}`, { cause: error });
      case SQLITE_BUSY:
        throw new CoreError('unavailable', `the database ${path} is in use by another server`, {
          cause: error,
        });
      default:
        throw new CoreError('unavailable', `can't open the database ${path}: ${text}`, { cause: error });
    }
  }
}

function migrate(sqlite: DatabaseSync, schema: readonly string[], path: string): void {
  const version = Number(pragma(sqlite, 'user_version'));
  if (version > schema.length) {
    throw new CoreError('unsupported', `the database ${path} was written by a newer version of this server`);
  }
  if (version === schema.length) return;
  transact(sqlite, () => {
    for (const step of schema.slice(version)) sqlite.exec(step);
    sqlite.exec(`PRAGMA user_version = ${schema.length}`);
  });
}

function transact<T>(sqlite: DatabaseSync, change: () => T): T {
  if (sqlite.isTransaction) return change();
  sqlite.exec('BEGIN IMMEDIATE');
  try {
    const result = change();
    sqlite.exec('COMMIT');
    return result;
  } catch (error) {
    // SQLite itself ends the transaction after some errors, such as a full disk.
    if (isOpenTransaction(sqlite)) sqlite.exec('ROLLBACK');
    throw error;
  }
}

function isOpenTransaction(sqlite: DatabaseSync): boolean {
  return sqlite.isTransaction;
}

function saveCopy(sqlite: DatabaseSync, copy: string): void {
  replaceDurably(copy, (temporary) => {
    sqlite.prepare('VACUUM INTO ?').run(temporary);
  });
}
