import type { FastifyRequest } from 'fastify';
import { ApiError } from '../errors.ts';
import { findTask, type Tasks } from '../process/find.ts';
import type { Routes } from '../server.ts';

interface ByInput {
  Params: { id: string; input: string };
}

/** `/process/{id}/playout`: the players of inputs. There are none without a patched FFmpeg, and this says so. */
export function playoutRoutes(processes: Tasks, isReadOnly: boolean): Routes {
  return (app) => {
    const refuse = ({ params: { id, input } }: FastifyRequest<ByInput>): never => {
      const missing = (reason: string) => new ApiError(404, 'Unknown process or input', reason);
      const task = findTask(processes, id, () => missing('unknown process'));
      if (task.plan === undefined) throw missing('invalid process definition');
      throw missing(`no playout for input ID '${input}' and process '${id}'`);
    };
    for (const path of ['status', 'reopen', 'keyframe/*', 'errorframe/encode']) {
      app.get<ByInput>(`/process/:id/playout/:input/${path}`, refuse);
    }
    if (isReadOnly) return;
    for (const path of ['errorframe/*', 'stream']) {
      app.put<ByInput>(`/process/:id/playout/:input/${path}`, refuse);
    }
    app.post<ByInput>('/process/:id/playout/:input/errorframe/*', refuse);
  };
}
