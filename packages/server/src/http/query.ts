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

/**
 * compat: clients of the reference encode values twice, because it decodes them twice, the second time as form values.
 * What cannot be decoded again is meant as it is.
 */
export function decodeAgain(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return text;
  }
}

/** The path of a URL without its query, decoded; as it is if that is impossible. */
export function decodedPath(url: string): string {
  const [path = ''] = url.split('?', 1);
  if (!path.includes('%')) return path;
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
