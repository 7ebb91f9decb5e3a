import type { FastifyReply, FastifyRequest } from 'fastify';

/** Which origins may read what lies below a path. */
export interface CorsPolicy {
  /** Start of the path, compared as text. */
  prefix: string;
  /** `*`, exact origins, or patterns such as `https://*.example.com`. */
  origins: readonly string[];
}

const METHODS = 'GET,HEAD,PUT,POST,DELETE,PATCH';
const REQUEST_HEADERS = 'Origin,Content-Length,Content-Type,Authorization';
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
  const allowed = origin === undefined ? undefined : allowedOrigin(policies, request.url, origin);
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
      reply.header('access-control-allow-headers', REQUEST_HEADERS);
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

function matchesOrigin(pattern: string, origin: string): boolean {
  if (!/[*?]/.test(pattern)) return pattern === origin;
  const source = pattern
    .replace(/[.+^${}()|[\]\\/]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`).test(origin);
}
