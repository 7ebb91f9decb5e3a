import type { FileInfo as ApiFileInfo, FilesystemInfo } from '@millrace/api';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { FileInfo, Filesystem } from '../../storage/filesystem.ts';
import type { MaybePromise } from '../../util/maybe-promise.ts';
import { ApiError } from '../errors.ts';
import { Files } from '../files.ts';
import { sendJson } from '../json.ts';
import { valueOf } from '../query.ts';
import type { Routes } from '../server.ts';

/** A filesystem and the path at which its files are mounted. */
export interface MountedFilesystem {
  filesystem: Filesystem;
  mount: string;
  /** The file that stands for its directory. */
  index?: string | undefined;
  /** Told the full name of each file that was replaced or removed. */
  onChange?: ((name: string) => void) | undefined;
}

export interface FsOptions {
  /** In the order in which they are listed. */
  filesystems: readonly MountedFilesystem[];
  mime: { typeOf(path: string, fallback: string): string };
  isReadOnly: boolean;
}

interface Mounted {
  info: FilesystemInfo;
  filesystem: Filesystem;
  files: Files;
}

type Handler = (request: FastifyRequest, reply: FastifyReply, mounted: Mounted) => MaybePromise<FastifyReply>;

const DEFAULT_TYPE = 'application/data';

/** `/fs`: the filesystems, their lists of files, and the files themselves. */
export function fsRoutes({ filesystems, mime, isReadOnly }: FsOptions): Routes {
  return (app) => {
    const byName = new Map(
      filesystems.map(({ filesystem, mount, index, onChange }): [string, Mounted] => [
        filesystem.name,
        {
          info: { name: filesystem.name, type: filesystem.type, mount },
          filesystem,
          files: new Files({
            filesystem,
            index,
            onChange,
            typeOf: (path) => mime.typeOf(path, DEFAULT_TYPE),
            // compat: through the API, files of every type are compressed.
            isCompressible: () => true,
          }),
        },
      ]),
    );
    const on = (handler: Handler) => (request: FastifyRequest, reply: FastifyReply) => {
      const { name } = request.params as { name: string };
      if (name === '') throw ApiError.plain(404);
      const mounted = byName.get(name);
      if (mounted === undefined) throw new ApiError(404, 'File not found', [`unknown filesystem: ${name}`]);
      return handler(request, reply, mounted);
    };
    const read = on((request, reply, { files }) => files.send(request, reply, files.named(pathOf(request))));
    const write = on((request, reply, { files }) =>
      files.store(request, reply, files.named(pathOf(request))),
    );
    const remove = on((request, reply, { files }) => files.remove(request, reply, pathOf(request)));
    const url = '/fs/:name/*';

    app.get('/fs', (_request, reply) =>
      sendJson(
        reply,
        Array.from(byName.values(), ({ info }) => info),
      ),
    );
    app.get('/fs/:name', on(list));
    app.route({ method: ['GET', 'HEAD'], url, handler: read });
    if (!isReadOnly) {
      app.put(url, write);
      app.delete(url, remove);
    }
    app.route({
      method: isReadOnly ? ['PUT', 'DELETE', 'POST', 'PATCH'] : ['POST', 'PATCH'],
      url,
      handler: (_request, reply) => {
        reply.header('allow', isReadOnly ? 'OPTIONS, GET, HEAD' : 'OPTIONS, DELETE, GET, HEAD, PUT');
        throw ApiError.plain(405);
      },
    });
  };
}

async function list(
  request: FastifyRequest,
  reply: FastifyReply,
  { filesystem }: Mounted,
): Promise<FastifyReply> {
  const files = await filesystem.list({ glob: valueOf(request, 'glob') });
  return sendJson(reply, sorted(files, valueOf(request, 'sort'), valueOf(request, 'order')).map(toApi));
}

/** Sorts files that come oldest first. Whatever else is asked for means by time. */
function sorted(files: FileInfo[], by: string, order: string): FileInfo[] {
  switch (by) {
    case 'name':
      files.sort((a, b) => (a.name < b.name ? -1 : 1));
      break;
    case 'size':
      files.sort((a, b) => a.size - b.size);
      break;
    default:
      // compat: by time anything but `asc` descends, otherwise anything but `desc` ascends.
      return order === '' || order === 'asc' ? files : files.reverse();
  }
  return order === 'desc' ? files.reverse() : files;
}

function toApi({ name, size, modified }: FileInfo): ApiFileInfo {
  return { name, size_bytes: size, last_modified: Math.floor(modified / 1000) };
}

/** The path below the filesystem's root; the router has decoded it, once. */
function pathOf(request: FastifyRequest): string {
  return `/${(request.params as { '*': string })['*']}`;
}
