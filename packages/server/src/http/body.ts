import type { FastifyRequest } from 'fastify';
import { receive } from '../storage/receive.ts';
import { ApiError } from './errors.ts';

/** How long a body may take to come, in milliseconds. */
const BODY_TIMEOUT_MS = 60_000;

/**
 * Reads a request's body whole. It answers 413 to a body larger than the limit, of which no more than that is ever held,
 * 408 to one that has not come in time, and 400 to one that breaks off.
 *
 * @param limit in bytes.
 * @param timeout in milliseconds.
 */
export async function readBody(
  request: FastifyRequest,
  limit: number,
  timeout = BODY_TIMEOUT_MS,
): Promise<Buffer> {
  if (Number(request.headers['content-length'] ?? 0) > limit) throw ApiError.plain(413);
  const chunks: Buffer[] = [];
  let size = 0;
  const received = receive(request.raw, (chunk) => {
    size += chunk.length;
    if (size > limit) throw ApiError.plain(413);
    chunks.push(chunk);
  });
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(ApiError.plain(408));
    }, timeout);
  });
  try {
    await Promise.race([received, late]);
  } catch (error) {
    // Otherwise the connection is gone, and with it whoever could read the answer.
    throw error instanceof ApiError ? error : new ApiError(400, undefined, 'the body did not come whole');
  } finally {
    clearTimeout(timer);
  }
  return Buffer.concat(chunks, size);
}
