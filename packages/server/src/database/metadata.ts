import type { DatabaseSync } from 'node:sqlite';
import { CoreError } from '../util/errors.ts';

/** Stored metadata, values as JSON text. Every call is durable when it returns, and throws if it cannot be. */
export class MetadataTable {
  readonly #database: { readonly sqlite: DatabaseSync };

  constructor(database: { readonly sqlite: DatabaseSync }) {
    this.#database = database;
  }

  ofSystem(): [key: string, value: string][] {
    return this.#prepare('SELECT key, value FROM metadata')
      .all()
      .map((row) => [String(row['key']), String(row['value'])]);
  }

  ofProcess(process: string): [key: string, value: string][] {
    return this.#prepare('SELECT key, value FROM process_metadata WHERE process = ?')
      .all(process)
      .map((row) => [String(row['key']), String(row['value'])]);
  }

  /** @param value `undefined` removes the key. */
  setOfSystem(key: string, value: string | undefined): void {
    if (value === undefined) this.#prepare('DELETE FROM metadata WHERE key = ?').run(key);
    else this.#prepare('INSERT OR REPLACE INTO metadata (key, value) VALUES (?, ?)').run(key, value);
  }

  /**
   * @param value `undefined` removes the key.
   * @throws CoreError `not_found` if the process is no longer stored.
   */
  setOfProcess(process: string, key: string, value: string | undefined): void {
    if (value === undefined) {
      this.#prepare('DELETE FROM process_metadata WHERE process = ? AND key = ?').run(process, key);
    } else {
      const { changes } = this.#prepare(
        `INSERT OR REPLACE INTO process_metadata (process, key, value)
         SELECT id, ?, ? FROM process WHERE id = ?`,
      ).run(key, value, process);
      if (changes === 0) throw new CoreError('not_found', 'unknown process');
    }
  }

  #prepare(sql: string) {
    return this.#database.sqlite.prepare(sql);
  }
}
