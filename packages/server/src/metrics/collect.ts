import { Snapshot } from './snapshot.ts';
import {
  STATES,
  type CollectorSource,
  type FilesystemSource,
  type IoSource,
  type MetricSources,
  type ProcessSource,
  type Transitions,
} from './sources.ts';

/** What takes time to find out. */
export interface DiskReadings {
  partition: { path: string; totalBytes: number; usedBytes: number } | undefined;
  filesystems: readonly FilesystemReading[];
}

export interface FilesystemReading {
  source: Pick<FilesystemSource, 'name' | 'type'>;
  bytes: number;
  limit: number;
  files: number;
}

/** One kilobit of the progress, in bits. */
const KILOBIT = 1024;

/** Reads everything at once: all values are of the same moment. */
export function collect(sources: MetricSources, disks: DiskReadings): Snapshot {
  const now = Date.now();
  const snapshot = new Snapshot(now);
  snapshot.add('uptime_uptime', Math.max(0, now - sources.runSince().getTime()) / 1000);
  addHost(snapshot, sources.host);
  addDisks(snapshot, disks);
  addProcesses(snapshot, sources.processes);
  for (const collector of sources.collectors()) addCollector(snapshot, collector);
  return snapshot;
}

function addHost(snapshot: Snapshot, host: MetricSources['host']): void {
  const { system, user, idle, other } = host.cpuLoad();
  snapshot.add('cpu_ncpu', host.cpuCount);
  snapshot.add('cpu_system', system);
  snapshot.add('cpu_user', user);
  snapshot.add('cpu_idle', idle);
  snapshot.add('cpu_other', other);
  const { totalBytes, freeBytes } = host.memory();
  snapshot.add('mem_total', totalBytes);
  snapshot.add('mem_free', freeBytes);
  for (const { name, rxBytes, txBytes } of host.network()) {
    snapshot.add('net_rx', rxBytes, name);
    snapshot.add('net_tx', txBytes, name);
  }
}

function addDisks(snapshot: Snapshot, { partition, filesystems }: DiskReadings): void {
  if (partition !== undefined) {
    snapshot.add('disk_total', partition.totalBytes, partition.path);
    snapshot.add('disk_usage', partition.usedBytes, partition.path);
  }
  for (const { source, bytes, limit, files } of filesystems) {
    const name = filesystemName(source);
    // compat: without a limit, the memory filesystem has 0 and all others -1.
    snapshot.add('filesystem_limit', limit > 0 || source.type === 'mem' ? limit : -1, name);
    snapshot.add('filesystem_usage', bytes, name);
    snapshot.add('filesystem_files', files, name);
  }
}

function filesystemName({ name, type }: Pick<FilesystemSource, 'name' | 'type'>): string {
  return type === 's3' ? name : `${type}fs`;
}

function addProcesses(snapshot: Snapshot, processes: MetricSources['processes']): void {
  const present: Record<string, number> = {};
  for (const process of processes.list()) {
    const state = addProcess(snapshot, process);
    if (state !== undefined) present[state] = (present[state] ?? 0) + 1;
  }
  for (const state of STATES) {
    snapshot.add('restream_state', present[state] ?? 0, state);
    snapshot.add('ffmpeg_process', processes.transitions[state], state);
  }
}

/** @returns the state of the process; undefined if it is invalid. */
function addProcess(snapshot: Snapshot, process: ProcessSource): string | undefined {
  const { exec, order, progress, ...status } = process.state();
  const { limits } = process.config;
  if (exec === undefined) return undefined;
  const values = {
    frame: progress.frame,
    fps: progress.fps,
    speed: progress.speed,
    q: progress.q,
    size: progress.sizeBytes,
    time: progress.timeSeconds,
    drop: progress.drop,
    dup: progress.dup,
    packet: progress.packet,
    bitrate: progress.bitrateKbit * KILOBIT,
    cpu: status.cpuPercent,
    memory: status.memoryBytes,
    uptime: status.inStateMs / 1000,
    cpu_limit: limits.cpuPercent,
    memory_limit: limits.memoryBytes,
  };
  for (const name in values) {
    snapshot.add('restream_process', values[name as keyof typeof values], name, order, process.id, exec);
  }
  addTransitions(snapshot, process.id, process.transitions());
  for (const io of progress.inputs) addIo(snapshot, process.id, 'input', io);
  for (const io of progress.outputs) addIo(snapshot, process.id, 'output', io);
  return exec;
}

function addTransitions(snapshot: Snapshot, id: string, transitions: Transitions | undefined): void {
  for (const state of STATES) snapshot.add('restream_process_states', transitions?.[state] ?? 0, id, state);
}

function addIo(snapshot: Snapshot, process: string, type: 'input' | 'output', io: IoSource): void {
  const [index, stream] = [String(io.index), String(io.stream)];
  const add = (name: string, value: number) => {
    snapshot.add('restream_io', value, io.address, io.id, index, io.type, name, process, stream, type);
  };
  add('frame', io.frame);
  add('fps', io.fps);
  add('packet', io.packet);
  add('pps', io.pps);
  add('size', io.sizeBytes);
  add('bitrate', io.bitrateKbit * KILOBIT);
  if (type === 'output') add('q', io.q);
  if (type === 'input' && io.avstream !== undefined) {
    const { queue, dup, drop, enc, looping, duplicating } = io.avstream;
    add('avstream_queue', queue);
    add('avstream_dup', dup);
    add('avstream_drop', drop);
    add('avstream_enc', enc);
    add('avstream_looping', Number(looping));
    add('avstream_duplicating', Number(duplicating));
  }
}

function addCollector(snapshot: Snapshot, collector: CollectorSource): void {
  const { name } = collector;
  snapshot.add('session_total', collector.total, name);
  snapshot.add('session_active', collector.active, name);
  snapshot.add('session_limit', collector.maxActive, name);
  snapshot.add('session_rxbytes', collector.rxBytes, name);
  snapshot.add('session_txbytes', collector.txBytes, name);
  snapshot.add('session_rxbitrate', collector.rxBitrate, name);
  snapshot.add('session_txbitrate', collector.txBitrate, name);
  // compat: there is a name for a limit of what comes in, but no such limit.
  snapshot.add('session_maxrxbitrate', 0, name);
  snapshot.add('session_maxtxbitrate', collector.maxTxBitrate, name);
}
