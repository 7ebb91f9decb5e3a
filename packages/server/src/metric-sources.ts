import type { MetricSources } from './metrics/sources.ts';
import type { Sessions } from './sessions/registry.ts';
import type { Filesystem } from './storage/filesystem.ts';

/** The neighbours of the metrics. */
interface Neighbours extends Pick<MetricSources, 'host' | 'processes'> {
  disk: Filesystem;
  memory: Filesystem;
  s3: { get(name: string): Filesystem | undefined };
  sessions: Sessions;
}

/** Whom the metrics ask about what. */
export function metricSources(
  { host, processes, disk, memory, s3, sessions }: Neighbours,
  s3Names: readonly string[],
  runSince: () => Date,
): MetricSources {
  return {
    host,
    runSince,
    processes,
    filesystems: [disk, memory, ...s3Names.flatMap((name) => s3.get(name) ?? [])],
    collectors: () =>
      sessions.collectors().map((collector) => ({
        name: collector.name,
        total: collector.totals.sessions,
        active: collector.activeCount,
        maxActive: collector.settings.maxSessions,
        rxBytes: collector.totals.rxBytes,
        txBytes: collector.totals.txBytes,
        maxTxBitrate: collector.settings.maxTxBitrate,
        ...collector.rates(),
      })),
  };
}
