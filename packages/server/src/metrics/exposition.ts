import type { Row, Snapshot } from './snapshot.ts';

/** The text formats of Prometheus: its own (version 0.0.4) and OpenMetrics 1.0. */
export type TextFormat = 'prometheus' | 'openmetrics';

export const CONTENT_TYPES: Readonly<Record<TextFormat, string>> = {
  prometheus: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
};

/** One value, with its labels as `[name, value]` in the order in which they are written. */
export interface Sample {
  /** What follows the name of the family, such as `_bucket`. */
  suffix?: string;
  labels: readonly (readonly [name: string, value: string])[];
  value: number;
}

/** All values of one name. */
export interface Family {
  name: string;
  type: 'counter' | 'gauge' | 'histogram';
  help: string;
  samples: readonly Sample[];
}

/** How a metric is shown to Prometheus: under which name, and with which of its labels under which names. */
interface Exported {
  name: string;
  type: 'counter' | 'gauge';
  help: string;
  metric: string;
  /** In the order of the metric's own labels; empty for one that is left out. */
  labels: readonly string[];
}

function exported(
  name: string,
  type: Exported['type'],
  metric: string,
  help: string,
  ...labels: string[]
): Exported {
  return { name, type, help, metric, labels };
}

const EXPORTED: readonly Exported[] = [
  exported('cpu_idle_time_percent', 'gauge', 'cpu_idle', 'CPU idle time in percent'),
  exported('cpu_other_time_percent', 'gauge', 'cpu_other', 'CPU other time in percent'),
  exported('cpu_system_time_percent', 'gauge', 'cpu_system', 'CPU system time in percent'),
  exported('cpu_user_time_percent', 'gauge', 'cpu_user', 'CPU user time in percent'),
  exported('disk_total_bytes', 'gauge', 'disk_total', 'disk_total_bytes', 'path'),
  exported('disk_usage_bytes', 'gauge', 'disk_usage', 'disk_usage_bytes', 'path'),
  exported(
    'ffmpeg_process',
    'gauge',
    'restream_process',
    'General stats per process',
    'name',
    'order',
    'process',
    'state',
  ),
  exported(
    'ffmpeg_process_io',
    'gauge',
    'restream_io',
    'Stats per input and output of a process',
    '',
    'id',
    'index',
    'media',
    'name',
    'process',
    'stream',
    'type',
  ),
  exported(
    'ffmpeg_process_states',
    'gauge',
    'restream_process_states',
    'Accumulated states per process',
    'process',
    'state',
  ),
  exported('ffmpeg_states', 'gauge', 'restream_state', 'Current process states', 'state'),
  exported('ffmpeg_states_total', 'counter', 'ffmpeg_process', 'Accumulated process states', 'state'),
  exported('filesystem_files', 'gauge', 'filesystem_files', 'filesystem_files', 'name'),
  exported('filesystem_limit_bytes', 'gauge', 'filesystem_limit', 'filesystem_limit_bytes', 'name'),
  exported('filesystem_usage_bytes', 'gauge', 'filesystem_usage', 'filesystem_usage_bytes', 'name'),
  exported('mem_free_bytes', 'gauge', 'mem_free', 'Free memory in bytes'),
  exported('mem_total_bytes', 'gauge', 'mem_total', 'Total available memory in bytes'),
  exported('net_rx_bytes', 'gauge', 'net_rx', 'Number of received bytes by interface', 'interface'),
  exported('net_tx_bytes', 'gauge', 'net_tx', 'Number of sent bytes by interface', 'interface'),
  exported(
    'session_active',
    'gauge',
    'session_active',
    'Current number of active sessions by collector',
    'collector',
  ),
  exported(
    'session_rx_bytes',
    'counter',
    'session_rxbytes',
    'Total received bytes by collector',
    'collector',
  ),
  exported('session_total', 'counter', 'session_total', 'Total number of sessions by collector', 'collector'),
  exported('session_tx_bytes', 'counter', 'session_txbytes', 'Total sent bytes by collector', 'collector'),
  exported('uptime_seconds', 'counter', 'uptime_uptime', 'Number of seconds the core is up'),
];

/** The metrics by the names that dashboards for datarhei Core know. */
export function familiesOf(snapshot: Snapshot): Family[] {
  return EXPORTED.map(({ name, type, help, metric, labels }) => ({
    name,
    type,
    help,
    samples: distinct(snapshot.rows(metric).map((row) => toSample(row, labels))),
  }));
}

function toSample({ labels, value }: Row, names: readonly string[]): Sample {
  const pairs = labels.map((text, index) => [names[index] ?? '', text] as const);
  return { labels: pairs.filter(([name]) => name !== ''), value };
}

/** Without an address, two streams may look the same; a reader refuses the whole text if it finds a name twice. */
function distinct(samples: readonly Sample[]): Sample[] {
  const seen = new Set<string>();
  return samples.filter(({ labels }) => {
    const key = labels.map(([, text]) => text).join('\0');
    const isNew = !seen.has(key);
    seen.add(key);
    return isNew;
  });
}

/** The text of all families that have values, sorted by name. */
export function toText(families: readonly Family[], format: TextFormat): string {
  const sorted = families
    .filter(({ samples }) => samples.length > 0)
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const names = new Set(sorted.map(({ name }) => name));
  const parts = sorted.map((family) => {
    const { name, type } = format === 'openmetrics' ? openMetricsForm(family, names) : family;
    // The two formats escape help texts alike, as long as these hold neither quotes nor line breaks; ours never do.
    const lines = [`# HELP ${name} ${family.help}\n# TYPE ${name} ${type}\n`];
    for (const { suffix = '', labels, value } of family.samples) {
      lines.push(`${family.name}${suffix}${labelText(labels)} ${numberText(value)}\n`);
    }
    return lines.join('');
  });
  return parts.join('') + (format === 'openmetrics' ? '# EOF\n' : '');
}

/**
 * What a family is called and is in OpenMetrics (§5.1): a counter `x_total` belongs to a family `x`. Counters with
 * other names, or whose family's name is taken, are of unknown type there, for the names of the values have to stay.
 */
function openMetricsForm({ name, type }: Family, names: ReadonlySet<string>): { name: string; type: string } {
  if (type !== 'counter') return { name, type };
  const base = name.replace(/_total$/, '');
  return base !== name && !names.has(base) ? { name: base, type } : { name, type: 'unknown' };
}

function labelText(labels: Sample['labels']): string {
  if (labels.length === 0) return '';
  return `{${labels.map(([name, text]) => `${name}="${escape(text)}"`).join(',')}}`;
}

function escape(text: string): string {
  return /[\\"\n]/.test(text)
    ? text.replace(/[\\"\n]/g, (character) => (character === '\n' ? '\\n' : `\\${character}`))
    : text;
}

function numberText(value: number): string {
  if (Number.isFinite(value)) return String(value);
  return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf';
}
