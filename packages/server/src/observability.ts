import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import type { Component } from './components.ts';
import type { Guard } from './http/guard.ts';
import { goArch } from './http/routes/about.ts';
import { healthRoutes } from './http/routes/health.ts';
import type { Routes } from './http/server.ts';
import type { Logger } from './log/logger.ts';
import { partitionOf } from './metrics/host.ts';
import type { Monitor } from './metrics/monitor.ts';
import type { RuntimeMetrics } from './metrics/runtime.ts';
import type { MetricSources } from './metrics/sources.ts';
import type { Sessions } from './sessions/registry.ts';
import type { HttpSlice } from './slices.ts';
import type { Filesystem } from './storage/filesystem.ts';
import type { ServiceOptions } from './telemetry/service.ts';

/*
 * How the parts that watch the server are put together. What is off by default is loaded only if it is on: every start
 * would pay for it.
 */

/** The neighbours of the metrics. */
interface Measured extends Pick<MetricSources, 'host' | 'processes'> {
  disk: Filesystem;
  memory: Filesystem;
  s3: { get(name: string): Filesystem | undefined };
  sessions: Sessions;
}

/** Whom the metrics ask about what. */
export function metricSources(
  { host, processes, disk, memory, s3, sessions }: Measured,
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

/** The neighbours of the routes for whoever runs the server. */
interface Watched {
  disk: { readonly directory: string };
  ffmpeg: { readonly binary: string };
  rtmp: { readonly isReady: boolean };
  srt: { readonly isReady: boolean };
  auth: { keySets(): readonly { ageSeconds: number | undefined }[] };
  monitor: Monitor;
  runtimeMetrics: RuntimeMetrics;
}

/** The routes for whoever runs the server: health, and what of Prometheus and profiles is switched on. */
export async function operationsRoutes(
  slice: Pick<HttpSlice, 'id' | 'prometheus' | 'hasProfiling'>,
  { disk, ffmpeg, rtmp, srt, auth, monitor, runtimeMetrics }: Watched,
  guard: Guard,
): Promise<Routes[]> {
  const checks = {
    disk: () => hasSpace(disk.directory),
    ffmpeg: () => canRun(ffmpeg.binary),
    // HTTP is there, or nobody could ask.
    listeners: () => rtmp.isReady && srt.isReady,
    keys: () => auth.keySets().every(({ ageSeconds }) => ageSeconds !== undefined),
  };
  const routes = [healthRoutes(checks, guard)];
  if (slice.prometheus !== undefined) {
    const { prometheusRoutes } = await import('./http/routes/prometheus.ts');
    const { id, prometheus } = slice;
    routes.push(
      prometheusRoutes({ id, metrics: monitor, runtime: runtimeMetrics, guard, auth: prometheus.auth }),
    );
  }
  if (slice.hasProfiling) {
    const { profilingRoutes } = await import('./http/routes/profiling.ts');
    const { Profiler } = await import('./debug/profiler.ts');
    routes.push(profilingRoutes(new Profiler(), guard));
  }
  return routes;
}

/** A disk with less is as good as full, in bytes. */
const LEAST_DISK_SPACE = 64 * 1024 * 1024;

async function hasSpace(dir: string): Promise<boolean> {
  const { totalBytes, usedBytes } = await partitionOf(dir);
  return totalBytes - usedBytes >= LEAST_DISK_SPACE;
}

async function canRun(binary: string): Promise<boolean> {
  await access(binary, constants.X_OK);
  return true;
}

/** What the parts that speak to others get beside their settings. */
interface Outward {
  monitor: Monitor;
  log: Logger;
  /** Of this server. */
  version: string;
  env: NodeJS.ProcessEnv;
}

/** @param url whom to ask; nobody if it is empty. */
export async function createUpdateCheck(
  url: string,
  { monitor, log, version, env }: Outward,
): Promise<Component> {
  if (url === '') return IDLE;
  const { UpdateCheck } = await import('./telemetry/update-check.ts');
  return new UpdateCheck({ url, product: 'millrace', version, platform: goArch(), env }, monitor, log);
}

/** @param options undefined if the service is off. */
export async function createService(
  options: Omit<ServiceOptions, 'version' | 'env'> | undefined,
  { monitor, log, version, env }: Outward,
): Promise<Component> {
  if (options === undefined) return IDLE;
  const { Service } = await import('./telemetry/service.ts');
  // compat: the service knows one product.
  return new Service({ ...options, version: `datarhei-core ${version} (${goArch()})`, env }, monitor, log);
}

/** In the place of a part that is switched off. */
const IDLE: Component = { start: () => Promise.resolve(), close: () => Promise.resolve() };
