/** A metric: what its values mean, and by which labels they are told apart, in alphabetical order. */
export interface Metric {
  readonly name: string;
  readonly description: string;
  readonly labels: readonly string[];
}

function metric(name: string, description: string, ...labels: string[]): Metric {
  return { name, description, labels };
}

/**
 * All metrics that can be queried, by name. Clients hold the names as a closed enumeration: a new one must not appear
 * in answers to queries that do not name it.
 */
export const METRICS: readonly Metric[] = [
  metric('cpu_idle', 'Percentage of idle CPU'),
  metric('cpu_ncpu', 'Number of logical CPUs in the system'),
  metric('cpu_other', 'Percentage of CPU used for other subsystems'),
  metric('cpu_system', 'Percentage of CPU used for the system'),
  metric('cpu_user', 'Percentage of CPU used for the user'),
  metric('disk_total', 'Total size of the disk in bytes', 'path'),
  metric('disk_usage', 'Number of used bytes on the disk', 'path'),
  metric('ffmpeg_process', 'Accumulated state changes of all ffmpeg processes', 'state'),
  metric('filesystem_files', 'Number of files on the filesystem (excluding directories)', 'name'),
  metric('filesystem_limit', 'Total size of the filesystem in bytes, negative if unlimited', 'name'),
  metric('filesystem_usage', 'Number of used bytes on the filesystem', 'name'),
  metric('mem_free', 'Free memory in bytes'),
  metric('mem_total', 'Total available memory in bytes'),
  metric('net_rx', 'Number of received bytes', 'interface'),
  metric('net_tx', 'Number of transmitted bytes', 'interface'),
  metric(
    'restream_io',
    'Current process IO values by name',
    'address',
    'id',
    'index',
    'media',
    'name',
    'processid',
    'stream',
    'type',
  ),
  metric('restream_process', 'Current process values by name', 'name', 'order', 'processid', 'state'),
  metric('restream_process_states', 'Current process state', 'processid', 'state'),
  metric('restream_state', 'Summarized current process states', 'state'),
  metric('session_active', 'Number of current sessions', 'collector'),
  metric('session_limit', 'Max. number of concurrent sessions', 'collector'),
  metric('session_maxrxbitrate', 'Max. allowed receiving bitrate in bit per second', 'collector'),
  metric('session_maxtxbitrate', 'Max. allowed transmitting bitrate in bit per second', 'collector'),
  metric('session_rxbitrate', 'Current receiving bitrate in bit per second', 'collector'),
  metric('session_rxbytes', 'Number of received bytes', 'collector'),
  metric('session_total', 'Total sessions', 'collector'),
  metric('session_txbitrate', 'Current transmitting bitrate in bit per second', 'collector'),
  metric('session_txbytes', 'Number of transmitted bytes', 'collector'),
  metric('uptime_uptime', 'Current uptime in seconds'),
];

const BY_NAME = new Map(METRICS.map((entry) => [entry.name, entry]));

/** The metric of that name; undefined if there is none. */
export function metricOf(name: string): Metric | undefined {
  return BY_NAME.get(name);
}
