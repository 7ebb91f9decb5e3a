import type { DatabaseSync } from 'node:sqlite';

/** An event as it is stored. What `data` holds is up to its owner. */
export interface EventRow {
  id: number;
  /** Unix milliseconds. */
  at: number;
  type: string;
  /** The process it is about; empty if there is none. */
  process: string;
  /** Of a line of the log; empty for other events. */
  level: string;
  data: string;
}

/** The journal of events. Writes outlive a crash of the server, but not always one of the machine. */
export class EventTable {
  readonly #database: { readonly sqlite: DatabaseSync; relaxedTransaction<T>(change: () => T): T };

  constructor(database: { readonly sqlite: DatabaseSync; relaxedTransaction<T>(change: () => T): T }) {
    this.#database = database;
  }

  /** 0 if nothing is stored. */
  lastId(): number {
    return Number(this.#prepare('SELECT max(id) AS id FROM event').get()?.['id'] ?? 0);
  }

  count(): number {
    return Number(this.#prepare('SELECT count(*) AS count FROM event').get()?.['count']);
  }

  has(id: number): boolean {
    return this.#prepare('SELECT 1 FROM event WHERE id = ?').get(id) !== undefined;
  }

  /** The oldest events behind an id. */
  after(id: number, limit: number): EventRow[] {
    return this.#prepare('SELECT * FROM event WHERE id > ? ORDER BY id LIMIT ?')
      .all(id, limit)
      .map((row) => ({
        id: Number(row['id']),
        at: Number(row['at']),
        type: String(row['type']),
        process: String(row['process']),
        level: String(row['level']),
        data: String(row['data']),
      }));
  }

  /** Stores all of them, or throws and stores none. */
  insert(rows: readonly EventRow[]): void {
    this.#database.relaxedTransaction(() => {
      const insert = this.#prepare(
        'INSERT INTO event (id, at, type, process, level, data) VALUES (?, ?, ?, ?, ?, ?)',
      );
      for (const { id, at, type, process, level, data } of rows) {
        insert.run(id, at, type, process, level, data);
      }
    });
  }

  /** Removes the oldest: those beyond a number, and those from before an instant. The newest one stays. */
  prune(maxCount: number, before: number): void {
    this.#database.relaxedTransaction(() => {
      this.#prepare(
        'DELETE FROM event WHERE id <= (SELECT id FROM event ORDER BY id DESC LIMIT 1 OFFSET ?)',
      ).run(Math.max(1, maxCount));
      // Events are in the order of time: this looks no further than to the first that stays.
      this.#prepare(
        `DELETE FROM event WHERE id < coalesce(
           (SELECT id FROM event WHERE at >= ? ORDER BY id LIMIT 1), (SELECT max(id) FROM event))`,
      ).run(before);
    });
  }

  #prepare(sql: string) {
    return this.#database.sqlite.prepare(sql);
  }
}
