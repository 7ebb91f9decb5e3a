import type { FastifyRequest } from 'fastify';

/** The first value of a query parameter; empty if there is none. */
export function valueOf(request: FastifyRequest, name: string): string {
  const value = (request.query as Record<string, string | string[] | undefined>)[name];
  return (Array.isArray(value) ? value[0] : value) ?? '';
}

/** The entries of a query parameter that is a comma-separated list. */
export function listOf(request: FastifyRequest, name: string): string[] {
  return valueOf(request, name)
    .split(',')
    .filter((entry) => entry !== '');
}
