import { posix } from 'node:path';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ApiError } from '../http/errors.ts';
import { Files } from '../http/files.ts';
import type { Routes } from '../http/server.ts';
import type { Filesystem } from '../storage/filesystem.ts';
import { CoreError } from '../util/errors.ts';
import type { MimeTypes } from './mime.ts';
import { sniffType } from './sniff.ts';

export interface DirectoryOptions {
  /** Where the directory is served, such as `/ui`; with or without `/*` behind it. */
  prefix: string;
  directory: Pick<Filesystem, 'open' | 'isDirectory'>;
  /** Types by extension. Of what is not among them, the content tells. */
  mime: MimeTypes;
}

/**
 * A directory of the machine, served with its `index.html` pages to anybody, but not to be written to. To be registered
 * behind all other routes: those that are there already stay as they are.
 */
export function directoryRoutes({ prefix, directory, mime }: DirectoryOptions): Routes {
  // A colon would begin a parameter.
  const base = posix
    .join('/', prefix.replace(/\/*\*?$/, ''))
    .replace(/^\/$/, '')
    .replaceAll(':', '::');
  return (app) => {
    // compat: the router of the reference takes an asterisk anywhere, to no use.
    if (base.includes('*') || app.hasRoute({ method: 'GET', url: `${base}/*` })) return;
    const files = new Files({
      filesystem: readOnly(directory),
      typeOf: (path) => mime.typeOf(path, ''),
      isCompressible: () => false,
    });
    const answer = async (request: FastifyRequest, reply: FastifyReply) => {
      const path = `/${(request.params as { '*': string })['*']}`;
      const file = (await directory.isDirectory(path)) ? posix.join(path, 'index.html') : path;
      try {
        const named = files.named(file);
        const type = named.type || (await sniffType(directory, file));
        return await files.send(request, reply, { ...named, type: withCharset(type) });
      } catch (error) {
        throw error instanceof ApiError && error.status === 404 ? ApiError.plain(404) : error;
      }
    };
    // compat: every method is answered like GET.
    app.all(`${base}/*`, answer);
    if (base !== '') {
      const method = app.supportedMethods.filter((name) => !app.hasRoute({ method: name, url: base }));
      app.route({ method, url: base, handler: redirectToSlash });
    }
  };
}

function redirectToSlash(request: FastifyRequest, reply: FastifyReply): void {
  void reply
    .code(301)
    .header('location', request.url.replace(/(?=\?|$)/, '/'))
    .send();
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
