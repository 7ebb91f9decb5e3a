import type { Spawner } from '../child/children.ts';
import { AddressFilter, type AddressLists } from '../ffmpeg/address-filter.ts';
import type { Probe } from '../ffmpeg/probe.ts';
import type { Logger } from '../log/logger.ts';
import type { CleanupRule } from '../storage/cleanup.ts';
import type { DiskUsage } from './disk-guard.ts';
import type { PlaceholderSources } from './placeholders.ts';
import type { PortRange } from './playout-ports.ts';
import { Resolver } from './resolve.ts';
import { ProcessStore, type StoreDatabase } from './store.ts';
import type { Runtime } from './task.ts';
import type { AddressRules } from './validate.ts';

export interface ProcessOptions {
  /** How many processes may be active at a time; 0 is any number. */
  maxProcesses: number;
  placeholders: PlaceholderSources;
  /** Which addresses FFmpeg may read and write. */
  input: AddressLists;
  output: AddressLists;
  /** How many log lines of a run, and how many past runs of a process, are kept. */
  maxLogLines: number;
  maxHistory: number;
  /** Within which time those are started that are to run from the beginning. */
  startJitterMs: number;
  /** How long the pause before a restart may get if FFmpeg fails at once again and again; 0 keeps it as the user set it. */
  maxReconnectDelayMs: number;
  playoutPorts: PortRange;
  /** Path of the reference's `db.json`, which is taken over if nothing was ever stored. */
  importFile: string;
}

/** The neighbours of the processes. */
export interface ProcessParts {
  spawner: Spawner;
  ffmpeg: {
    readonly binary: string;
    readonly version: string;
    probe(args: readonly string[], signal?: AbortSignal): Promise<Probe>;
  };
  database: StoreDatabase;
  cleanup: { set(owner: string, rules: readonly CleanupRule[]): Promise<void> };
  disk: DiskUsage;
  /** Of component `Process`. */
  log: Logger;
}

/** Everything that follows from options and neighbours. */
export interface Setting {
  options: ProcessOptions;
  parts: ProcessParts;
  resolver: Resolver;
  rules: AddressRules;
  runtime: Runtime;
  store: ProcessStore;
}

/** @throws CoreError `invalid` for address lists that cannot be understood. */
export function createSetting(options: ProcessOptions, parts: ProcessParts): Setting {
  const { placeholders, maxLogLines, maxReconnectDelayMs } = options;
  return {
    options,
    parts,
    resolver: new Resolver(placeholders),
    rules: {
      input: new AddressFilter(options.input),
      output: new AddressFilter(options.output),
      diskDir: placeholders.diskDir,
    },
    // The neighbours are there from the beginning, but FFmpeg is found only when it starts.
    get runtime() {
      return { spawner: parts.spawner, binary: parts.ffmpeg.binary, maxLogLines, maxReconnectDelayMs };
    },
    store: new ProcessStore(parts.database, parts.log),
  };
}
