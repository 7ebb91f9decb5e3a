import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import type { Logger } from '../log/logger.ts';
import { errorText } from '../util/errors.ts';
import { readSessionsJson } from './import-sessions.ts';

/** Totals of past sessions of one peer at one location. */
export interface SessionHistoryRow {
  location: string;
  peer: string;
  reference: string;
  sessions: number;
  rxBytes: number;
  txBytes: number;
}

interface CollectorHistory {
  collector: string;
  entries: readonly SessionHistoryRow[];
}

interface TableDatabase {
  readonly sqlite: DatabaseSync;
  transaction<T>(change: () => T): T;
}

/** The history of sessions, by collector. Every call is durable when it returns, and throws if it cannot be. */
export class SessionHistoryTable {
  readonly #database: TableDatabase;
  readonly #importDir: string;
  readonly #log: Logger;

  /** @param importDir where the reference keeps its histories, a file for each collector; they are taken over once. */
  constructor(database: TableDatabase, importDir: string, log: Logger) {
    this.#database = database;
    this.#importDir = importDir;
    this.#log = log;
  }

  /** What is kept of these collectors, in the order in which it was given. */
  load(collectors: readonly string[]): CollectorHistory[] {
    return collectors.map((collector) => {
      this.#importOnce(collector);
      return { collector, entries: this.#rows(collector) };
    });
  }

  /** Replaces what is kept of these collectors, of all or of none. */
  save(histories: readonly CollectorHistory[]): void {
    this.#database.transaction(() => {
      for (const { collector, entries } of histories) this.#replace(collector, entries);
    });
  }

  #rows(collector: string): SessionHistoryRow[] {
    return this.#prepare('SELECT * FROM session_history WHERE collector = ? ORDER BY position')
      .all(collector)
      .map((row) => ({
        location: String(row['location']),
        peer: String(row['peer']),
        reference: String(row['reference']),
        sessions: Number(row['sessions']),
        rxBytes: Number(row['rx_bytes']),
        txBytes: Number(row['tx_bytes']),
      }));
  }

  #replace(collector: string, entries: readonly SessionHistoryRow[]): void {
    this.#prepare('DELETE FROM session_history WHERE collector = ?').run(collector);
    const insert = this.#prepare(
      `INSERT INTO session_history
         (collector, position, location, peer, reference, sessions, rx_bytes, tx_bytes)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    for (const [position, entry] of entries.entries()) {
      const { location, peer, reference, sessions, rxBytes, txBytes } = entry;
      insert.run(collector, position, location, peer, reference, sessions, rxBytes, txBytes);
    }
  }

  #importOnce(collector: string): void {
    const isImported = this.#prepare('SELECT 1 FROM session_imported WHERE collector = ?').get(collector);
    if (isImported !== undefined) return;
    const path = join(this.#importDir, `${collector}.json`);
    let imported: SessionHistoryRow[] | undefined;
    try {
      imported = readSessionsJson(path);
    } catch (error) {
      this.#log.warn('Ignoring the sessions of another server', { path, error: errorText(error) });
      return;
    }
    if (imported === undefined) return;
    const entries = [...imported, ...this.#rows(collector)];
    this.#database.transaction(() => {
      this.#replace(collector, entries);
      this.#prepare('INSERT INTO session_imported (collector, at) VALUES (?, ?)').run(
        collector,
        Math.floor(Date.now() / 1000),
      );
    });
    this.#log.info('Imported the sessions of another server', { path, entries: imported.length });
  }

  #prepare(sql: string) {
    return this.#database.sqlite.prepare(sql);
  }
}
