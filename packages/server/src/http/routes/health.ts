import type { HTTPMethods } from 'fastify';
import type { Guard } from '../guard.ts';
import { sendJson } from '../json.ts';
import type { Routes } from '../server.ts';

/** One thing that the server needs for its work; throws, or answers false, if it is not there. */
export type HealthCheck = () => boolean | Promise<boolean>;

/** How long a check may take, in milliseconds: a probe has a time limit of its own. */
const PATIENCE = 2_000;

/**
 * `GET /health/live`: whether the program reacts. `GET /health/ready`: whether it can do its work; with 503 if a
 * check fails. Both for whatever runs the server; what fails is named, but not why.
 */
export function healthRoutes(checks: Readonly<Record<string, HealthCheck>>, guard: Guard): Routes {
  return (app) => {
    app.addHook('onRequest', guard.address);
    const probe = { method: ['GET', 'HEAD'] as HTTPMethods[] };
    app.route({
      ...probe,
      url: '/health/live',
      handler: (_request, reply) => sendJson(reply.header('cache-control', 'no-store'), { status: 'ok' }),
    });
    app.route({
      ...probe,
      url: '/health/ready',
      handler: async (_request, reply) => {
        const results = await Promise.all(
          Object.entries(checks).map(async ([name, check]) => [
            name,
            (await passes(check)) ? 'ok' : 'failed',
          ]),
        );
        const isReady = results.every(([, result]) => result === 'ok');
        const body = { status: isReady ? 'ok' : 'failed', checks: Object.fromEntries(results) as unknown };
        return sendJson(reply.header('cache-control', 'no-store'), body, isReady ? 200 : 503);
      },
    });
  };
}

async function passes(check: HealthCheck): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => {
      resolve(false);
    }, PATIENCE);
  });
  try {
    return await Promise.race([check(), late]);
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
  }
}
