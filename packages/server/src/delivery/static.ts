import { posix } from 'node:path';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ApiError } from '../http/errors.ts';
import { Files } from '../http/files.ts';
import type { Routes } from '../http/server.ts';
import type { Filesystem } from '../storage/filesystem.ts';
import { CoreError } from '../util/errors.ts';
import type { MimeTypes } from './mime.ts';

export interface DirectoryOptions {
  /** Where the directory is served, such as `/ui`; with or without `/*` behind it. */
  prefix: string;
  directory: Pick<Filesystem, 'open' | 'isDirectory'>;
  mime: MimeTypes;
}

/** A directory of the machine, served with its `index.html` pages to anybody, but not to be written to. */
export function directoryRoutes({ prefix, directory, mime }: DirectoryOptions): Routes {
  const base = prefix.replace(/\/*\*?$/, '');
  return (app) => {
    const files = new Files({
      filesystem: readOnly(directory),
      typeOf: (path) => withCharset(mime.typeOf(path, 'application/octet-stream')),
      isCompressible: () => false,
    });
    const answer = async (request: FastifyRequest, reply: FastifyReply) => {
      const path = `/${(request.params as { '*': string })['*']}`;
      const file = (await directory.isDirectory(path)) ? posix.join(path, 'index.html') : path;
      try {
        return await files.send(request, reply, file);
      } catch (error) {
        throw error instanceof ApiError && error.status === 404 ? ApiError.plain(404) : error;
      }
    };
    // compat: every method is answered like GET.
    app.all(`${base}/*`, answer);
    if (base !== '') {
      app.all(base, (request, reply) => redirect(reply, `${base}/${queryOf(request)}`));
    }
  };
}

/**
 * Permanent redirects from exact paths to others, for every method, without the query.
 *
 * @param targets what does not lead to a path of this server is ignored.
 */
export function redirectRoutes(targets: Readonly<Record<string, string>>): Routes {
  return (app) => {
    for (const [path, target] of Object.entries(targets)) {
      const location = posix.normalize(target);
      if (!location.startsWith('/')) continue;
      app.all(path, (_request, reply) => redirect(reply, location));
    }
  };
}

function redirect(reply: FastifyReply, location: string): FastifyReply {
  return reply.code(301).header('location', location).send();
}

function queryOf(request: FastifyRequest): string {
  const mark = request.originalUrl.indexOf('?');
  return mark === -1 ? '' : request.originalUrl.slice(mark);
}

function withCharset(type: string): string {
  return type.startsWith('text/') ? `${type}; charset=utf-8` : type;
}

function readOnly(directory: DirectoryOptions['directory']) {
  const refuse = () => Promise.reject(new CoreError('forbidden', 'permission denied'));
  return {
    open: (path: string) => directory.open(path),
    isDirectory: (path: string) => directory.isDirectory(path),
    write: refuse,
    remove: refuse,
  };
}
