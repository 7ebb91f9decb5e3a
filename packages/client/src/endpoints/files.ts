import type { FileInfo, FilesystemInfo } from '../api.ts';
import type { Bytes } from '../body.ts';
import { MillraceError } from '../error.ts';
import type { CallOptions } from '../http.ts';
import { ignoreGone } from '../repeated.ts';
import type { Transport } from '../transport.ts';

/** Which files to list, and in what order. */
export interface FileQuery {
  /** Pattern that the names have to fit, such as `/live/*.ts`. */
  glob?: string | undefined;
  sort?: 'none' | 'name' | 'size' | 'lastmod' | undefined;
  order?: 'asc' | 'desc' | undefined;
}

export interface DownloadOptions extends CallOptions {
  /** Only these bytes: from the first on, up to and with the last. */
  range?: { first: number; last?: number } | undefined;
}

const BYTES = 'application/data';

/** The filesystems and their files. */
export class Files {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Lists the filesystems, such as `mem` and `disk`. */
  filesystems(options?: CallOptions): Promise<FilesystemInfo[]> {
    return this.#transport.call('GET /api/v3/fs', {}, options);
  }

  /** Lists files of a filesystem. */
  list(storage: string, query: FileQuery = {}, options?: CallOptions): Promise<FileInfo[]> {
    const input = { path: { storage }, query: { ...query } };
    return this.#transport.call('GET /api/v3/fs/{storage}', input, options);
  }

  /**
   * Opens a file. The body of what is returned is a stream: read it as it comes, or whole with `text()`, `json()` or `blob()`.
   * A connection that is lost amid the body makes reading fail with a MillraceError.
   *
   * @throws MillraceError: code `unsupported` if only a part is asked for and the server, a Core, has the whole file only.
   */
  async get(storage: string, filepath: string, options: DownloadOptions = {}): Promise<Response> {
    const { range, ...call } = options;
    const headers = range && { range: `bytes=${range.first}-${range.last ?? ''}` };
    const input = { path: { storage, filepath }, ...(headers && { headers }) };
    const route = 'GET /api/v3/fs/{storage}/{filepath*}';
    const response = await this.#transport.open(route, input, call);
    if (range !== undefined && response.status !== 206) {
      await response.body?.cancel();
      throw new MillraceError('unsupported', 'the server sends files only whole', { route });
    }
    return response;
  }

  /**
   * Stores a file, in place of what was there. A stream is sent as it comes; unlike other bytes it cannot be sent again if the
   * connection is lost, and few browsers can send one.
   */
  async put(storage: string, filepath: string, bytes: Bytes, options?: CallOptions): Promise<void> {
    const input = { path: { storage, filepath }, body: bytes, contentType: BYTES };
    await this.#transport.call('PUT /api/v3/fs/{storage}/{filepath*}', input, options);
  }

  /** Removes a file. */
  async remove(storage: string, filepath: string, options?: CallOptions): Promise<void> {
    const input = { path: { storage, filepath } };
    await ignoreGone(this.#transport.call('DELETE /api/v3/fs/{storage}/{filepath*}', input, options));
  }
}
