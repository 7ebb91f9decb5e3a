import { Auth } from './auth/auth.ts';
import { Children } from './child/children.ts';
import { ComponentGraph, reconfigure } from './components.ts';
import { mimeFileOf } from './config/mime-file.ts';
import type { Config } from './config/schema.ts';
import type { ConfigStore } from './config/store.ts';
import { AuthTables } from './database/auth.ts';
import { Database } from './database/database.ts';
import { SessionHistoryTable } from './database/session-history.ts';
import { ContentCache } from './delivery/cache.ts';
import { MimeFile } from './delivery/mime.ts';
import { EventTable } from './database/events.ts';
import { MemoryKeeper } from './debug/memory.ts';
import { Events } from './events/events.ts';
import { EventSources } from './events/sources.ts';
import { Ffmpeg } from './ffmpeg/ffmpeg.ts';
import { ClearText } from './http/clear-text.ts';
import { serializeEvent } from './http/event.ts';
import { Listener } from './http/listener.ts';
import type { HttpApp } from './http/server.ts';
import type { Log } from './log/logger.ts';
import { Host } from './metrics/host.ts';
import { Monitor } from './metrics/monitor.ts';
import { RuntimeMetrics } from './metrics/runtime.ts';
import { ProcessManager } from './process/manager.ts';
import type { ProcessParts } from './process/setting.ts';
import { createService, createUpdateCheck, metricSources } from './observability.ts';
import type { Reloader } from './reloader.ts';
import { RtmpServer } from './rtmp/server.ts';
import { Sessions } from './sessions/registry.ts';
import { ProcessTraffic } from './sessions/processes.ts';
import { SocketTraffic } from './sessions/sockets.ts';
import * as slices from './slices.ts';
import { SrtServer } from './srt/server.ts';
import { Cleanup } from './storage/cleanup.ts';
import { DiskFilesystem } from './storage/disk.ts';
import { MemoryFilesystem } from './storage/memory.ts';
import { S3Storages } from './storage/s3-storages.ts';
import { Certificates } from './tls/certificates.ts';
import { Challenges } from './tls/challenges.ts';
import { Renewal } from './tls/renewal.ts';
import { VERSION } from './version.ts';

/** What the components get that does not come from the configuration. */
export interface Surroundings {
  env: NodeJS.ProcessEnv;
  directory: string;
  log: Log;
  store: ConfigStore;
  /** When the present run began: at the start or with the last reload. */
  runSince: () => Date;
  reloader: Reloader;
}

/** Declares every component: what it depends on and how it is made. They start in this order. */
export function declareComponents(surroundings: Surroundings) {
  const { env, directory, log, runSince, reloader } = surroundings;
  const core = log.component('Core');
  const letsEncrypt = log.component("Let's Encrypt");
  const challenges = new Challenges(letsEncrypt);
  const clearText = (http: HttpApp, certificates: Certificates, redirectPort: number | undefined) =>
    new ClearText(
      {
        challengeAnswer: (path) => challenges.answer(path),
        // Nobody is sent where the browser warns.
        redirectPort: () => (certificates.isTrusted ? redirectPort : undefined),
      },
      http,
    );
  const processParts = (
    needs: Omit<ProcessParts, 'spawner' | 'log'> & { children: Children },
  ): ProcessParts => ({
    ...needs,
    spawner: needs.children,
    log: log.component('Process'),
  });
  const sessionHistory = (database: Database, importDir: string) =>
    new SessionHistoryTable(database, importDir, log.component('SessionStore'));
  const graph = new ComponentGraph<Config>((name, error) => {
    core.error('Component failed', { name, error });
  });
  return graph
    .add('log', [], {
      slice: slices.logOptions,
      build: (options) => {
        log.configure(options);
        return log;
      },
      prepare: reconfigure,
    })
    .add('host', [], {
      slice: () => undefined,
      build: () => new Host(),
    })
    .add('children', ['host'], {
      slice: (config) => slices.childEnvironment(config, env),
      build: (environment, { host }) => {
        const children = new Children(log.component('Process'), () => host.cpuCount);
        children.configure(environment);
        return children;
      },
      prepare: (children, environment, _needs, replaced) =>
        replaced.size > 0 ? undefined : reconfigure(children, environment),
    })
    .add('ffmpeg', ['children'], {
      // What a start waits for longest: declared this early, it answers while the others are set up.
      slice: (config) => config.ffmpeg.binary,
      build: (binary, { children }) => new Ffmpeg(binary, children, log.component('Process')),
    })
    .add('database', [], {
      slice: (config) => slices.databaseDirectory(config, directory),
      build: (dir) => new Database(dir, log.component('ProcessStore')),
    })
    .add('sessions', ['database'], {
      slice: (config) => slices.sessionsSlice(config, directory),
      build: ({ importDir, ...options }, { database }) =>
        new Sessions(options, sessionHistory(database, importDir), log.component('Session')),
      prepare: (sessions, { importDir, ...options }, { database }, replaced) =>
        sessions.prepare(options, replaced.has('database') ? sessionHistory(database, importDir) : undefined),
    })
    .add('traffic', ['sessions'], {
      slice: () => undefined,
      build: (_slice, { sessions }) => new SocketTraffic(sessions),
    })
    .add('events', ['database'], {
      slice: slices.eventsOptions,
      build: (options, { database }) =>
        new Events(options, {
          store: new EventTable(database),
          serialize: serializeEvent,
          log: log.component('Core'),
          version: VERSION.number,
        }),
      prepare: (events, options, _needs, replaced) =>
        replaced.has('database') ? undefined : events.prepare(options),
    })
    .add('disk', [], {
      slice: (config) => slices.diskOptions(config, directory),
      build: (options) => new DiskFilesystem(options),
      prepare: (disk, options) => (options.dir === disk.directory ? reconfigure(disk, options) : undefined),
    })
    .add('memory', [], {
      slice: slices.memoryOptions,
      build: (options) => new MemoryFilesystem(options),
      prepare: reconfigure,
    })
    .add('cache', [], {
      slice: slices.cacheOptions,
      build: (options) => new ContentCache(options),
      prepare: reconfigure,
    })
    .add('mime', [], {
      slice: ({ storage }) => mimeFileOf(storage.mimetypes_file, directory),
      build: (file) => new MimeFile(file),
      isCurrent: (mime) => mime.isCurrent(),
      prepare: (mime, file) => mime.prepare(file),
    })
    .add('s3', [], {
      slice: slices.s3Options,
      build: (options) => new S3Storages(options, log.component('FS')),
      prepare: (s3, options) => s3.prepare(options),
    })
    .add('cleanup', ['disk', 'memory', 's3'], {
      slice: () => undefined,
      build: (_slice, { disk, memory, s3 }) =>
        new Cleanup(
          (name) => [disk, memory].find((one) => one.name === name) ?? s3.get(name),
          log.component('Cleanup'),
        ),
    })
    .add('auth', ['database'], {
      slice: slices.authOptions,
      build: (options, { database }) =>
        new Auth({ ...options, https: { env } }, new AuthTables(database), log.component('Auth')),
      prepare: (auth, options, _needs, replaced) =>
        replaced.has('database') ? undefined : auth.prepare({ ...options, https: { env } }),
    })
    .add('processes', ['database', 'disk', 'cleanup', 'children', 'ffmpeg'], {
      slice: (config) => slices.processOptions(config, directory),
      build: (options, needs) => new ProcessManager(options, processParts(needs)),
      prepare: (processes, options, needs) => processes.prepare(options, processParts(needs)),
    })
    .add('certificates', [], {
      slice: (config) => slices.certificateOptions(config, directory),
      build: (options) => new Certificates(options, log.component('HTTPS')),
      prepare: (certificates, options) => certificates.prepare(options),
      isCurrent: (certificates) => certificates.isCurrent(),
    })
    .add('rtmp', ['sessions', 'certificates'], {
      slice: slices.rtmpOptions,
      build: (options, needs) => new RtmpServer(options, { ...needs, log }),
      prepare: (rtmp, options, _needs, replaced) => (replaced.size > 0 ? undefined : rtmp.prepare(options)),
    })
    .add('srt', ['sessions'], {
      slice: slices.srtOptions,
      build: (options, { sessions }) => new SrtServer(options, sessions, log.component('SRT')),
      prepare: (srt, options, _needs, replaced) => (replaced.size > 0 ? undefined : srt.prepare(options)),
    })
    .add('eventSources', ['events', 'processes', 'sessions', 'rtmp', 'srt'], {
      slice: () => undefined,
      build: (_slice, { events, ...sources }) =>
        new EventSources({ ...sources, log, reloads: reloader }, events),
    })
    .add('processTraffic', ['processes', 'sessions'], {
      slice: () => undefined,
      build: (_slice, { processes, sessions }) => new ProcessTraffic(processes, sessions),
    })
    .add('monitor', ['host', 'disk', 'memory', 's3', 'processes', 'sessions'], {
      slice: (config) => slices.monitorOptions(config, directory),
      build: (options, needs) =>
        new Monitor(options, metricSources(needs, options.s3Names, runSince), log.component('Metrics')),
      prepare: (monitor, options, needs) =>
        monitor.prepare(options, metricSources(needs, options.s3Names, runSince)),
    })
    .add('runtimeMetrics', ['auth', 'host', 'rtmp', 'srt'], {
      slice: ({ metrics }) => metrics.enable_prometheus && metrics.extended,
      build: (isEnabled, sources) => new RuntimeMetrics(isEnabled, sources),
      prepare: (runtime, isEnabled, sources) => runtime.prepare(isEnabled, sources),
    })
    .add('memoryKeeper', [], {
      slice: slices.memoryHints,
      build: (hints) => new MemoryKeeper(hints),
      prepare: (keeper, hints) => keeper.prepare(hints),
    })
    .add('updateCheck', ['monitor'], {
      slice: slices.updateUrl,
      build: (url, { monitor }) =>
        createUpdateCheck(url, {
          monitor,
          log: log.component('UpdateCheck'),
          version: VERSION.number,
          env,
        }),
    })
    .add('service', ['monitor'], {
      slice: slices.serviceOptions,
      build: (options, { monitor }) =>
        createService(options, { monitor, log: log.component('Service'), version: VERSION.number, env }),
    })
    .add(
      'http',
      [
        'disk',
        'memory',
        's3',
        'cache',
        'mime',
        'sessions',
        'traffic',
        'auth',
        'events',
        'ffmpeg',
        'processes',
        'rtmp',
        'monitor',
        'runtimeMetrics',
        'srt',
      ],
      {
        slice: (config) => slices.httpSlice(config, directory),
        // Half of all modules hang on the routes: they are read while FFmpeg answers.
        build: async (slice, needs) => {
          const { createHttpApp } = await import('./routes.ts');
          return createHttpApp(slice, needs, surroundings);
        },
      },
    )
    .add('listener', ['http', 'certificates'], {
      slice: (config) => ({ address: config.address, redirectPort: slices.redirectPort(config) }),
      build: ({ address, redirectPort }, { http, certificates }) =>
        new Listener(address, clearText(http, certificates, redirectPort), log.component('HTTP')),
      prepare: (listener, { address, redirectPort }, { http, certificates }) =>
        listener.prepare(address, clearText(http, certificates, redirectPort)),
    })
    .add('secureListener', ['http', 'certificates'], {
      slice: ({ tls }) => (tls.enable ? tls.address : undefined),
      build: (address, { http, certificates }) =>
        new Listener(address, http, log.component('HTTPS'), async (answer) => {
          const { createTlsServer } = await import('./http/tls-server.ts');
          return createTlsServer(answer, certificates);
        }),
      prepare: (listener, address, { http }) => listener.prepare(address, http),
    })
    .add('renewal', ['certificates', 'listener'], {
      slice: (config) => slices.renewalOptions(config, directory),
      // The authority asks for its proof over the listener.
      build: (options, { certificates }) =>
        new Renewal(options, { certificates, answers: challenges, env, log: letsEncrypt }),
      prepare: (renewal, options) => renewal.prepare(options),
    })
    .add('supervision', ['processes', 'listener'], {
      slice: () => undefined,
      // FFmpeg writes through the listener: it is up before the first child, and down after the last.
      build: (_slice, { processes }) => ({ start: () => processes.run(), close: () => processes.close() }),
    })
    .add('endlessAnswers', ['events', 'rtmp', 'listener', 'secureListener'], {
      slice: () => undefined,
      // They never end by themselves: the listeners would wait for them.
      build: (_slice, { events, rtmp }) => ({
        start: () => Promise.resolve(),
        close: () => {
          events.endStreams();
          rtmp.endViewers();
          return Promise.resolve();
        },
      }),
    });
}
