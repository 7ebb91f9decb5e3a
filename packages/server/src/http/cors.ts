import type { FastifyReply, FastifyRequest } from 'fastify';
import { decodedPath } from './query.ts';

/** Which origins may read what lies below a path. */
export interface CorsPolicy {
  /** Start of the path, decoded, compared as text. */
  prefix: string;
  /** `*`, exact origins, or patterns such as `https://*.example.com`. */
  origins: readonly string[];
}

const METHODS = 'GET,HEAD,PUT,POST,DELETE,PATCH';
const REQUEST_HEADERS = 'Origin,Content-Length,Content-Type,Authorization';
/** Allowed where they are asked for; the reference does not know them. */
const OWN_REQUEST_HEADERS = ['Last-Event-ID', 'If-Match'];
const MAX_AGE_SECONDS = '86400';

/**
 * Adds the CORS headers and answers every `OPTIONS` request itself.
 *
 * @returns whether the request has been answered.
 */
export function answerCors(
  policies: readonly CorsPolicy[],
  request: FastifyRequest,
  reply: FastifyReply,
): boolean {
  const { origin } = request.headers;
  const allowed =
    origin === undefined ? undefined : allowedOrigin(policies, decodedPath(request.url), origin);
  const isPreflight = request.method === 'OPTIONS';

  reply.header(
    'vary',
    isPreflight && allowed !== undefined
      ? ['Origin', 'Access-Control-Request-Method', 'Access-Control-Request-Headers']
      : 'Origin',
  );
  if (allowed !== undefined) {
    reply.header('access-control-allow-origin', allowed);
    reply.header('access-control-allow-credentials', 'true');
    if (isPreflight) {
      reply.header('access-control-allow-methods', METHODS);
      const asked = (request.headers['access-control-request-headers'] ?? '').toLowerCase();
      const own = OWN_REQUEST_HEADERS.filter((name) => asked.includes(name.toLowerCase()));
      reply.header('access-control-allow-headers', [REQUEST_HEADERS, ...own].join(','));
      reply.header('access-control-max-age', MAX_AGE_SECONDS);
    } else {
      reply.header('access-control-expose-headers', 'Content-Length');
    }
  }
  if (isPreflight) void reply.code(204).send();
  return isPreflight;
}

/** The policy with the longest matching prefix decides. */
function allowedOrigin(policies: readonly CorsPolicy[], path: string, origin: string): string | undefined {
  let policy: CorsPolicy | undefined;
  for (const candidate of policies) {
    if (path.startsWith(candidate.prefix) && candidate.prefix.length >= (policy?.prefix.length ?? 0)) {
      policy = candidate;
    }
  }
  if (policy === undefined) return undefined;
  if (policy.origins.length === 0 || policy.origins.includes('*')) return '*';
  return policy.origins.some((pattern) => matchesOrigin(pattern, origin)) ? origin : undefined;
}

/** `*` stands for any text, `?` for one character. Anybody may ask, so no star is ever tried again for an earlier one. */
function matchesOrigin(pattern: string, origin: string): boolean {
  let at = 0;
  let star = -1;
  let taken = 0;
  for (let i = 0; i < origin.length;) {
    if (pattern[at] === '*') {
      star = at;
      taken = i;
      at += 1;
    } else if (pattern[at] === '?' || pattern[at] === origin[i]) {
      at += 1;
      i += 1;
    } else if (star >= 0) {
      taken += 1;
      i = taken;
      at = star + 1;
    } else {
      return false;
    }
  }
  return /^\**$/.test(pattern.slice(at));
}
