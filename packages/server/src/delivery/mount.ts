import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { ApiError } from '../http/errors.ts';
import { addVary } from '../http/compress.ts';
import { type FileCache, Files, type NamedFile } from '../http/files.ts';
import type { Routes } from '../http/server.ts';
import type { Filesystem } from '../storage/filesystem.ts';
import { normalizePath } from '../storage/path.ts';
import { type Credentials, requireBasicAuth } from './basic-auth.ts';
import { HlsIngest } from './hls-ingest.ts';
import { type HlsOptions, HlsViewers } from './hls-viewers.ts';
import type { MimeTypes } from './mime.ts';

export interface MountOptions {
  filesystem: Pick<Filesystem, 'open' | 'isDirectory' | 'write' | 'remove'>;
  /** Where it is mounted, such as `/memfs`; `/` for the root. */
  prefix: string;
  mime: MimeTypes;
  /** The type of files whose extension is unknown. */
  defaultType: string;
  /** The file that stands for its directory. */
  index?: string | undefined;
  /** Whether files can be written and removed. */
  isWritable: boolean;
  /** Who may do so; anybody if left out. */
  auth?: Credentials | undefined;
  /** What the files are read through, if not directly. */
  cache?: FileCache | undefined;
  /** How viewers and senders of HLS are told apart and counted; nobody is if left out. */
  hls?: HlsOptions | undefined;
}

/** Media types whose files are compressed. Segments and pictures are compressed already. */
const COMPRESSIBLE =
  /text\/(?:plain|html|javascript)|application\/(?:json|x-mpegurl|vnd\.apple\.mpegurl)|image\/svg\+xml/;

/** A filesystem's files below a path: read by anybody, written with basic authentication. */
export function mountRoutes(options: MountOptions): Routes {
  const { filesystem, prefix, mime, defaultType, index, isWritable, auth, cache, hls } = options;
  const root = prefix.replace(/\/+$/, '');
  const url = `${root}/*`;
  return (app) => {
    const files = new Files({
      filesystem,
      index,
      typeOf: (path) => mime.typeOf(path, defaultType),
      isCompressible: (type) => COMPRESSIBLE.test(type),
      cache,
      onChange: cache?.purge,
    });
    if (cache !== undefined) explainSkips(app, cache);
    const viewers = hls && new HlsViewers(hls);
    const urlPathOf = ({ path }: NamedFile) => normalizePath(`${root}${path}`);
    app.decorateRequest(NAMED);
    app.addHook('onRequest', (request, reply, done) => {
      const named = files.named(pathOf(request));
      request.setDecorator(NAMED, named);
      // Also of an answer that is no file, or is not compressed.
      if (named.isCompressible) addVary(reply, 'Accept-Encoding');
      done();
    });
    app.route({
      method: ['GET', 'HEAD'],
      url,
      onSend: viewers?.meter ?? [],
      handler: (request, reply) => {
        const named = namedBy(request);
        return files.send(request, reply, named, viewers?.receive(request, urlPathOf(named)));
      },
    });
    app.route({
      method: isWritable ? ['PATCH'] : ['PATCH', 'PUT', 'POST', 'DELETE'],
      url,
      // Before a body is asked for.
      onRequest: (_request, _reply, done) => {
        done(ApiError.plain(404));
      },
      handler: () => undefined,
    });
    if (!isWritable) return;

    const ingest = hls && new HlsIngest(hls.sessions);
    const onRequest = auth === undefined ? [] : [requireBasicAuth(auth)];
    app.route({
      method: ['PUT', 'POST'],
      url,
      onRequest,
      onSend: ingest?.meter ?? [],
      handler: (request, reply) => {
        const named = namedBy(request);
        ingest?.receive(request, urlPathOf(named));
        return files.store(request, reply, named);
      },
    });
    app.delete(url, { onRequest }, (request, reply) => files.remove(request, reply, pathOf(request)));
  };
}

/** Says of every answer that is no file why it does not come from the cache. */
function explainSkips(app: FastifyInstance, cache: FileCache): void {
  const explain = (request: FastifyRequest, reply: FastifyReply) => {
    const reason = cache.skipReason(request.method, pathOf(request));
    if (reason !== undefined) reply.header('x-cache', reason);
  };
  app.addHook('onRequest', (request, reply, done) => {
    explain(request, reply);
    done();
  });
  app.addHook('onError', (request, reply, _error, done) => {
    explain(request, reply);
    // What was found out for the file does not hold for the error.
    reply.removeHeader('cache-control');
    done();
  });
}

const NAMED = 'namedFile';

/** What a request is for, which was found out when it came in. */
function namedBy(request: FastifyRequest): NamedFile {
  return request.getDecorator<NamedFile>(NAMED);
}

/** The path below the mount; the router has decoded it, once. */
function pathOf(request: FastifyRequest): string {
  return `/${(request.params as { '*': string })['*']}`;
}
