import type { IncomingMessage } from 'node:http';
import process from 'node:process';
import { Auth } from './auth/auth.ts';
import { Children } from './child/children.ts';
import { ComponentGraph, simpleChange } from './components.ts';
import type { Config } from './config/schema.ts';
import { ConfigStore } from './config/store.ts';
import { AuthTables } from './database/auth.ts';
import { Database } from './database/database.ts';
import { SessionHistoryTable } from './database/session-history.ts';
import { ContentCache } from './delivery/cache.ts';
import { EventTable } from './database/events.ts';
import { MimeTypes } from './delivery/mime.ts';
import { mountRoutes } from './delivery/mount.ts';
import { directoryRoutes } from './delivery/static.ts';
import { MemoryKeeper } from './debug/memory.ts';
import { Events } from './events/events.ts';
import { EventSources } from './events/sources.ts';
import { Ffmpeg } from './ffmpeg/ffmpeg.ts';
import { ClearText } from './http/clear-text.ts';
import { serializeEvent } from './http/event.ts';
import { createGuard } from './http/guard.ts';
import { Listener } from './http/listener.ts';
import { type AboutOptions, aboutRoutes, goArch } from './http/routes/about.ts';
import { configRoutes } from './http/routes/config.ts';
import { eventRoutes } from './http/routes/events.ts';
import { type MountedFilesystem, fsRoutes } from './http/routes/fs.ts';
import { logRoutes } from './http/routes/log.ts';
import { loginRoutes, revokeRoutes } from './http/routes/login.ts';
import { metadataRoutes } from './http/routes/metadata.ts';
import { metricsRoutes } from './http/routes/metrics.ts';
import { playoutRoutes } from './http/routes/playout.ts';
import { processRoutes } from './http/routes/process.ts';
import { sessionRoutes } from './http/routes/session.ts';
import { skillsRoutes } from './http/routes/skills.ts';
import { widgetRoutes } from './http/routes/widget.ts';
import { HttpApp, pingRoutes } from './http/server.ts';
import { formatConsole, LOG_LEVELS } from './log/format.ts';
import { Log, type LogConsole, type Logger } from './log/logger.ts';
import { Host } from './metrics/host.ts';
import { Monitor } from './metrics/monitor.ts';
import { RuntimeMetrics } from './metrics/runtime.ts';
import { createService, createUpdateCheck, metricSources, operationsRoutes } from './observability.ts';
import { ProcessManager } from './process/manager.ts';
import type { ProcessParts } from './process/setting.ts';
import { Reloader } from './reloader.ts';
import { Sessions } from './sessions/registry.ts';
import { ProcessTraffic } from './sessions/processes.ts';
import { SocketTraffic } from './sessions/sockets.ts';
import * as slices from './slices.ts';
import { Cleanup } from './storage/cleanup.ts';
import { DiskFilesystem } from './storage/disk.ts';
import { MemoryFilesystem } from './storage/memory.ts';
import { S3Storages } from './storage/s3-storages.ts';
import { Certificates } from './tls/certificates.ts';
import { Challenges } from './tls/challenges.ts';
import { Renewal } from './tls/renewal.ts';
import { CoreError, errorText } from './util/errors.ts';

export interface AppOptions {
  env: NodeJS.ProcessEnv;
  /** What relative paths are relative to. */
  directory: string;
  console: LogConsole;
}

const VERSION = { number: '16.16.0', commit: '', branch: '', buildDate: '' };

/** How long a file of an S3 storage is taken from the cache without a question to the storage. */
const S3_TRUST_MS = 5_000;

/** The whole server: its configuration, and the components that run by it. */
export class App {
  /** Of the component `Core`. */
  readonly log: Logger;
  readonly #options: AppOptions;
  readonly #log: Log;
  readonly #reloader = new Reloader(() => this.#reload());
  #running: { store: ConfigStore; graph: ReturnType<typeof declareComponents> } | undefined;
  #started: Promise<void> | undefined;
  #closed: Promise<void> | undefined;
  #runSince = new Date(0);

  constructor(options: AppOptions) {
    this.#options = options;
    // Until the configuration is read, these are its defaults.
    this.#log = new Log(options.console, { level: 'info', topics: [], maxLines: 1000 });
    this.log = this.#log.component('Core');
  }

  /**
   * Reads the configuration and starts everything. Rejects if that fails, or `close` comes in between; nothing is left
   * running then.
   */
  start(): Promise<void> {
    this.#started ??= this.#start();
    return this.#started;
  }

  /**
   * Moves to the configuration of the file and the environment, once the start is over. Resolves when it runs, or the
   * old one still does.
   */
  reload(): Promise<void> {
    return this.#reloader.request();
  }

  /** Stops everything, for good. Idempotent. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #start(): Promise<void> {
    const { env, directory } = this.#options;
    this.log.info('', {
      application: 'datarhei-core',
      version: VERSION.number,
      license: 'Apache-2.0',
      arch: goArch(),
      compiler: `node${process.versions.node}`,
    });
    const store = await ConfigStore.open({ env, cwd: directory, log: this.#log });
    this.#requireOpen();
    const graph = declareComponents({
      env,
      directory,
      log: this.#log,
      store,
      runSince: () => this.#runSince,
      reloader: this.#reloader,
    });
    this.#beginRun();
    this.#running = { store, graph };
    await graph.start(store.active);
    store.logSettings();
  }

  async #close(): Promise<void> {
    await this.#running?.graph.close();
    // Before there are components, the start itself notices.
    const hasRun = await this.#started?.then(
      () => true,
      () => false,
    );
    if (hasRun) this.log.info('Complete');
  }

  /** Touches only what the new configuration changes. Throws what keeps it from running; the old one runs on then. */
  async #reload(): Promise<void> {
    await this.#started;
    this.#requireOpen();
    if (this.#running === undefined) throw new Error('the server was not started');
    const { store, graph } = this.#running;
    this.log.warn('Config reload requested');
    try {
      const candidate = await store.reload();
      const changed = await graph.reload(candidate.active);
      // The files may be others under the same names.
      await graph.get('certificates').refresh();
      store.commit(candidate);
      this.#beginRun();
      this.log.info('Config reloaded', { changed });
    } catch (error) {
      this.log.error('Config not reloaded, the previous one runs on', { error: errorText(error) });
      throw error;
    }
  }

  #requireOpen(): void {
    if (this.#closed !== undefined) throw new CoreError('unavailable', 'the server is shutting down');
  }

  /** Clients tell runs apart by the second in which they began, so no two begin in the same one. */
  #beginRun(): void {
    this.#runSince = new Date(Math.max(Date.now(), this.#runSince.getTime() + 1000));
  }
}

/** What the components get that does not come from the configuration. */
interface Surroundings {
  env: NodeJS.ProcessEnv;
  directory: string;
  log: Log;
  store: ConfigStore;
  /** When the present run began: at the start or with the last reload. */
  runSince: () => Date;
  reloader: Reloader;
}

/** Declares every component: what it depends on and how it is made. They start in this order. */
function declareComponents({ env, directory, log, store, runSince, reloader }: Surroundings) {
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
      prepare: (_log, options) =>
        simpleChange(() => {
          log.configure(options);
        }),
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
      prepare: (disk, options) =>
        options.dir === disk.directory
          ? simpleChange(() => {
              disk.configure(options);
            })
          : undefined,
    })
    .add('memory', [], {
      slice: slices.memoryOptions,
      build: (options) => new MemoryFilesystem(options),
      prepare: (memory, options) =>
        simpleChange(() => {
          memory.configure(options);
        }),
    })
    .add('cache', [], {
      slice: slices.cacheOptions,
      build: (options) => new ContentCache(options),
      prepare: (cache, options) =>
        simpleChange(() => {
          cache.configure(options);
        }),
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
        replaced.size > 0
          ? undefined
          : simpleChange(() => {
              children.configure(environment);
            }),
    })
    .add('ffmpeg', ['children'], {
      slice: (config) => config.ffmpeg.binary,
      build: (binary, { children }) => new Ffmpeg(binary, children, log.component('Process')),
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
    .add('eventSources', ['events', 'processes', 'sessions'], {
      slice: () => undefined,
      build: (_slice, { events, processes, sessions }) =>
        new EventSources({ processes, sessions, log, reloads: reloader }, events),
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
    .add('runtimeMetrics', ['auth'], {
      slice: ({ metrics }) => metrics.enable_prometheus && metrics.extended,
      build: (isEnabled, { auth }) => new RuntimeMetrics(isEnabled, auth),
      prepare: (runtime, isEnabled, { auth }) => runtime.prepare(isEnabled, auth),
    })
    .add('memoryKeeper', [], {
      slice: slices.memoryHints,
      build: (hints) => new MemoryKeeper(hints),
      prepare: (keeper, hints) => keeper.prepare(hints),
    })
    .add('updateCheck', ['monitor'], {
      slice: slices.updateUrl,
      build: (url, { monitor }) =>
        createUpdateCheck(url, { monitor, log: log.component('UpdateCheck'), version: VERSION.number, env }),
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
        'sessions',
        'traffic',
        'auth',
        'events',
        'ffmpeg',
        'processes',
        'monitor',
        'runtimeMetrics',
      ],
      {
        slice: (config) => slices.httpSlice(config, directory),
        build: async (slice, needs) => {
          const { disk, memory, s3, cache, sessions, traffic, auth, ffmpeg, processes } = needs;
          const { events, monitor, runtimeMetrics } = needs;
          const { isReadOnly } = slice;
          const mime = await MimeTypes.load(slice.mimeFile);
          const guard = createGuard(auth);
          const about: AboutOptions = {
            name: slice.name,
            id: slice.id,
            version: VERSION,
            get createdAt() {
              return runSince();
            },
          };
          const directories = await Promise.all(
            Object.entries(slice.directories).map(async ([prefix, dir]) => {
              const files = new DiskFilesystem({ dir, maxBytes: 0 });
              await files.start();
              return directoryRoutes({ prefix, directory: files, mime });
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
              log: log.component('HTTP'),
              secureLog: log.component('HTTPS'),
              guard,
              traffic,
              observe: (...request) => {
                runtimeMetrics.countRequest(...request);
              },
              open: [
                pingRoutes,
                aboutRoutes(about, guard, () => auth.methods),
                loginRoutes(auth, guard),
                widgetRoutes(processes, sessions),
                ...(await operationsRoutes(slice, needs, guard)),
              ],
              v3: [
                revokeRoutes(auth),
                configRoutes({ store, reloader, readOnly: isReadOnly }),
                fsRoutes({ filesystems, mime, isReadOnly }),
                processRoutes({ processes, isReadOnly }),
                playoutRoutes(processes, isReadOnly),
                metadataRoutes({ processes, isReadOnly }),
                skillsRoutes(ffmpeg),
                eventRoutes(events, guard),
                logRoutes({ log, format: formatConsole, levels: LOG_LEVELS }),
                metricsRoutes(monitor),
                sessionRoutes(sessions),
              ],
              mounts: [
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
        },
      },
    )
    .add('certificates', [], {
      slice: (config) => slices.certificateOptions(config, directory),
      build: (options) => new Certificates(options, log.component('HTTPS')),
      prepare: (certificates, options) => certificates.prepare(options),
    })
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
    .add('eventStreams', ['events', 'listener', 'secureListener'], {
      slice: () => undefined,
      // They never end by themselves: the listeners would wait for them.
      build: (_slice, { events }) => ({
        start: () => Promise.resolve(),
        close: () => {
          events.endStreams();
          return Promise.resolve();
        },
      }),
    });
}
