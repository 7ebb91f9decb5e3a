import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { type IncomingHttpHeaders, type IncomingMessage, request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { Credentials } from '../../packages/server/src/delivery/basic-auth.ts';
import { type CacheOptions, ContentCache } from '../../packages/server/src/delivery/cache.ts';
import type { HlsSessions } from '../../packages/server/src/delivery/hls-viewers.ts';
import { parseMimeTypes } from '../../packages/server/src/delivery/mime.ts';
import { mountRoutes } from '../../packages/server/src/delivery/mount.ts';
import { directoryRoutes } from '../../packages/server/src/delivery/static.ts';
import type { Guard } from '../../packages/server/src/http/guard.ts';
import { Listener } from '../../packages/server/src/http/listener.ts';
import { fsRoutes } from '../../packages/server/src/http/routes/fs.ts';
import { HttpApp, pingRoutes } from '../../packages/server/src/http/server.ts';
import { Log } from '../../packages/server/src/log/logger.ts';
import { DiskFilesystem } from '../../packages/server/src/storage/disk.ts';
import { MemoryFilesystem } from '../../packages/server/src/storage/memory.ts';

export const MEMORY_USER: Credentials = { username: 'mem', password: 'secret' };
export const BASIC = `Basic ${Buffer.from('mem:secret').toString('base64')}`;

const MIME = parseMimeTypes(`
text/plain .txt
text/html .html .htm
text/css .css
application/json .json
application/vnd.apple.mpegurl .m3u8
video/MP2T .ts
video/mp4 .mp4
image/jpeg .jpg
image/png .png
`);

const everybody: Guard = {
  address: (_request, _reply, done) => {
    done();
  },
  token: (_request, _reply, done) => {
    done();
  },
  isAuthorized: () => true,
  client: (request) => request.ip,
  prefix: () => '',
};

/** What a server sent back. The body is as it came over the wire. */
export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
  text: string;
}

export interface Sent {
  headers?: Record<string, string>;
  body?: string | Buffer | Readable;
}

export interface FileServerOptions {
  maxBytes?: number;
  purge?: boolean;
  diskMaxBytes?: number;
  isReadOnly?: boolean;
  /** The disk's cache; none if left out. */
  cache?: CacheOptions;
  /** Viewers are counted, by their `X-Forwarded-For`, if this is given. */
  sessions?: HlsSessions;
}

/** The file routes alone, behind a real socket on loopback, with a disk folder of their own. */
export class FileServer {
  readonly memory: MemoryFilesystem;
  readonly disk: DiskFilesystem;
  readonly folder: string;
  readonly cache: ContentCache;
  readonly #app: HttpApp;
  readonly #listener: Listener;

  private constructor(folder: string, options: FileServerOptions) {
    const { maxBytes = 0, purge = false, diskMaxBytes = 0, isReadOnly = false } = options;
    this.folder = folder;
    this.memory = new MemoryFilesystem({ maxBytes, purge });
    this.disk = new DiskFilesystem({ dir: join(folder, 'disk'), maxBytes: diskMaxBytes });
    this.cache = new ContentCache(options.cache);
    const cache = this.cache.mount({ prefix: '/', trustMs: 0 });
    const log = new Log(process.stderr, { level: 'silent', topics: [], maxLines: 0 }).component('HTTP');
    const mime = MIME;
    const { sessions } = options;
    const hls = sessions && {
      sessions,
      client: ({ headers }: IncomingMessage) => String(headers['x-forwarded-for'] ?? '127.0.0.1'),
      prefix: ({ headers }: IncomingMessage) => String(headers['x-forwarded-prefix'] ?? ''),
    };
    this.#app = new HttpApp(
      {
        cors: [{ prefix: '/', origins: ['*'] }],
        redirects: { '/old': '/new//./place', '/out': 'https://example.com', '/memfs/moved': '/ping' },
      },
      {
        log,
        guard: everybody,
        open: [pingRoutes],
        v3: [
          fsRoutes({
            filesystems: [
              { filesystem: this.disk, mount: '/', index: 'index.html', onChange: cache.purge },
              { filesystem: this.memory, mount: '/memfs' },
            ],
            mime,
            isReadOnly,
          }),
        ],
        mounts: [
          mountRoutes({
            filesystem: this.memory,
            prefix: '/memfs',
            mime,
            defaultType: 'application/data',
            isWritable: true,
            auth: MEMORY_USER,
            hls,
          }),
          mountRoutes({
            filesystem: this.disk,
            prefix: '/',
            mime,
            defaultType: 'text/html',
            index: 'index.html',
            isWritable: false,
            cache,
            hls: hls && { ...hls, directory: this.disk.directory },
          }),
          ...['/ui', '/files:all/*', 'relative/*', '/memfs/*', '/*', '/api/*', '/a*b/*', '/ping/*'].map(
            (prefix) => directoryRoutes({ prefix, directory: this.disk, mime }),
          ),
        ],
      },
    );
    this.#listener = new Listener('127.0.0.1:0', this.#app, log);
  }

  static async start(options: FileServerOptions = {}): Promise<FileServer> {
    const folder = await realpath(await mkdtemp(join(tmpdir(), 'millrace-files-')));
    const server = new FileServer(folder, options);
    await server.disk.start();
    await server.#app.start();
    await server.#listener.start();
    return server;
  }

  get port(): number {
    return this.#listener.port;
  }

  async close(): Promise<void> {
    await this.#listener.close();
    await this.#app.close();
    await this.cache.close();
    await rm(this.folder, { recursive: true });
  }

  /** Sends the path as it is, without tidying it up, on a connection of its own. */
  send(method: string, path: string, { headers = {}, body }: Sent = {}): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const length =
        typeof body === 'string' || Buffer.isBuffer(body)
          ? { 'content-length': String(Buffer.byteLength(body)) }
          : {};
      const client = httpRequest(
        {
          host: '127.0.0.1',
          port: this.port,
          method,
          path,
          headers: { ...length, ...headers },
          agent: false,
        },
        (response) => {
          response.toArray().then((chunks: Buffer[]) => {
            const bytes = Buffer.concat(chunks);
            resolve({
              status: response.statusCode ?? 0,
              headers: response.headers,
              body: bytes,
              text: bytes.toString(),
            });
          }, reject);
        },
      );
      client.on('error', reject);
      if (body instanceof Readable) body.pipe(client);
      else client.end(body);
    });
  }

  get(path: string, headers: Record<string, string> = {}): Promise<Answer> {
    return this.send('GET', path, { headers });
  }

  /** Writes into the memory filesystem. */
  put(path: string, body: Sent['body'] = '', headers: Record<string, string> = {}): Promise<Answer> {
    return this.send('PUT', `/memfs${path}`, { body, headers: { authorization: BASIC, ...headers } });
  }
}
