import type { IncomingMessage } from 'node:http';
import type { Auth } from './auth/auth.ts';
import type { Surroundings } from './composition.ts';
import { SHIPPED_MIME_FILE } from './config/mime-file.ts';
import type { ContentCache } from './delivery/cache.ts';
import { type MimeTypes, readMimeTypes } from './delivery/mime.ts';
import { mountRoutes } from './delivery/mount.ts';
import { directoryRoutes } from './delivery/static.ts';
import type { Events } from './events/events.ts';
import { explorerRoutes } from './explorers.ts';
import type { Ffmpeg } from './ffmpeg/ffmpeg.ts';
import { createGuard } from './http/guard.ts';
import { type AboutOptions, aboutRoutes } from './http/routes/about.ts';
import { configRoutes } from './http/routes/config.ts';
import { eventRoutes } from './http/routes/events.ts';
import { type MountedFilesystem, fsRoutes } from './http/routes/fs.ts';
import { logRoutes } from './http/routes/log.ts';
import { loginRoutes, revokeRoutes } from './http/routes/login.ts';
import { metadataRoutes } from './http/routes/metadata.ts';
import { metricsRoutes } from './http/routes/metrics.ts';
import { playoutRoutes } from './http/routes/playout.ts';
import { processRoutes } from './http/routes/process.ts';
import { flvRoutes, rtmpRoutes } from './http/routes/rtmp.ts';
import { sessionRoutes } from './http/routes/session.ts';
import { skillsRoutes } from './http/routes/skills.ts';
import { srtRoutes } from './http/routes/srt.ts';
import { widgetRoutes } from './http/routes/widget.ts';
import { HttpApp, pingRoutes } from './http/server.ts';
import { formatConsole, LOG_LEVELS } from './log/format.ts';
import type { Monitor } from './metrics/monitor.ts';
import type { RuntimeMetrics } from './metrics/runtime.ts';
import type { ProcessManager } from './process/manager.ts';
import { operationsRoutes } from './observability.ts';
import type { RtmpServer } from './rtmp/server.ts';
import type { Sessions } from './sessions/registry.ts';
import type { SocketTraffic } from './sessions/sockets.ts';
import type * as slices from './slices.ts';
import type { SrtServer } from './srt/server.ts';
import { DiskFilesystem } from './storage/disk.ts';
import type { MemoryFilesystem } from './storage/memory.ts';
import type { S3Storages } from './storage/s3-storages.ts';
import { VERSION } from './version.ts';

/** How long a file of an S3 storage is taken from the cache without a question to the storage. */
const S3_TRUST_MS = 5_000;

/** The components that the routes lead to. */
export interface HttpNeeds {
  disk: DiskFilesystem;
  memory: MemoryFilesystem;
  s3: S3Storages;
  cache: ContentCache;
  mime: MimeTypes;
  sessions: Sessions;
  traffic: SocketTraffic;
  auth: Auth;
  events: Events;
  ffmpeg: Ffmpeg;
  processes: ProcessManager;
  rtmp: RtmpServer;
  srt: SrtServer;
  monitor: Monitor;
  runtimeMetrics: RuntimeMetrics;
}

/** Puts the HTTP application together: which routes there are, and what they lead to. */
export async function createHttpApp(
  slice: slices.HttpSlice,
  needs: HttpNeeds,
  { log, store, runSince, reloader }: Surroundings,
): Promise<HttpApp> {
  const { disk, memory, s3, cache, mime, sessions, traffic, auth, ffmpeg, processes } = needs;
  const { events, rtmp, srt, monitor, runtimeMetrics } = needs;
  const { isReadOnly } = slice;
  const guard = createGuard(auth);
  const about: AboutOptions = {
    name: slice.name,
    id: slice.id,
    version: VERSION,
    get createdAt() {
      return runSince();
    },
  };
  // compat: the configured types are those of the file systems.
  const shippedTypes = await readMimeTypes(SHIPPED_MIME_FILE);
  const directories = await Promise.all(
    Object.entries(slice.directories).map(async ([prefix, dir]) => {
      const files = new DiskFilesystem({ dir, isMade: false, maxBytes: 0 });
      await files.start();
      return directoryRoutes({ prefix, directory: files, mime: shippedTypes });
    }),
  );
  const diskCache = cache.mount({ prefix: '/', trustMs: 0 });
  const s3Mounts = slice.s3.flatMap(({ name, ...mount }) => {
    const filesystem = s3.get(name);
    if (filesystem === undefined) return [];
    const s3Cache = cache.mount({ prefix: mount.mount, trustMs: S3_TRUST_MS });
    return [{ filesystem, ...mount, cache: s3Cache, onChange: s3Cache.purge }];
  });
  const filesystems: MountedFilesystem[] = [
    { filesystem: disk, mount: '/', index: 'index.html', onChange: diskCache.purge },
    { filesystem: memory, mount: '/memfs' },
    ...s3Mounts,
  ];
  const hls = {
    sessions,
    client: (request: IncomingMessage) => auth.viewerAddress(request),
    prefix: (request: IncomingMessage) => auth.prefix(request),
  };
  return new HttpApp(
    { cors: slice.cors, redirects: slice.redirects },
    {
      log: log.component('HTTP').with({ address: slice.address }),
      secureLog: log.component('HTTPS').with({ address: slice.secureAddress }),
      guard,
      traffic,
      observe: (request, reply) => {
        // The framework gathers what it knows of a route anew each time.
        if (!runtimeMetrics.isEnabled) return;
        const { method, routeOptions } = request;
        runtimeMetrics.countRequest(
          method,
          routeOptions.url ?? '',
          reply.statusCode,
          reply.elapsedTime / 1000,
        );
      },
      open: [
        pingRoutes,
        aboutRoutes(about, guard, () => auth.methods),
        loginRoutes(auth, guard),
        widgetRoutes(processes, sessions),
        ...(await operationsRoutes(slice, needs, guard)),
        ...explorerRoutes({ ...needs, about, log, guard, hasIntrospection: slice.hasIntrospection }),
      ],
      v3: [
        revokeRoutes(auth),
        configRoutes({ store, reloader, readOnly: isReadOnly }),
        fsRoutes({ filesystems, mime, isReadOnly }),
        processRoutes({ processes, isReadOnly }),
        playoutRoutes(processes, isReadOnly),
        metadataRoutes({ processes, isReadOnly, limit: slice.metadataLimit }),
        skillsRoutes(ffmpeg),
        eventRoutes(events, guard),
        logRoutes({ log, format: formatConsole, levels: LOG_LEVELS }),
        metricsRoutes(monitor),
        sessionRoutes(sessions),
        ...(rtmp.isEnabled ? [rtmpRoutes(rtmp, isReadOnly)] : []),
        ...(srt.isEnabled ? [srtRoutes(srt, isReadOnly)] : []),
      ],
      mounts: [
        ...(rtmp.isEnabled ? [flvRoutes(rtmp, ({ raw }) => auth.viewerAddress(raw))] : []),
        mountRoutes({
          filesystem: memory,
          prefix: '/memfs',
          mime,
          defaultType: 'application/data',
          isWritable: true,
          auth: slice.memoryAuth,
          hls,
        }),
        ...s3Mounts.map(({ mount: prefix, ...files }) =>
          mountRoutes({
            ...files,
            prefix,
            mime,
            defaultType: 'application/data',
            isWritable: true,
            hls,
          }),
        ),
        mountRoutes({
          filesystem: disk,
          prefix: '/',
          mime,
          defaultType: 'text/html',
          index: 'index.html',
          isWritable: false,
          cache: diskCache,
          hls: { ...hls, directory: disk.directory },
        }),
        ...directories,
      ],
    },
  );
}
