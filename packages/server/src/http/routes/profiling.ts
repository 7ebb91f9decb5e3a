import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Profiler } from '../../debug/profiler.ts';
import { untilGone } from '../gone.ts';
import { ApiError } from '../errors.ts';
import type { Guard } from '../guard.ts';
import type { Routes } from '../server.ts';

const DEFAULT_SECONDS = 30;
const MAX_SECONDS = 60;

const INDEX = `<!doctype html>
<html lang="en">
<title>Profiling</title>
<h1>Profiling</h1>
<ul>
<li><a href="cmdline">cmdline</a>: how the server was called
<li><a href="profile?seconds=${DEFAULT_SECONDS}">profile</a>: where the CPU time goes, a .cpuprofile
<li><a href="heap">heap</a>: what the memory holds, a .heapsnapshot; the server stands still meanwhile
<li><a href="trace?seconds=1">trace</a>: events of Node.js and V8, for a trace viewer
</ul>
`;

/** `/profiling/`: a look into the running server, for those with a token. */
export function profilingRoutes(profiler: Profiler, guard: Guard): Routes {
  return (app) => {
    app.addHook('onRequest', guard.token);
    app.get('/profiling/', (_request, reply) =>
      reply.header('content-type', 'text/html; charset=utf-8').send(INDEX),
    );
    app.get('/profiling/cmdline', (_request, reply) =>
      reply.header('content-type', 'text/plain; charset=utf-8').send(process.argv.join('\0')),
    );
    app.get('/profiling/profile', async (request, reply) => {
      const profile = await profiler.cpuProfile(secondsOf(request), untilGone(reply));
      return sendFile(reply, 'application/json', 'server.cpuprofile').send(profile);
    });
    app.get('/profiling/heap', async (_request, reply) => {
      const snapshot = await profiler.heapSnapshot();
      return sendFile(reply, 'application/json', 'server.heapsnapshot').send(snapshot);
    });
    app.get('/profiling/trace', async (request, reply) => {
      const trace = await profiler.trace(secondsOf(request), untilGone(reply));
      return sendFile(reply, 'application/json', 'server.trace.json').send(trace);
    });
    // Files of the disk filesystem must not show through.
    app.all('/profiling/*', () => {
      throw ApiError.plain(404);
    });
  };
}

function sendFile(reply: FastifyReply, type: string, name: string): FastifyReply {
  return reply.header('content-type', type).header('content-disposition', `attachment; filename="${name}"`);
}

function secondsOf({ query }: FastifyRequest): number {
  const text = (query as Record<string, unknown>)['seconds'] ?? String(DEFAULT_SECONDS);
  const seconds = typeof text === 'string' && text !== '' ? Number(text) : NaN;
  if (!(seconds > 0 && seconds <= MAX_SECONDS)) {
    throw new ApiError(400, undefined, `seconds must be more than 0 and at most ${MAX_SECONDS}`);
  }
  return seconds;
}
