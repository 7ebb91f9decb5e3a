import { Command as CommandBody, type Probe, type Process } from '@millrace/api';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Command, ProcessManager } from '../../process/manager.ts';
import type { Task } from '../../process/task.ts';
import { CoreError } from '../../util/errors.ts';
import { decode, readJson } from '../decode.ts';
import { ApiError } from '../errors.ts';
import { untilGone } from '../gone.ts';
import { sendJson, sendText } from '../json.ts';
import { decodeChangedConfig, decodeNewConfig, toApiConfig } from '../process/config.ts';
import { findTask, unknownProcess } from '../process/find.ts';
import { partsOf, selectionOf, type Part } from '../process/query.ts';
import { toApiProbe, toApiReport } from '../process/report.ts';
import { StateTexts, toApiState } from '../process/state.ts';
import type { Routes } from '../server.ts';

/** What the routes need of the processes. */
export type Processes = Pick<
  ProcessManager,
  'list' | 'get' | 'add' | 'update' | 'remove' | 'command' | 'probe'
>;

export interface ProcessRoutesOptions {
  processes: Processes;
  /** Leaves out what changes something. */
  isReadOnly: boolean;
}

interface ById {
  Params: { id: string };
}

/** `/process`: the processes, what they do, and what they are told to do. */
export function processRoutes({ processes, isReadOnly }: ProcessRoutesOptions): Routes {
  return (app) => {
    const states = new StateTexts();
    const task = ({ params }: FastifyRequest<ById>) => findTask(processes, params.id);

    app.get('/process', (request, reply) => {
      const isSelected = selectionOf(request);
      const parts = partsOf(request);
      const selected = processes.list().filter(({ config }) => isSelected(config));
      return sendJson(
        reply,
        selected.map((process) => toApi(process, parts)),
      );
    });
    app.get<ById>('/process/:id', (request, reply) =>
      sendJson(reply, toApi(task(request), partsOf(request))),
    );
    app.get<ById>('/process/:id/config', (request, reply) =>
      sendJson(reply, toApiConfig(task(request).config)),
    );
    app.get<ById>('/process/:id/state', (request, reply) => {
      sendText(reply, states.of(task(request)));
    });
    app.get<ById>('/process/:id/report', (request, reply) =>
      sendJson(reply, toApiReport(task(request).report())),
    );
    app.get<ById>('/process/:id/probe', (request, reply) => probe(processes, request, reply));
    if (isReadOnly) return;

    app.post('/process', async (request, reply) => {
      const config = decodeNewConfig(await readJson(request));
      const stored = await explain('Invalid process config', () => processes.add(config));
      return sendJson(reply, toApiConfig(stored));
    });
    app.put<ById>('/process/:id', async (request, reply) => {
      const { id } = request.params;
      const missing = () => new ApiError(404, 'Process not found', [id]);
      const known = findTask(processes, id, missing);
      const body = await readJson(request);
      const stored = await explain("Process can't be updated", () =>
        unlessGone(missing, () =>
          processes.update(known.id, (current) => decodeChangedConfig(body, current)),
        ),
      );
      return sendJson(reply, toApiConfig(stored));
    });
    app.delete<ById>('/process/:id', async (request, reply) => {
      await unlessGone(unknownProcess, () => processes.remove(task(request).id));
      return sendJson(reply, 'OK');
    });
    app.put<ById>('/process/:id/command', async (request, reply) => {
      const command = decodeCommand(await readJson(request));
      await explain('Command failed', () => {
        const known = findTask(
          processes,
          request.params.id,
          () => new CoreError('not_found', 'unknown process'),
        );
        return processes.command(known.id, command);
      });
      return sendJson(reply, 'OK');
    });
  };
}

function toApi(task: Task, parts: ReadonlySet<Part>): Process {
  const { config, createdAt, updatedAt } = task.record;
  return {
    id: config.id,
    type: 'ffmpeg',
    reference: config.reference,
    created_at: createdAt,
    updated_at: updatedAt,
    ...(parts.has('config') && { config: toApiConfig(config) }),
    ...(parts.has('state') && { state: toApiState(task.state()) }),
    ...(parts.has('report') && { report: toApiReport(task.report()) }),
    ...(parts.has('metadata') && { metadata: task.metadata.all() }),
  };
}

async function probe(
  processes: Processes,
  request: FastifyRequest<ById>,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { id } = request.params;
  const gone = untilGone(reply);
  let found: Probe;
  try {
    found = toApiProbe(await processes.probe(findTask(processes, id).id, gone));
  } catch (error) {
    if (gone.aborted) {
      // Nobody is there any more to be told.
      reply.hijack();
      return reply;
    }
    if (!(error instanceof ApiError)) throw error;
    found = { streams: [], log: [`Unknown process ID (${id})`] };
  }
  return sendJson(reply, found);
}

const COMMANDS: readonly string[] = ['start', 'stop', 'reload', 'restart'] satisfies Command[];

function decodeCommand(body: unknown): Command {
  const { command } = decode(CommandBody, body, { command: '' });
  if (command === '') {
    throw new ApiError(
      400,
      'Invalid JSON',
      "Key: 'Command.Command' Error:Field validation for 'Command' failed on the 'required' tag",
    );
  }
  if (isCommand(command)) return command;
  throw new ApiError(400, 'Unknown command provided', `Known commands are: ${COMMANDS.join(', ')}`);
}

function isCommand(text: string): text is Command {
  return COMMANDS.includes(text);
}

/** Answers the reasons that the processes give with 400 below the headline; other errors are no answers. */
async function explain<T>(headline: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    const isReason = isCode(error, 'invalid') || isCode(error, 'exists') || isCode(error, 'not_found');
    throw isReason ? new ApiError(400, headline, error) : error;
  }
}

/** Throws what `missing` makes if the process has gone before the turn of this change came. */
async function unlessGone<T>(missing: () => ApiError, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    throw isCode(error, 'not_found') ? missing() : error;
  }
}

function isCode(error: unknown, code: CoreError['code']): boolean {
  return error instanceof CoreError && error.code === code;
}
