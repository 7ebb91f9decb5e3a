import { constants, gzip } from 'node:zlib';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { MAX_BYTES_A_CHARACTER } from '../util/text.ts';

const MIN_BYTES = 1000;

/** Compresses the instance's text answers of 1000 bytes or more for clients that accept gzip. */
export function compressJson(app: FastifyInstance): void {
  app.addHook('onRequest', (_request, reply, done) => {
    addVary(reply, 'Accept-Encoding');
    done();
  });
  app.addHook('onSend', (request, reply, payload, done) => {
    const isWanted =
      typeof payload === 'string' &&
      payload.length >= MIN_BYTES / MAX_BYTES_A_CHARACTER &&
      acceptsGzip(request.headers['accept-encoding']) &&
      !reply.hasHeader('content-encoding');
    const bytes = isWanted ? Buffer.from(payload) : undefined;
    if (bytes === undefined || bytes.length < MIN_BYTES) {
      done(null, payload);
      return;
    }
    gzip(bytes, { level: constants.Z_BEST_SPEED }, (error, compressed) => {
      // Without memory for it, the answer is still good as it is.
      if (error) {
        done(null, payload);
        return;
      }
      reply.header('content-encoding', 'gzip').removeHeader('content-length');
      done(null, compressed);
    });
  });
}

/** Whether an `Accept-Encoding` header allows gzip (RFC 9110 §12.5.3): named, or by `*`, and not with `q=0`. */
export function acceptsGzip(header: string | string[] | undefined): boolean {
  if (header === undefined) return false;
  let any = false;
  for (const part of String(header).split(',')) {
    const [coding = '', ...parameters] = part.split(';').map((text) => text.trim().toLowerCase());
    const isRefused = parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter));
    if (coding === 'gzip' || coding === 'x-gzip') return !isRefused;
    if (coding === '*') any = !isRefused;
  }
  return any;
}

/** Adds a field to the `Vary` header, as a header line of its own. */
export function addVary(reply: FastifyReply, field: string): void {
  const current = (reply.getHeader('vary') ?? []) as string | string[];
  const isThere = typeof current === 'string' ? current === field : current.includes(field);
  if (!isThere)
    void reply.header('vary', typeof current === 'string' ? [current, field] : [...current, field]);
}
