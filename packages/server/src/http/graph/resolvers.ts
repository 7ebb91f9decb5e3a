import type { About, MetricsQuery, PlayoutStatus, Probe, ProcessConfig, ProgressIO } from '@millrace/api';
import type { Run } from '../../ffmpeg/report.ts';
import type { Series } from '../../metrics/monitor.ts';
import type { Task } from '../../process/task.ts';
import { ApiError } from '../errors.ts';
import { toApiConfig } from '../process/config.ts';
import { findTask } from '../process/find.ts';
import { toApiProbe } from '../process/report.ts';
import { toApiState } from '../process/state.ts';
import { type MetricsSource, seriesOf } from '../routes/metrics.ts';
import { playoutStatus } from '../routes/playout.ts';
import type { Processes } from '../routes/process.ts';

const MEBIBYTE = 1024 * 1024;

/** Whom queries are put to: the same services as the rest of the API. */
export interface GraphSources {
  about: () => About;
  processes: Pick<Processes, 'list' | 'get' | 'probe'>;
  metrics: MetricsSource;
  /** The lines of the console, oldest first. */
  console: () => string[];
}

interface MetricsInput {
  timerange_seconds?: number | null;
  interval_seconds?: number | null;
  metrics: { name: string; labels?: Record<string, unknown> | null }[];
}

/**
 * The value at the root of a query; what costs something is a function, called if it is asked for.
 *
 * @param signal ends what is still under way for the query.
 */
export function createRoot({ about, processes, metrics, console }: GraphSources, signal: AbortSignal) {
  return {
    ping: 'pong',
    about,
    log: console,
    metrics: ({ query }: { query: MetricsInput }) => toMetrics(metrics, query),
    processes: () => processes.list().map(toProcess),
    process: ({ id }: { id: string }) => toProcess(findTask(processes, id)),
    probe: async ({ id }: { id: string }) => {
      const task = processes.get(id);
      if (task === undefined) return { streams: [], log: [`Unknown process ID (${id})`] };
      return toProbe(toApiProbe(await processes.probe(task.id, signal)));
    },
    playoutStatus: async ({ id, input }: { id: string; input: string }) => {
      try {
        return toPlayout(await playoutStatus(processes, id, input));
      } catch (error) {
        const { status, message, details } = ApiError.from(error);
        throw new ApiError(status, [message.toLowerCase(), ...details].join(': '));
      }
    },
  };
}

async function toMetrics(source: MetricsSource, query: MetricsInput) {
  const series = await seriesOf(source, toQuery(query));
  const { rangeMs = 0, intervalMs = 0 } = source.historyOptions ?? {};
  return {
    timerange_seconds: Math.floor(rangeMs / 1000),
    interval_seconds: Math.floor(intervalMs / 1000),
    metrics: series.map(toMetric),
  };
}

function toQuery({ timerange_seconds, interval_seconds, metrics }: MetricsInput): MetricsQuery {
  return {
    timerange_sec: timerange_seconds ?? 0,
    interval_sec: interval_seconds ?? 0,
    metrics: metrics.map(({ name, labels }) => ({ name, labels: textsOf(labels ?? {}) })),
  };
}

function textsOf(labels: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(labels).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

function toMetric({ metric, labels, points }: Series) {
  return {
    name: metric.name,
    labels: Object.fromEntries(metric.labels.map((name, index) => [name, labels[index] ?? ''])),
    // compat: three decimals.
    values: points.map(([at, value]) => [Math.floor(at / 1000), Number(value.toFixed(3))]),
  };
}

function toProcess(task: Task) {
  const { config, createdAt } = task.record;
  return {
    id: config.id,
    type: 'ffmpeg',
    reference: config.reference,
    created_at: toTime(createdAt * 1000),
    config: () => toConfig(toApiConfig(task.config)),
    state: () => toState(task),
    report: () => {
      const report = task.report();
      return { ...toRun(report), history: () => report.history.map(toRun) };
    },
    metadata: () => task.metadata.all(),
  };
}

function toConfig(config: ProcessConfig) {
  const { memory_mbytes, ...limits } = config.limits;
  return { ...config, limits: { ...limits, memory_bytes: memory_mbytes * MEBIBYTE } };
}

function toState(task: Task) {
  const { exec, command, progress, ...state } = toApiState(task.state());
  const { inputs, outputs, ...sums } = progress;
  return {
    ...state,
    state: exec,
    command: command ?? [],
    progress: { ...sums, input: inputs.map(toProgressIo), output: outputs.map(toProgressIo) },
  };
}

function toProgressIo({ pix_fmt, width, height, sampling_hz, layout, channels, ...io }: ProgressIO) {
  return {
    ...io,
    pixfmt: pix_fmt ?? '',
    width: width ?? 0,
    height: height ?? 0,
    sampling: sampling_hz ?? 0,
    layout: layout ?? '',
    channels: channels ?? 0,
  };
}

function toRun({ createdAt, prelude, log }: Run) {
  return {
    created_at: toTime(createdAt),
    prelude,
    log: () => log.map(({ at, text }) => ({ timestamp: toTime(at), data: text })),
  };
}

function toProbe({ streams, log }: Probe) {
  return {
    streams: streams.map(({ duration_sec, sampling_hz, ...stream }) => ({
      ...stream,
      duration_seconds: duration_sec,
      sampling: sampling_hz,
    })),
    log,
  };
}

function toPlayout({ input, output, ...status }: PlayoutStatus) {
  const toIo = (io: PlayoutStatus['input']) => ({ ...io, state: io.state.toUpperCase() });
  return { ...status, input: toIo(input), output: toIo(output) };
}

function toTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
