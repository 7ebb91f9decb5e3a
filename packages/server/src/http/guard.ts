import type { IncomingMessage } from 'node:http';
import type { FastifyReply, FastifyRequest, onRequestHookHandler } from 'fastify';
import { ApiError } from './errors.ts';

/** Who may pass. The application only puts its hooks where they belong. */
export interface Guard {
  /** Lets pass who comes from an allowed address: 403 otherwise. */
  readonly address: onRequestHookHandler;
  /** Lets pass who comes from an allowed address with a valid access token: 403 or 401 otherwise. */
  readonly token: onRequestHookHandler;
  /** Whether the request carries a valid access token, or needs none. Never throws. */
  isAuthorized(request: FastifyRequest): boolean;
  /** The address of the client, with the forwarding headers of trusted proxies taken into account. */
  client(request: FastifyRequest): string;
  /** The path below which a trusted proxy serves this server, such as `/media`; empty if there is none. */
  prefix(request: FastifyRequest): string;
}

type Access = { granted: true } | { granted: false; hasToken: boolean; reason: string };

/** What the guard asks of access control. All answers come at once. */
export interface AccessControl {
  caller(request: IncomingMessage): { address: string };
  prefix(request: IncomingMessage): string;
  allowsAddress(request: IncomingMessage): boolean;
  check(request: IncomingMessage): Access;
  recordDenial(request: IncomingMessage, access: Access & { granted: false }): void;
}

const CHALLENGE = 'Bearer realm="datarhei-core"';

/** The guard that asks access control. Its hooks are synchronous, for they run before every answer. */
export function createGuard(auth: AccessControl): Guard {
  return {
    address: (request, _reply, done) => {
      if (auth.allowsAddress(request.raw)) done();
      else done(ApiError.plain(403));
    },
    token: (request, reply, done) => {
      const { raw } = request;
      if (!auth.allowsAddress(raw)) {
        done(ApiError.plain(403));
        return;
      }
      const access = auth.check(raw);
      if (access.granted) {
        done();
        return;
      }
      auth.recordDenial(raw, access);
      done(unauthorized(reply, access.hasToken));
    },
    isAuthorized: (request) => auth.check(request.raw).granted,
    client: (request) => auth.caller(request.raw).address,
    prefix: (request) => auth.prefix(request.raw),
  };
}

/** The answer to a request without a valid token (RFC 6750 §3). */
export function unauthorized(reply: FastifyReply, hasToken: boolean): ApiError {
  reply.header('www-authenticate', hasToken ? `${CHALLENGE}, error="invalid_token"` : CHALLENGE);
  return new ApiError(401, undefined, 'Missing or invalid JWT token');
}
