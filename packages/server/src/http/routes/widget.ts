import type { WidgetProcess } from '@millrace/api';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { sendJson } from '../json.ts';
import { findTask, type Tasks } from '../process/find.ts';
import type { Routes } from '../server.ts';

/** Where viewers are counted; undefined while they are not. */
export interface Viewers {
  collector(name: 'hls'): { count(reference: string): { active: number; past: number } } | undefined;
}

/** `/api/v3/widget`: what everybody may know about a process, for public pages. Not guarded. */
export function widgetRoutes(processes: Tasks, viewers: Viewers): Routes {
  return (app) => {
    const widget = (request: FastifyRequest<{ Params: { id: string } }>, reply: FastifyReply) => {
      const task = findTask(processes, request.params.id);
      const { exec, inStateMs } = task.status();
      const { active, past } = viewers.collector('hls')?.count(task.config.reference) ?? NOBODY;
      const answer: WidgetProcess = {
        current_sessions: active,
        total_sessions: past,
        uptime: exec === 'running' ? Math.floor(inStateMs / 1000) : 0,
      };
      return sendJson(reply, answer);
    };
    app.get('/api/v3/widget/process/:id', widget);
    // compat: the official Go client leaves the slash out.
    app.get('/api/v3/widget/process:id(.+)', widget);
  };
}

const NOBODY = { active: 0, past: 0 };
