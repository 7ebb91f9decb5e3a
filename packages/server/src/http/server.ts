import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Component } from '../components.ts';
import type { Logger } from '../log/logger.ts';
import { AccessLog } from './access-log.ts';
import { ApiError } from './errors.ts';
import { compressJson } from './compress.ts';
import { type CorsPolicy, answerCors } from './cors.ts';
import type { Guard } from './guard.ts';
import { TEXT_TYPE, sendJson } from './json.ts';
import { Redirects, prefixLocations } from './redirects.ts';
import { connectionOf, isEncrypted, isHttp2 } from './transport.ts';
import { dropUnreadBodies } from './unread-body.ts';

/** Adds routes to an instance; what they need has been given to the function that made them. */
export type Routes = (app: FastifyInstance) => void;

export interface HttpOptions {
  cors: readonly CorsPolicy[];
  /** Exact paths that lead to others, whatever is there. */
  redirects?: Readonly<Record<string, string>>;
}

/** What the application is made of. The groups differ in what guards them. */
export interface HttpParts {
  log: Logger;
  /** For requests over TLS, if it is another. */
  secureLog?: Logger;
  guard: Guard;
  /** Told of the connection of each request. */
  traffic?: { watch(connection: Socket): void };
  /** Told of each answer. */
  observe?: (request: FastifyRequest, reply: FastifyReply) => void;
  /** Routes that guard themselves, with their full paths. */
  open: readonly Routes[];
  /** Routes below `/api/v3`: IP lists, a token, compressed answers. */
  v3: readonly Routes[];
  /** Files: everything outside `/api`. */
  mounts: readonly Routes[];
}

/** Ids may be as long as a URL; the router's own limit would answer 414. */
const MAX_PARAM_LENGTH = 65_536;

function noCompiler(): never {
  throw new Error('routes have no schemas that are compiled');
}

/** The HTTP application: guards, routes and error answers, without a socket. */
export class HttpApp implements Component {
  readonly #options: HttpOptions;
  readonly #parts: HttpParts;
  readonly #app: FastifyInstance;

  constructor(options: HttpOptions, parts: HttpParts) {
    this.#options = options;
    this.#parts = parts;
    this.#app = fastify({
      logger: false,
      exposeHeadRoutes: false,
      // Fastify forbids it on routes otherwise; bodies are limited where they are read.
      bodyLimit: Number.MAX_SAFE_INTEGER,
      requestTimeout: 0,
      rewriteUrl: (request) => canonicalUrl(request.url ?? '/'),
      routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
      // Bodies and answers are ours to check and to write; loading the compilers would take as long as all the rest.
      schemaController: { compilersFactory: { buildValidator: noCompiler, buildSerializer: noCompiler } },
      // Of these, only a path that cannot be decoded can happen.
      frameworkErrors: (_error, _request, reply) => {
        sendMalformed(reply);
      },
    });
  }

  async start(): Promise<void> {
    const app = this.#app;
    const { log, secureLog = log, guard, observe, open, v3, mounts } = this.#parts;
    const logOf = ({ raw }: FastifyRequest) => (isEncrypted(raw) ? secureLog : log);
    const { cors } = this.#options;
    const redirects = new Redirects(this.#options.redirects ?? {});
    const accessLog = new AccessLog(logOf, guard);

    // Bodies reach the routes as streams: what may be read, how much and when is theirs to say.
    app.removeAllContentTypeParsers();
    app.addContentTypeParser('*', (_request, payload, done) => {
      done(null, payload);
    });
    app.addHook('onRequest', (request, reply, done) => {
      accessLog.begin(request, reply);
      if (answerCors(cors, request, reply) || redirects.answer(request, reply)) return;
      done();
    });
    // Only past the guards: FFmpeg repeats a write with its credentials if it was refused instead of continued.
    app.addHook('preParsing', (request, reply, _payload, done) => {
      accessLog.receive(request, reply);
      if (expectsContinue(request.raw)) reply.raw.writeContinue();
      tolerateContentType(request.raw);
      done();
    });
    prefixLocations(app, guard);
    dropUnreadBodies(app);
    app.addHook('onResponse', (request, reply, done) => {
      accessLog.end(request, reply);
      observe?.(request, reply);
      done();
    });
    app.setErrorHandler((error, request, reply) => {
      const answer = ApiError.from(error);
      if (answer.status >= 500) logOf(request).error('Request failed', { error: stackOf(error) });
      return sendError(reply, answer);
    });
    app.setNotFoundHandler((_request, reply) => sendError(reply, ApiError.plain(404)));

    for (const routes of open) register(app, '', routes);
    register(app, '/api', (api) => {
      api.addHook('onRequest', guard.token);
      api.setNotFoundHandler((_request, reply) => sendError(reply, ApiError.plain(404)));
      register(api, '/v3', (instance) => {
        compressJson(instance);
        instance.setNotFoundHandler((_request, reply) => sendError(reply, ApiError.plain(404)));
        for (const routes of v3) register(instance, '', routes);
        instance.all('/*', refuseUnknown);
      });
      api.all('/*', refuseUnknown);
    });
    for (const routes of mounts) register(app, '', routes);
    await app.ready();
  }

  /** Handles one request, from whichever listener it came. */
  handle(request: IncomingMessage, response: ServerResponse): void {
    const connection = connectionOf(request);
    if (connection !== undefined) this.#parts.traffic?.watch(connection);
    this.#app.routing(request, response);
  }

  async close(): Promise<void> {
    await this.#app.close();
  }
}

/** The files mounted at the root must not show through where the API has no route. */
function refuseUnknown(): never {
  throw ApiError.plain(404);
}

function register(app: FastifyInstance, prefix: string, routes: Routes): void {
  void app.register(
    (instance, _options, done) => {
      routes(instance);
      done();
    },
    { prefix },
  );
}

/** What a client puts before the path if it takes the server for a proxy (RFC 9112 §3.2.2). */
const AUTHORITY = /^https?:\/\/[^/?]*/i;
const ENTRY_POINT = /^\/+api(?:\/+login(\/+refresh)?)?\/*(?=$|\?)/;

/**
 * The one form of a path that router and guards see, without the scheme and the host. Clients put a slash too many
 * before or behind `/api` and the login routes; every other path stays as it is.
 */
function canonicalUrl(url: string): string {
  // Most requests are for other paths, which is told for less than the patterns take.
  if (/^\/(?:[^/a]|api(?:$|\/v3\/))/.test(url)) return url;
  const local = url.startsWith('/') ? url : url.replace(AUTHORITY, '').replace(/^(?=\?|$)/, '/');
  return local.replace(ENTRY_POINT, (path) => path.replace(/\/+/g, '/').replace(/\/$/, ''));
}

function expectsContinue(request: IncomingMessage): boolean {
  return request.headers.expect?.toLowerCase() === '100-continue';
}

const MEDIA_TYPE = /^[\w!#$%&'*+.^`|~-]+\/[\w!#$%&'*+.^`|~-]+\s*(?:;|$)/;

/** What a client calls nothing known is bytes (RFC 9110 §8.3); the framework would refuse it. */
function tolerateContentType(request: IncomingMessage): void {
  const type = request.headers['content-type'];
  if (type !== undefined && !MEDIA_TYPE.test(type))
    request.headers['content-type'] = 'application/octet-stream';
}

function sendError(reply: FastifyReply, error: unknown): FastifyReply {
  const answer = ApiError.from(error);
  // A body that was announced but not asked for may still come or not: the connection cannot be used again.
  if (expectsContinue(reply.request.raw) && !isHttp2(reply.request.raw)) reply.header('connection', 'close');
  if (reply.request.method === 'HEAD') return reply.code(answer.status).removeHeader('content-type').send();
  return sendJson(reply, answer.body(), answer.status);
}

/** The answer to what is no request, in the form of the listener's own. */
function sendMalformed(reply: FastifyReply): void {
  void reply.code(400).header('content-type', 'text/plain; charset=utf-8').send('400 Bad Request');
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/** `GET /ping`: whether the server answers at all. */
export const pingRoutes: Routes = (app) => {
  app.get('/ping', (_request, reply) => reply.header('content-type', TEXT_TYPE).send('pong'));
};
