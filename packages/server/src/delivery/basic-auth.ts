import { createHash, timingSafeEqual } from 'node:crypto';
import type { onRequestHookHandler } from 'fastify';
import { ApiError } from '../http/errors.ts';

export interface Credentials {
  username: string;
  password: string;
}

/** RFC 4648 §4, padding included. */
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/**
 * Lets pass who gives the credentials by HTTP basic authentication (RFC 7617). The others get 401, or 400 for what
 * is no base64, before their body is asked for. Takes the same time for every wrong guess.
 */
export function requireBasicAuth({ username, password }: Credentials): onRequestHookHandler {
  const expected = digest(`${username}:${password}`);
  return (request, reply, done) => {
    const [, encoded] = /^basic +(.*)$/i.exec(request.headers.authorization ?? '') ?? [];
    if (encoded !== undefined && !BASE64.test(encoded)) {
      done(ApiError.plain(400));
      return;
    }
    // Digests have one length, whatever was guessed.
    if (encoded !== undefined && timingSafeEqual(digest(Buffer.from(encoded, 'base64')), expected)) {
      done();
      return;
    }
    reply.header('www-authenticate', 'basic realm=Restricted');
    done(ApiError.plain(401));
  };
}

function digest(data: string | Buffer): Buffer {
  return createHash('sha256').update(data).digest();
}
