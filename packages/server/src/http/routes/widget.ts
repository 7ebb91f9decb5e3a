import type { WidgetProcess } from '@millrace/api';
import { sendJson } from '../json.ts';
import { findTask, type Tasks } from '../process/find.ts';
import type { Routes } from '../server.ts';

/** `/api/v3/widget`: what everybody may know about a process, for public pages. Not guarded. */
export function widgetRoutes(processes: Tasks): Routes {
  return (app) => {
    app.get<{ Params: { id: string } }>('/api/v3/widget/process/:id', (request, reply) => {
      const { exec, inStateMs } = findTask(processes, request.params.id).state();
      const widget: WidgetProcess = {
        current_sessions: 0,
        total_sessions: 0,
        uptime: exec === 'running' ? Math.floor(inStateMs / 1000) : 0,
      };
      return sendJson(reply, widget);
    });
  };
}
