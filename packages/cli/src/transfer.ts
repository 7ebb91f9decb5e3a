import type { Client, ProcessConfig } from '@millrace/client';
import { isDeepStrictEqual } from 'node:util';
import { CommandError } from './errors.ts';
import { EXIT } from './exit-codes.ts';

/** All processes and metadata of a server, as a file. */
export interface Export {
  format: typeof FORMAT;
  version: typeof VERSION;
  /** RFC 3339. */
  exported_at: string;
  server: string;
  processes: ExportedProcess[];
  /** By key. */
  metadata: Record<string, unknown>;
}

export interface ExportedProcess {
  config: ProcessConfig;
  /** Whether it was to run. */
  order: 'start' | 'stop';
  /** By key. */
  metadata: Record<string, unknown>;
}

const FORMAT = 'millrace-export';
const VERSION = 1;

/** One change that an import makes. */
export interface Change {
  kind: 'process' | 'metadata';
  /** Id of the process, or key of the metadata. */
  name: string;
  what: 'add' | 'change' | 'remove' | 'start' | 'stop';
  /** What of it is different. */
  details: string[];
  apply(client: Client, signal: AbortSignal): Promise<void>;
}

/** Reads all processes and metadata of a server. */
export async function exportAll(client: Client, url: string, signal: AbortSignal): Promise<Export> {
  const processes = await client.processes.list({ filter: ['config', 'state', 'metadata'] }, { signal });
  processes.sort((a, b) => (a.id < b.id ? -1 : 1));
  return {
    format: FORMAT,
    version: VERSION,
    exported_at: new Date().toISOString(),
    server: url,
    processes: processes.flatMap((process) => {
      const { config, state, metadata } = process;
      if (config === undefined) return [];
      return [{ config, order: state?.order === 'start' ? 'start' : 'stop', metadata: toRecord(metadata) }];
    }),
    metadata: toRecord(await client.metadata.all({ signal })),
  };
}

/**
 * Reads the text of a file that `exportAll` made.
 *
 * @throws CommandError if it is none.
 */
export function parseExport(text: string): Export {
  const fail = (reason: string, cause?: unknown) =>
    new CommandError(`this is not an export of millrace: ${reason}`, { exitCode: EXIT.usage, cause });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw fail((error as Error).message, error);
  }
  const { format, version, processes, metadata } = toRecord(value);
  if (format !== FORMAT) throw fail(`its format is not ${FORMAT}`);
  if (version !== VERSION) throw fail(`its version is ${JSON.stringify(version)}, known is ${VERSION}`);
  if (!Array.isArray(processes)) throw fail('it has no list of processes');
  const ids = new Set<string>();
  for (const [index, process] of processes.entries()) {
    const { config } = toRecord(process);
    const { id, input, output } = toRecord(config);
    if (typeof id !== 'string' || id === '') throw fail(`process ${index} has no id`);
    if (!Array.isArray(input) || !Array.isArray(output)) throw fail(`process ${id} has no inputs or outputs`);
    if (ids.has(id)) throw fail(`process ${id} is there twice`);
    ids.add(id);
  }
  return {
    format: FORMAT,
    version: VERSION,
    exported_at: '',
    server: '',
    processes: (processes as ExportedProcess[]).map((process) => ({
      config: process.config,
      order: process.order === 'stop' ? 'stop' : 'start',
      metadata: toRecord(process.metadata),
    })),
    metadata: toRecord(metadata),
  };
}

/**
 * What has to change on a server that is like `present` to make it like `wanted`, in an order in which it can be done.
 *
 * @param prune whether what only the server has is removed.
 */
export function planImport(present: Export, wanted: Export, prune: boolean): Change[] {
  const there = new Map(present.processes.map((process) => [process.config.id, process]));
  const changes = inOrder(wanted.processes).flatMap((process) =>
    processChanges(there.get(process.config.id), process),
  );
  changes.push(
    ...metadataChanges(present.metadata, wanted.metadata, prune, '', (client, key, value, signal) =>
      client.metadata.set(key, value, { signal }),
    ),
  );
  if (!prune) return changes;
  const ids = new Set(wanted.processes.map(({ config }) => config.id));
  // Who refers to others goes before them.
  const gone = inOrder(present.processes.filter(({ config }) => !ids.has(config.id))).reverse();
  for (const { config } of gone) {
    changes.push(
      change('process', config.id, 'remove', [], (client, signal) =>
        client.processes.remove(config.id, { signal }),
      ),
    );
  }
  return changes;
}

function processChanges(present: ExportedProcess | undefined, wanted: ExportedProcess): Change[] {
  const { config, order, metadata } = wanted;
  const { id } = config;
  const changes: Change[] = [];
  const current = present?.order ?? order;
  if (present === undefined) {
    changes.push(
      change('process', id, 'add', [], async (client, signal) => {
        // That it is not to run can only be said of a new process by having it not start by itself.
        const autostart = order === 'start';
        await client.processes.add({ ...config, autostart }, { signal });
        if (autostart !== config.autostart) await client.processes.update(id, config, { signal });
      }),
    );
  } else {
    const details = differences(present.config, config);
    if (details.length > 0) {
      changes.push(
        change('process', id, 'change', details, async (client, signal) => {
          await client.processes.update(id, config, { signal });
        }),
      );
    }
  }
  const setMetadata = (client: Client, key: string, value: unknown, signal: AbortSignal) =>
    client.processes.setMetadata(id, key, value, { signal });
  changes.push(...metadataChanges(present?.metadata ?? {}, metadata, false, `${id}: `, setMetadata));
  if (current !== order) {
    changes.push(
      change('process', id, order, [], (client, signal) => client.processes.command(id, order, { signal })),
    );
  }
  return changes;
}

function metadataChanges(
  present: Record<string, unknown>,
  wanted: Record<string, unknown>,
  prune: boolean,
  prefix: string,
  set: (client: Client, key: string, value: unknown, signal: AbortSignal) => Promise<unknown>,
): Change[] {
  const made = (key: string, value: unknown, what: Change['what']) =>
    change('metadata', prefix + key, what, [], async (client, signal) => {
      await set(client, key, value, signal);
    });
  const changed = Object.entries(wanted)
    .filter(([key, value]) => !isDeepStrictEqual(present[key], value))
    .map(([key, value]) => made(key, value, Object.hasOwn(present, key) ? 'change' : 'add'));
  const gone = prune ? Object.keys(present).filter((key) => !Object.hasOwn(wanted, key)) : [];
  return [...changed, ...gone.map((key) => made(key, null, 'remove'))];
}

function change(
  kind: Change['kind'],
  name: string,
  what: Change['what'],
  details: string[],
  apply: Change['apply'],
): Change {
  return { kind, name, what, details, apply };
}

/** The dotted names of what is different. What the wanted one does not have is left as it is. */
function differences(present: unknown, wanted: unknown, prefix = ''): string[] {
  if (isDeepStrictEqual(present, wanted)) return [];
  if (!isGroup(present) || !isGroup(wanted)) return [prefix];
  return Object.keys(wanted).flatMap((key) =>
    differences(present[key], wanted[key], prefix === '' ? key : `${prefix}.${key}`),
  );
}

/** Processes after those that they take their input from. */
function inOrder(processes: readonly ExportedProcess[]): ExportedProcess[] {
  const byId = new Map(processes.map((process) => [process.config.id, process]));
  const ordered = new Set<ExportedProcess>();
  const visiting = new Set<ExportedProcess>();
  const visit = (process: ExportedProcess) => {
    if (ordered.has(process) || visiting.has(process)) return;
    visiting.add(process);
    for (const { address } of process.config.input) {
      const [, id = ''] = /^#(.+):output=/.exec(address) ?? [];
      const other = byId.get(id);
      if (other !== undefined) visit(other);
    }
    ordered.add(process);
  };
  processes.forEach(visit);
  return [...ordered];
}

function isGroup(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function toRecord(value: unknown): Record<string, unknown> {
  return isGroup(value) ? value : {};
}
