import type { FastifyRequest } from 'fastify';
import { ApiError } from './errors.ts';

/**
 * Reads a request's body whole.
 *
 * @param limit in bytes; a larger body is answered with 413, and no more than the limit is ever held.
 */
export async function readBody(request: FastifyRequest, limit: number): Promise<Buffer> {
  if (Number(request.headers['content-length'] ?? 0) > limit) throw ApiError.plain(413);
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request.raw as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > limit) throw ApiError.plain(413);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}
