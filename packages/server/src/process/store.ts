import type { DatabaseSync } from 'node:sqlite';
import { readDbJson, type ImportedProcess } from '../database/import-db-json.ts';
import { MetadataTable } from '../database/metadata.ts';
import { ProcessTable, type ProcessRow } from '../database/processes.ts';
import type { Run } from '../ffmpeg/report.ts';
import type { Logger } from '../log/logger.ts';
import type { Order } from '../child/supervisor.ts';
import type { ProcessConfig } from './config.ts';
import { Metadata } from './metadata.ts';

/** A process as it outlives the server. */
export interface ProcessRecord {
  config: ProcessConfig;
  order: Order;
  /** Which versions of FFmpeg the process was made for, as a range; `''` if that is not known. */
  ffmpegConstraint: string;
  /** Unix seconds. */
  createdAt: number;
  updatedAt: number;
}

/** A process with its past runs. */
export interface StoredProcess extends ProcessRecord {
  history: readonly Run[];
}

/** What the store needs of the database. */
export interface StoreDatabase {
  readonly sqlite: DatabaseSync;
  transaction<T>(change: () => T): T;
}

/** Keeps processes and metadata. Writes are durable when a call returns, and throw if they cannot be. */
export class ProcessStore {
  readonly #database: StoreDatabase;
  readonly #log: Logger;
  readonly #processes: ProcessTable;
  readonly #metadata: MetadataTable;

  constructor(database: StoreDatabase, log: Logger) {
    this.#database = database;
    this.#log = log;
    this.#processes = new ProcessTable(database);
    this.#metadata = new MetadataTable(database);
  }

  /**
   * All processes, by id. As long as nothing was ever stored, the reference's database is taken over first.
   *
   * @param importFile path of the reference's `db.json`.
   * @throws CoreError `invalid` if that file is there but cannot be used.
   */
  load(importFile: string): StoredProcess[] {
    if (this.#isUntouched()) this.#import(importFile);
    return this.#processes.all().flatMap((row) => {
      try {
        const { order, ffmpegConstraint, createdAt, updatedAt } = row;
        const config = JSON.parse(row.config) as ProcessConfig;
        const history = JSON.parse(row.history) as Run[];
        return [{ config, order, ffmpegConstraint, createdAt, updatedAt, history }];
      } catch (error) {
        this.#log.error('Ignoring a stored process that cannot be read', { id: row.id, error });
        return [];
      }
    });
  }

  insert(record: ProcessRecord): void {
    this.#processes.insert({ ...toRow(record), history: '[]' });
  }

  /** Replaces a process, which may get another id. */
  update(id: string, record: ProcessRecord): void {
    this.#processes.update(id, toRow(record));
  }

  setOrder(id: string, order: Order): void {
    this.#processes.setOrder(id, order);
  }

  setHistories(histories: readonly { id: string; runs: readonly Run[] }[]): void {
    this.#database.transaction(() => {
      for (const { id, runs } of histories) this.#processes.setHistory(id, JSON.stringify(runs));
    });
  }

  remove(id: string): void {
    this.#processes.remove(id);
  }

  metadataOfSystem(): Metadata {
    return new Metadata(
      this.#metadata.ofSystem(),
      (key, value) => {
        this.#metadata.setOfSystem(key, value);
      },
      {},
    );
  }

  metadataOfProcess(id: string): Metadata {
    return new Metadata(this.#metadata.ofProcess(id), (key, value) => {
      this.#metadata.setOfProcess(id, key, value);
    });
  }

  #isUntouched(): boolean {
    const [row] = this.#database.sqlite
      .prepare(
        `SELECT EXISTS (SELECT 1 FROM imported) OR EXISTS (SELECT 1 FROM process)
           OR EXISTS (SELECT 1 FROM metadata) AS used`,
      )
      .all();
    return row?.['used'] === 0;
  }

  #import(path: string): void {
    const imported = readDbJson(path, this.#log);
    if (imported === undefined) return;
    this.#database.transaction(() => {
      this.#database.sqlite.prepare('INSERT INTO imported (file, at) VALUES (?, ?)').run(path, now());
      for (const [key, value] of Object.entries(imported.metadata)) {
        if (value !== null) this.#metadata.setOfSystem(key, JSON.stringify(value));
      }
      for (const process of imported.processes) {
        this.insert(fromImport(process));
        for (const [key, value] of Object.entries(process.metadata)) {
          if (value !== null) this.#metadata.setOfProcess(process.id, key, JSON.stringify(value));
        }
      }
    });
    this.#log.info('Imported the processes of another server', {
      path,
      processes: imported.processes.length,
    });
  }
}

/** Unix seconds. */
export function now(): number {
  return Math.floor(Date.now() / 1000);
}

function toRow({ config, ...record }: ProcessRecord): Omit<ProcessRow, 'history'> {
  return { ...record, id: config.id, config: JSON.stringify(config) };
}

function fromImport({ id, config, order, created_at, updated_at }: ImportedProcess): ProcessRecord {
  return {
    config: {
      id,
      reference: config.reference,
      inputs: config.input.map(({ id, address, options }) => ({ id, address, options })),
      outputs: config.output.map(({ id, address, options, cleanup }) => ({
        id,
        address,
        options,
        cleanup: cleanup.map((rule) => ({
          pattern: rule.pattern,
          maxFiles: rule.max_files,
          maxFileAgeSeconds: rule.max_file_age_seconds,
          purgeOnDelete: rule.purge_on_delete,
        })),
      })),
      options: config.options,
      reconnect: config.reconnect,
      reconnectDelaySeconds: config.reconnect_delay_seconds,
      autostart: config.autostart,
      staleTimeoutSeconds: config.stale_timeout_seconds,
      limits: {
        cpuPercent: Math.min(Math.max(config.limit_cpu_usage, 0), 100),
        memoryBytes: config.limit_memory_bytes,
        waitForSeconds: config.limit_waitfor_seconds,
      },
    },
    order: order === 'start' ? 'start' : 'stop',
    ffmpegConstraint: config.ffversion,
    createdAt: created_at,
    updatedAt: updated_at,
  };
}
