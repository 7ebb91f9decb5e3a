import type { IncomingMessage } from 'node:http';
import type { AccessToken, LoginRequest, RevokeRequest, TokenPair } from '@millrace/api';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { bearerTokens } from '../../auth/auth.ts';
import { Throttled } from '../../auth/throttle.ts';
import { CoreError } from '../../util/errors.ts';
import { readBody } from '../body.ts';
import { untilGone } from '../gone.ts';
import { ApiError } from '../errors.ts';
import { type Guard, unauthorized } from '../guard.ts';
import { sendJson } from '../json.ts';
import type { Routes } from '../server.ts';

interface Tokens {
  accessToken: string;
  refreshToken: string;
}

interface Caller {
  address: string;
  peer: string;
  userAgent: string;
}

/** What the routes ask of access control. */
export interface LoginControl {
  readonly enabled: boolean;
  caller(request: IncomingMessage): Caller;
  login(
    attempt: { credentials?: LoginRequest | undefined; token?: string | undefined },
    caller: Caller,
    signal: AbortSignal,
  ): Promise<Tokens>;
  refresh(request: IncomingMessage): Promise<string>;
  rotate(request: IncomingMessage): Promise<Tokens>;
  logout(request: IncomingMessage): void;
  revoke(subject: string | undefined, request: IncomingMessage): void;
}

const MAX_BODY_BYTES = 16 * 1024;
const MAX_SUBJECT_LENGTH = 1024;
/** Whoever has not logged in may not occupy a connection. */
const BODY_TIMEOUT_MS = 10_000;
const JSON_MEDIA_TYPE = /^application\/json\s*(;|$)/i;

/**
 * `POST /api/login`, `GET` and `POST /api/login/refresh`, `POST /api/logout`; nothing of it if nobody has to log in.
 *
 * @param bodyTimeout in which a login's body must have come, in milliseconds.
 */
export function loginRoutes(auth: LoginControl, guard: Guard, bodyTimeout = BODY_TIMEOUT_MS): Routes {
  return (app) => {
    app.addHook('onRequest', guard.address);
    app.addHook('onRequest', (_request, reply, done) => {
      reply.header('cache-control', 'no-store');
      done(auth.enabled ? undefined : ApiError.plain(404));
    });

    app.post('/api/login', async (request, reply) => {
      const body = await readBody(request, MAX_BODY_BYTES, bodyTimeout);
      const attempt = {
        credentials: parseCredentials(request, body),
        token: bearerTokens(request.raw)[0]?.token,
      };
      const tokens = await orRefusal(reply, () =>
        auth.login(attempt, auth.caller(request.raw), untilGone(reply)),
      );
      return sendJson(reply, toTokenPair(tokens));
    });
    // compat: clients know no other method, and never look for a new refresh token.
    app.get('/api/login/refresh', async (request, reply) => {
      const accessToken = await orUnauthorized(request, reply, () => auth.refresh(request.raw));
      return sendJson(reply, { access_token: accessToken } satisfies AccessToken);
    });
    app.post('/api/login/refresh', async (request, reply) => {
      const tokens = await orUnauthorized(request, reply, () => auth.rotate(request.raw));
      return sendJson(reply, toTokenPair(tokens));
    });
    app.post('/api/logout', async (request, reply) => {
      await orUnauthorized(request, reply, () => {
        auth.logout(request.raw);
      });
      return sendJson(reply, 'OK');
    });
  };
}

/** `POST /api/v3/auth/revoke`: makes the tokens of one subject or of all invalid, those of the caller included. */
export function revokeRoutes(auth: LoginControl): Routes {
  return (app) => {
    app.post('/auth/revoke', async (request, reply) => {
      const body = await readBody(request, MAX_BODY_BYTES);
      auth.revoke(parseRevocation(body).subject, request.raw);
      return sendJson(reply, 'OK');
    });
  };
}

/** Credentials count only if they are complete; otherwise another way to log in has its turn. */
function parseCredentials(request: FastifyRequest, body: Buffer): LoginRequest | undefined {
  if (!JSON_MEDIA_TYPE.test(request.headers['content-type'] ?? '')) return undefined;
  const { username, password } = parseObject(body) ?? {};
  return isText(username) && isText(password) ? { username, password } : undefined;
}

function parseRevocation(body: Buffer): RevokeRequest {
  if (body.length === 0) return {};
  const value = parseObject(body);
  if (value?.subject === undefined && value !== undefined) return {};
  if (isText(value?.subject) && value.subject.length <= MAX_SUBJECT_LENGTH) return { subject: value.subject };
  throw new ApiError(400, 'Invalid JSON', 'the body must be empty or an object with a subject');
}

/** The JSON object of a body; undefined if it is none. */
function parseObject(
  body: Buffer,
): Partial<Record<'username' | 'password' | 'subject', unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(body.toString());
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function toTokenPair({ accessToken, refreshToken }: Tokens): TokenPair {
  return { access_token: accessToken, refresh_token: refreshToken };
}

/** Adds what a refusal for too many attempts needs. */
async function orRefusal<T>(reply: FastifyReply, act: () => T | Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (!(error instanceof Throttled)) throw error;
    reply.header('retry-after', String(error.retryAfter));
    throw new ApiError(429, undefined, error);
  }
}

/** Answers a token that is missing or refused as the guard does. */
async function orUnauthorized<T>(
  request: FastifyRequest,
  reply: FastifyReply,
  act: () => T | Promise<T>,
): Promise<T> {
  return orRefusal(reply, async () => {
    try {
      return await act();
    } catch (error) {
      if (!(error instanceof CoreError) || error.code !== 'unauthorized') throw error;
      throw unauthorized(reply, bearerTokens(request.raw).length > 0);
    }
  });
}
