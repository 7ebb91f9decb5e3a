import { existsSync, readFileSync } from 'node:fs';
import { Type, type Static } from '@millrace/api';
import type { Logger } from '../log/logger.ts';
import { decodeJson } from '../util/decode.ts';
import { CoreError, errorText } from '../util/errors.ts';
import { JsonError, parseJsonText } from '../util/json.ts';

const text = Type.String();
const texts = Type.Array(Type.String());
const natural = Type.Integer({ minimum: 0 });
const integer = Type.Integer();
const flag = Type.Boolean();

const Io = Type.Object({
  id: text,
  address: text,
  options: texts,
  cleanup: Type.Array(
    Type.Object({
      pattern: text,
      max_files: natural,
      max_file_age_seconds: natural,
      purge_on_delete: flag,
    }),
  ),
});

const Config = Type.Object({
  reference: text,
  ffversion: text,
  input: Type.Array(Io),
  output: Type.Array(Io),
  options: texts,
  reconnect: flag,
  reconnect_delay_seconds: natural,
  autostart: flag,
  stale_timeout_seconds: natural,
  limit_cpu_usage: Type.Number(),
  limit_memory_bytes: natural,
  limit_waitfor_seconds: natural,
});

const Entry = Type.Object({ config: Config, created_at: integer, updated_at: integer, order: text });

/** A process of the reference's database, in its own words. */
export interface ImportedProcess extends Static<typeof Entry> {
  id: string;
  metadata: Record<string, unknown>;
}

export interface ImportedDatabase {
  processes: ImportedProcess[];
  /** Of the server. */
  metadata: Record<string, unknown>;
}

const VERSION = 4;

/**
 * Reads the reference's database (`db.json`, version 4). Entries that cannot be used are left out with a warning.
 * `undefined` if there is no such file.
 *
 * @throws CoreError `invalid` if the file as a whole cannot be used.
 */
export function readDbJson(path: string, log: Logger): ImportedDatabase | undefined {
  if (!existsSync(path)) return undefined;
  try {
    return parse(readFileSync(path, 'utf8'), log.with({ path }));
  } catch (error) {
    throw new CoreError('invalid', `failed to load data from DB ${path} (${errorText(error)})`, {
      cause: error,
    });
  }
}

function parse(json: string, log: Logger): ImportedDatabase {
  const file = requireObject(parseJsonText(json), 'the file');
  const version = file['version'] ?? 0;
  if (version !== VERSION) {
    throw new JsonError(
      `unsupported version of the DB file (want: ${VERSION}, have: ${JSON.stringify(version)})`,
    );
  }
  const processes = requireObject(file['process'] ?? {}, 'process');
  const metadata = requireObject(file['metadata'] ?? {}, 'metadata');
  const ofProcesses = requireObject(metadata['process'] ?? {}, 'metadata.process');
  return {
    processes: Object.entries(processes).flatMap(([id, entry]) => {
      try {
        return [parseProcess(id, entry, ofProcesses[id])];
      } catch (error) {
        if (!(error instanceof JsonError)) throw error;
        log.warn('Ignoring a process of the imported database', { id, error });
        return [];
      }
    }),
    metadata: requireObject(metadata['system'] ?? {}, 'metadata.system'),
  };
}

function parseProcess(id: string, entry: unknown, metadata: unknown): ImportedProcess {
  if (id.trim() === '') throw new JsonError('an empty ID is not allowed');
  const { config } = requireObject(entry, 'the process');
  requireObject(config, 'its config');
  return { id, ...decodeJson(Entry, entry, EMPTY), metadata: requireObject(metadata ?? {}, 'its metadata') };
}

function requireObject(value: unknown, what: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw new JsonError(`${what} is not a JSON object`);
}

const EMPTY: Static<typeof Entry> = {
  config: {
    reference: '',
    ffversion: '',
    input: [],
    output: [],
    options: [],
    reconnect: false,
    reconnect_delay_seconds: 0,
    autostart: false,
    stale_timeout_seconds: 0,
    limit_cpu_usage: 0,
    limit_memory_bytes: 0,
    limit_waitfor_seconds: 0,
  },
  created_at: 0,
  updated_at: 0,
  order: '',
};
