import type { FastifyRequest } from 'fastify';
import type { Static, TSchema } from 'typebox';
import { decodeJson } from '../util/decode.ts';
import { JsonError, parseJsonText } from '../util/json.ts';
import { ApiError } from './errors.ts';
import { readBody } from './body.ts';

/** How large a JSON body may be if the route does not say otherwise, in bytes. */
export const JSON_BODY_LIMIT = 1024 * 1024;

const HEADLINE = 'Invalid JSON';

/**
 * The JSON value of a request's body. Numbers that a double cannot hold keep their text, so that the value prints as it
 * was given.
 *
 * @param limit in bytes; a larger body is answered with 413.
 * @throws ApiError 400 for a request without content, without the content type of JSON, or with broken JSON.
 */
export async function readJson(request: FastifyRequest, limit = JSON_BODY_LIMIT): Promise<unknown> {
  const { headers } = request;
  const length =
    headers['transfer-encoding'] === undefined ? Number(headers['content-length'] ?? 0) : undefined;
  if (length === 0) throw new ApiError(400, HEADLINE, "request doesn't contain any content");
  if (headers['content-type']?.startsWith('application/json') !== true) {
    throw new ApiError(400, HEADLINE, "request doesn't contain JSON content");
  }
  return parseJson(await readBody(request, limit));
}

/** The JSON value of the bytes. Throws ApiError 400 with the place and the reason if they hold none. */
export function parseJson(bytes: Buffer): unknown {
  return orBadRequest(() => parseJsonText(bytes.toString()));
}

/**
 * Lays a parsed body over a base value, as `decodeJson` does: what the body does not name stays as it is in the base.
 * Throws ApiError 400 for a value of the wrong type.
 */
export function decode<T extends TSchema>(schema: T, value: unknown, base: Static<T>): Static<T> {
  return orBadRequest(() => decodeJson(schema, value, base));
}

function orBadRequest<T>(act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (error instanceof JsonError) throw new ApiError(400, HEADLINE, error);
    throw error;
  }
}
