import type { CpuLoad, InterfaceTraffic } from './host.ts';

/** The states of a process, in the order in which they are reported. */
export const STATES = ['finished', 'starting', 'running', 'finishing', 'failed', 'killed'] as const;

export type Transitions = Readonly<Record<(typeof STATES)[number], number>>;

/** Counters of one stream of a process's input or output. */
export interface IoSource {
  id: string;
  address: string;
  index: number;
  stream: number;
  /** audio, video or subtitle. */
  type: string;
  frame: number;
  fps: number;
  packet: number;
  pps: number;
  sizeBytes: number;
  bitrateKbit: number;
  q: number;
  avstream:
    | {
        queue: number;
        dup: number;
        drop: number;
        enc: number;
        looping: boolean;
        duplicating: boolean;
      }
    | undefined;
}

/** How one process is doing. 1 kbit is 1024 bits. */
export interface ProcessSource {
  id: string;
  config: { limits: { cpuPercent: number; memoryBytes: number } };
  state(): {
    /** Undefined for an invalid process, which does nothing that could be measured. */
    exec: (typeof STATES)[number] | undefined;
    order: string;
    inStateMs: number;
    cpuPercent: number;
    memoryBytes: number;
    progress: {
      inputs: readonly IoSource[];
      outputs: readonly IoSource[];
      frame: number;
      packet: number;
      fps: number;
      q: number;
      sizeBytes: number;
      timeSeconds: number;
      bitrateKbit: number;
      speed: number;
      drop: number;
      dup: number;
    };
  };
  transitions(): Transitions | undefined;
}

/** How full a place for files is, in bytes; a limit of 0 is none. */
export interface FilesystemSource {
  name: string;
  type: 'disk' | 'mem' | 's3';
  usage(): Promise<{ bytes: number; limit: number; files: number }>;
}

/** What the sessions of one kind amount to. Rates and limits are in bits per second; a limit of 0 is none. */
export interface CollectorSource {
  name: string;
  total: number;
  active: number;
  maxActive: number;
  rxBytes: number;
  txBytes: number;
  rxBitrate: number;
  txBitrate: number;
  maxTxBitrate: number;
}

/** Whom the metrics ask. */
export interface MetricSources {
  host: {
    readonly cpuCount: number;
    cpuLoad(): CpuLoad;
    memory(): { totalBytes: number; freeBytes: number };
    network(): InterfaceTraffic[];
  };
  /** When the present run of the server began. */
  runSince(): Date;
  processes: {
    list(): readonly ProcessSource[];
    /** How often any process, a removed one included, has come into each state. */
    readonly transitions: Transitions;
  };
  filesystems: readonly FilesystemSource[];
  collectors(): readonly CollectorSource[];
}
