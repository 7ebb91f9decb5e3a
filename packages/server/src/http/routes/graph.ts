import { Type } from '@millrace/api';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from '../../log/logger.ts';
import { compressJson } from '../compress.ts';
import {
  createExecutor,
  type GraphAnswer,
  type GraphExecutor,
  type GraphRequest,
} from '../graph/execution.ts';
import { createRoot, type GraphSources } from '../graph/resolvers.ts';
import { sendGraphPage } from '../graph/page.ts';
import { untilGone } from '../gone.ts';
import type { Guard } from '../guard.ts';
import { readBody } from '../body.ts';
import { decodeJson } from '../../util/decode.ts';
import { errorText } from '../../util/errors.ts';
import { JsonError, parseJsonText } from '../../util/json.ts';
import { JSON_TYPE, sendJson, TEXT_TYPE, toJson } from '../json.ts';
import type { Routes } from '../server.ts';

export interface GraphRoutesOptions extends GraphSources {
  guard: Guard;
  hasIntrospection: boolean;
  /** Of component `HTTP`. */
  log: Logger;
}

/** In bytes. */
const MAX_BODY = 256 * 1024;
/** How much of a body that is not JSON an error quotes, in characters. */
const MAX_QUOTE = 4096;

/** `/api/graph`: the read side of the API for GraphQL clients, and a page to try it. */
export function graphRoutes({ guard, log, hasIntrospection, ...sources }: GraphRoutesOptions): Routes {
  let executor: Promise<GraphExecutor> | undefined;
  const answer = async (request: FastifyRequest, reply: FastifyReply) => {
    if (!isJson(request)) return sendFailure(reply, 'transport not supported', TEXT_TYPE);
    const query = decodeQuery((await readBody(request, MAX_BODY)).toString());
    if (typeof query === 'string') return sendFailure(reply, query);
    executor ??= createExecutor(log, hasIntrospection);
    const gone = untilGone(reply);
    const { status, body } = await (await executor)(query, createRoot(sources, gone));
    return sendJson(reply, body, status);
  };

  return (app) => {
    // A browser has no token to open a page with: the page asks for one, and shows nothing without it.
    app.addHook('onRequest', (request, reply, done) => {
      const hook = isNavigation(request) ? guard.address : guard.token;
      hook.call(app, request, reply, done);
    });
    compressJson(app);
    app.post('/api/graph/query', answer);
    // The Go client of the reference asks here.
    app.put('/api/v3/graph', answer);
    app.get('/api/graph', (_request, reply) => sendGraphPage(reply));
  };
}

function isNavigation({ method, headers }: FastifyRequest): boolean {
  return method === 'GET' && headers.accept?.includes('text/html') === true;
}

function isJson({ headers }: FastifyRequest): boolean {
  return headers['content-type']?.split(';')[0]?.trim().toLowerCase() === 'application/json';
}

/** A body as the reference calls it in its messages. */
const RawParams = Type.Object(
  {
    query: Type.String(),
    variables: Type.Record(Type.String(), Type.Unknown()),
    operationName: Type.String(),
  },
  { title: 'RawParams' },
);
const EMPTY: GraphRequest = { query: '', variables: {}, operationName: '' };

/** The query of a body, or why it holds none, in the words of the reference. */
function decodeQuery(text: string): GraphRequest | string {
  const broken = (reason: string) =>
    `json request body could not be decoded: ${reason} body:${text.slice(0, MAX_QUOTE)}`;
  if (text.trim() === '') return broken('EOF');
  try {
    // Numbers come as such: the library knows no others.
    return decodeJson(RawParams, JSON.parse(text), EMPTY);
  } catch (error) {
    return broken(reasonOf(error, text));
  }
}

function reasonOf(error: unknown, text: string): string {
  if (error instanceof JsonError)
    return error.message.replace(/^expect type .*?: json: /s, 'json: ').replace(/ api\./, ' graphql.');
  try {
    parseJsonText(text);
  } catch (problem) {
    const reason = errorText(problem).replace(/^syntax error at line \d+, character \d+: /, '');
    // compat: a body that breaks off is told from one that is wrong.
    return reason === 'unexpected end of JSON input' ? 'unexpected EOF' : reason;
  }
  return errorText(error);
}

function sendFailure(reply: FastifyReply, message: string, type = JSON_TYPE): FastifyReply {
  const body: GraphAnswer['body'] = { errors: [{ message }], data: null };
  return reply.code(400).header('content-type', type).send(toJson(body));
}
