import type { Component } from '../components.ts';
import type { Collector } from './collector.ts';
import { HostAddresses } from './hosts.ts';

/** What went to or came from an address since the start of the program. */
interface IoBytes {
  address: string;
  bytes: number;
}

/** A process whose traffic is counted. */
interface Process {
  readonly id: string;
  readonly config: { readonly reference: string };
  traffic(): { inputs: readonly IoBytes[]; outputs: readonly IoBytes[] };
}

type ProgressListener = (process: Process) => void;
type StateListener = (process: Process, state: string) => void;

/** Who tells how processes are doing. */
interface Processes {
  on(event: 'progress', listener: ProgressListener): unknown;
  on(event: 'state', listener: StateListener): unknown;
  off(event: 'progress', listener: ProgressListener): unknown;
  off(event: 'state', listener: StateListener): unknown;
}

interface Collectors {
  collector(name: 'ffmpeg'): Collector | undefined;
}

/** The host of an address with an authority (RFC 3986 §3.2), brackets included; it may have several schemes. */
const HOST = /^(?:[a-z][a-z0-9+.-]*:)+\/\/(?:[^/?#]*@)?(\[[^\]]*\]|[^:/?#]+)/i;

const RUNNING = new Set(['starting', 'running', 'finishing']);

/** Counts what FFmpeg exchanges with other hosts: a session for each process that does, as long as it runs. */
export class ProcessTraffic implements Component {
  readonly #processes: Processes;
  readonly #collectors: Collectors;
  readonly #hosts: HostAddresses;
  /** What has been counted of the present run of a process, by the place of its inputs and outputs. */
  readonly #counted = new Map<string, { inputs: number[]; outputs: number[] }>();

  constructor(processes: Processes, collectors: Collectors, hosts = new HostAddresses()) {
    this.#processes = processes;
    this.#collectors = collectors;
    this.#hosts = hosts;
  }

  start(): Promise<void> {
    this.#processes.on('progress', this.#count);
    this.#processes.on('state', this.#follow);
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.#processes.off('progress', this.#count);
    this.#processes.off('state', this.#follow);
    this.#counted.clear();
    return Promise.resolve();
  }

  readonly #follow = ({ id }: Process, state: string) => {
    if (RUNNING.has(state)) return;
    this.#counted.delete(id);
    this.#collectors.collector('ffmpeg')?.close(id);
  };

  readonly #count = (process: Process) => {
    const { id } = process;
    const counted = this.#counted.get(id) ?? { inputs: [], outputs: [] };
    this.#counted.set(id, counted);
    const { inputs, outputs } = process.traffic();
    const collector = this.#collectors.collector('ffmpeg');
    const rx = this.#grown(inputs, counted.inputs, collector);
    const tx = this.#grown(outputs, counted.outputs, collector);
    if (collector === undefined || rx + tx === 0) return;
    if (!collector.has(id)) {
      collector.register(id, { reference: process.config.reference, location: '', peer: '' });
      collector.activate(id);
    }
    collector.ingress(id, rx);
    collector.egress(id, tx);
  };

  /** By how much the countable ones among `ios` grew. Takes down what there is of all of them. */
  #grown(ios: readonly IoBytes[], counted: number[], collector: Collector | undefined): number {
    let grown = 0;
    for (const [place, { address, bytes }] of ios.entries()) {
      const growth = bytes - (counted[place] ?? 0);
      counted[place] = bytes;
      if (growth > 0 && collector !== undefined && this.#isCountable(address, collector)) grown += growth;
    }
    return grown;
  }

  #isCountable(address: string, collector: Collector): boolean {
    const host = HOST.exec(address)?.[1]?.replace(/^\[|\]$/g, '');
    const ip = host === undefined ? undefined : this.#hosts.of(host);
    return ip !== undefined && collector.isCountable(ip);
  }
}
