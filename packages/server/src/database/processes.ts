import type { DatabaseSync } from 'node:sqlite';

/** A process as it is stored. What `config` and `history` hold is up to their owner. */
export interface ProcessRow {
  id: string;
  /** JSON. */
  config: string;
  order: 'start' | 'stop';
  /** Which versions of FFmpeg the process was made for, as a range. */
  ffmpegConstraint: string;
  /** Unix seconds. */
  createdAt: number;
  updatedAt: number;
  /** JSON. */
  history: string;
}

/** The stored processes. Every call is durable when it returns, and throws if it cannot be. */
export class ProcessTable {
  readonly #database: { readonly sqlite: DatabaseSync };

  constructor(database: { readonly sqlite: DatabaseSync }) {
    this.#database = database;
  }

  all(): ProcessRow[] {
    return this.#prepare('SELECT * FROM process ORDER BY id')
      .all()
      .map((row) => ({
        id: String(row['id']),
        config: String(row['config']),
        order: row['desired_order'] === 'start' ? 'start' : 'stop',
        ffmpegConstraint: String(row['ffmpeg_constraint']),
        createdAt: Number(row['created_at']),
        updatedAt: Number(row['updated_at']),
        history: String(row['history']),
      }));
  }

  insert(row: ProcessRow): void {
    this.#prepare(
      `INSERT INTO process (id, config, desired_order, ffmpeg_constraint, created_at, updated_at, history)
       VALUES (?, ?, ?, ?, ?, ?, ?)`,
    ).run(row.id, row.config, row.order, row.ffmpegConstraint, row.createdAt, row.updatedAt, row.history);
  }

  /** Replaces everything but the history. Under a new id, the metadata follows. */
  update(id: string, row: Omit<ProcessRow, 'history'>): void {
    this.#prepare(
      `UPDATE process
       SET id = ?, config = ?, desired_order = ?, ffmpeg_constraint = ?, created_at = ?, updated_at = ?
       WHERE id = ?`,
    ).run(row.id, row.config, row.order, row.ffmpegConstraint, row.createdAt, row.updatedAt, id);
  }

  setOrder(id: string, order: ProcessRow['order']): void {
    this.#prepare('UPDATE process SET desired_order = ? WHERE id = ?').run(order, id);
  }

  setHistory(id: string, history: string): void {
    this.#prepare('UPDATE process SET history = ? WHERE id = ?').run(history, id);
  }

  /** Removes the process with its metadata. */
  remove(id: string): void {
    this.#prepare('DELETE FROM process WHERE id = ?').run(id);
  }

  #prepare(sql: string) {
    return this.#database.sqlite.prepare(sql);
  }
}
