import { posix } from 'node:path';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Guard } from './guard.ts';
import { decodedPath } from './query.ts';

/** Permanent redirects from exact paths, decoded, to others. Those that do not lead to a path of this server have no effect. */
export class Redirects {
  readonly #targets: ReadonlyMap<string, string>;

  constructor(targets: Readonly<Record<string, string>>) {
    const local = Object.entries(targets)
      .map(([path, target]): [string, string] => [path, posix.normalize(target)])
      .filter(([, target]) => target.startsWith('/'));
    this.#targets = new Map(local);
  }

  /** Answers a request for one of the paths, whatever its method, without its query. Returns whether it did. */
  answer(request: FastifyRequest, reply: FastifyReply): boolean {
    const target = this.#targets.size === 0 ? undefined : this.#targets.get(decodedPath(request.url));
    if (target === undefined) return false;
    void reply.code(301).header('location', target).send();
    return true;
  }
}

/** Puts the path below which a trusted proxy serves this server in front of the paths that answers lead to. */
export function prefixLocations(app: FastifyInstance, guard: Guard): void {
  app.addHook('onSend', (request, reply, payload, done) => {
    if (request.headers['x-forwarded-prefix'] !== undefined) {
      const prefix = guard.prefix(request);
      for (const name of ['location', 'content-location']) {
        const value = reply.getHeader(name);
        if (typeof value === 'string' && value.startsWith('/')) reply.header(name, prefix + value);
      }
    }
    done(null, payload);
  });
}
