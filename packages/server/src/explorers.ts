import type { Auth } from './auth/auth.ts';
import type { Guard } from './http/guard.ts';
import { type AboutOptions, aboutOf } from './http/routes/about.ts';
import { graphRoutes } from './http/routes/graph.ts';
import { swaggerRoutes } from './http/routes/swagger.ts';
import type { Routes } from './http/server.ts';
import { formatConsole } from './log/format.ts';
import type { Log } from './log/logger.ts';
import type { Monitor } from './metrics/monitor.ts';
import type { ProcessManager } from './process/manager.ts';

export interface ExplorerParts {
  about: AboutOptions;
  auth: Auth;
  processes: ProcessManager;
  monitor: Monitor;
  log: Log;
  guard: Guard;
  /** Whether the GraphQL schema may be asked for. */
  hasIntrospection: boolean;
}

/** The routes by which the API is explored: GraphQL, and its description. */
export function explorerRoutes({
  about,
  auth,
  processes,
  monitor,
  log,
  guard,
  hasIntrospection,
}: ExplorerParts): Routes[] {
  return [
    graphRoutes({
      about: () => aboutOf(about, auth.methods),
      processes,
      metrics: monitor,
      console: () => log.events().map((event) => formatConsole(event)),
      guard,
      hasIntrospection,
      log: log.component('HTTP'),
    }),
    swaggerRoutes(),
  ];
}
