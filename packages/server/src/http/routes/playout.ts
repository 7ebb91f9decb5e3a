import { PlayoutStatus } from '@millrace/api';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { askPlayer, type PlayerAnswer, type PlayerRequest } from '../../ffmpeg/player.ts';
import { decodeJson } from '../../util/decode.ts';
import { errorText } from '../../util/errors.ts';
import { readBody } from '../body.ts';
import { ApiError } from '../errors.ts';
import { sendJson } from '../json.ts';
import { findTask, type Tasks } from '../process/find.ts';
import type { Routes } from '../server.ts';

interface ByInput {
  Params: { id: string; input: string; '*': string };
}

type Request = FastifyRequest<ByInput>;

const FRAME_LIMIT = 16 * 1024 * 1024;
/** Of an address. */
const STREAM_LIMIT = 64 * 1024;

/** `/process/{id}/playout`: the players that a patched FFmpeg reads inputs with. Without one there are none. */
export function playoutRoutes(processes: Tasks, isReadOnly: boolean): Routes {
  return (app) => {
    const url = (path: string) => `/process/:id/playout/:input/${path}`;
    const ask = ({ params: { id, input } }: Request, what: PlayerRequest) =>
      answerOf(portOf(processes, id, input), what);
    const pass = async (request: Request, reply: FastifyReply, what: PlayerRequest) =>
      sendOn(reply, await ask(request, what));

    app.get<ByInput>(url('status'), async (request, reply) => {
      const answer = await ask(request, { method: 'GET', path: '/v1/status' });
      return answer.status === 200 ? sendJson(reply, toStatus(answer)) : sendOn(reply, answer);
    });
    app.get<ByInput>(url('reopen'), (request, reply) =>
      pass(request, reply, { method: 'GET', path: '/v1/reopen' }),
    );
    app.get<ByInput>(url('keyframe/*'), (request, reply) => {
      const type = request.params['*'].endsWith('.png') ? 'png' : 'jpg';
      return pass(request, reply, { method: 'GET', path: `/v1/keyframe/last.${type}` });
    });
    app.get<ByInput>(url('errorframe/encode'), (request, reply) =>
      pass(request, reply, { method: 'GET', path: '/v1/errorframe/encode' }),
    );
    refuse(['PUT', 'POST', 'DELETE', 'PATCH'], 'keyframe/*', 'OPTIONS, GET');
    if (isReadOnly) return;

    app.put<ByInput>(url('stream'), (request, reply) =>
      upload(request, reply, '/v1/stream', 'text/plain', STREAM_LIMIT),
    );
    app.route<ByInput>({
      method: ['PUT', 'POST'],
      url: url('errorframe/*'),
      handler: (request, reply) =>
        upload(request, reply, '/v1/errorframe.jpg', 'application/octet-stream', FRAME_LIMIT),
    });
    refuse(['GET', 'DELETE', 'PATCH'], 'errorframe/*', 'OPTIONS, POST, PUT');

    async function upload(request: Request, reply: FastifyReply, path: string, type: string, limit: number) {
      const port = portOf(processes, request.params.id, request.params.input);
      const bytes = await readWhole(request, limit);
      return sendOn(reply, await answerOf(port, { method: 'PUT', path, body: { type, bytes } }));
    }

    /** compat: where a path ends in a star, other methods than its own are known. */
    function refuse(methods: string[], path: string, allow: string): void {
      app.route({
        method: methods,
        url: url(path),
        handler: (_request, reply) => {
          reply.header('allow', allow);
          throw ApiError.plain(405);
        },
      });
    }
  };
}

/** The status of the player of an input. Throws ApiError 404 if it has none, and 500 if it has nothing to say. */
export async function playoutStatus(processes: Tasks, id: string, input: string): Promise<PlayoutStatus> {
  const answer = await answerOf(portOf(processes, id, input), { method: 'GET', path: '/v1/status' });
  if (answer.status !== 200) throw new ApiError(500, undefined, `the player answers with ${answer.status}`);
  return toStatus(answer);
}

function portOf(processes: Tasks, id: string, input: string): number {
  const missing = (reason: string) => new ApiError(404, 'Unknown process or input', reason);
  const { plan } = findTask(processes, id, () => missing('unknown process'));
  if (plan === undefined) throw missing('invalid process definition');
  const port = plan.playout.get(input);
  if (port === undefined) throw missing(`no playout for input ID '${input}' and process '${id}'`);
  return port;
}

async function answerOf(port: number, what: PlayerRequest): Promise<PlayerAnswer> {
  try {
    return await askPlayer(port, what);
  } catch (error) {
    throw new ApiError(500, undefined, error);
  }
}

function sendOn(reply: FastifyReply, { status, type, body }: PlayerAnswer): FastifyReply {
  reply.code(status);
  if (type !== undefined) reply.header('content-type', type);
  return reply.send(body.length === 0 ? undefined : body);
}

async function readWhole(request: Request, limit: number): Promise<Buffer> {
  try {
    return await readBody(request, limit);
  } catch (error) {
    if (error instanceof ApiError && error.status !== 400) throw error;
    throw new ApiError(400, 'Failed to read request body', error);
  }
}

const IDLE = { state: '', packet: 0, time: 0, size_kb: 0 };
const NO_STATUS: PlayoutStatus = {
  id: '',
  url: '',
  stream: 0,
  queue: 0,
  aqueue: 0,
  dup: 0,
  drop: 0,
  enc: 0,
  looping: false,
  duplicating: false,
  gop: '',
  debug: null,
  input: IDLE,
  output: IDLE,
  swap: { url: '', status: '', lasturl: '', lasterror: '' },
};

/** The members that the API has, whatever else there is. */
function toStatus({ body }: PlayerAnswer): PlayoutStatus {
  try {
    return decodeJson(PlayoutStatus, JSON.parse(body.toString()), NO_STATUS);
  } catch (error) {
    throw new ApiError(500, undefined, `the player's status cannot be read: ${errorText(error)}`);
  }
}
