import { posix } from 'node:path';
import type { IncomingMessage } from 'node:http';
import type { FastifyRequest, onSendHookHandler } from 'fastify';
import { ApiError } from '../http/errors.ts';
import type { Rewrite } from '../http/files.ts';
import type { Collector } from '../sessions/collector.ts';
import type { OpenFile } from '../storage/filesystem.ts';
import { networkOf } from '../util/address.ts';
import { MAX_PLAYLIST_BYTES, PlaylistCache } from './hls-playlist-cache.ts';
import { type Playlist, isPlaylist, isSegment, wrapperPlaylist } from './hls-playlist.ts';
import { isSessionId, newSessionId } from './hls-session-id.ts';
import { normalizeHost } from './hls-uri.ts';
import { answerHeaderBytes, meterBody } from '../http/metering.ts';

/** What is asked of the sessions of one protocol. */
export type HlsCollector = Pick<
  Collector,
  'isCountable' | 'has' | 'register' | 'activate' | 'ingress' | 'egress' | 'topIngress'
>;

/** What is asked of all sessions. */
export interface HlsSessions {
  /** Undefined while sessions are off. */
  collector(name: 'hls' | 'hlsingress'): HlsCollector | undefined;
  /** Why no viewer of that bitrate, in bit/s, can be admitted; undefined if one can. */
  refusal(expectedBitrate: number, client: string): 'sessions' | 'bitrate' | undefined;
}

export interface HlsOptions {
  sessions: HlsSessions;
  /** The address that the client of a request is counted by. */
  client(request: IncomingMessage): string;
  /** The path below which a proxy serves this server to that client; empty if there is none. */
  prefix(request: IncomingMessage): string;
  /** The directory of the machine that is served at `/`, if that is what is mounted. */
  directory?: string | undefined;
}

const REFUSALS = { sessions: 'Number of sessions exceeded', bitrate: 'Bitrate limit exceeded' } as const;
/** A viewer takes at most as much as this times what is sent to us for it. */
const HEADROOM = 2;

/** A request that belongs to a session. */
interface Visit {
  collector: HlsCollector;
  id: string;
  isSegment: boolean;
}

/** Who asks for a playlist, if it matters. */
interface Viewer {
  collector: HlsCollector;
  address: string;
  /** Empty if the viewer has none yet. */
  id: string;
}

/**
 * The viewers of HLS on one mount. A playlist gives each viewer an id, which the requests for what it names carry: so
 * those are known to belong together.
 */
export class HlsViewers {
  readonly #options: HlsOptions;
  readonly #playlists = new PlaylistCache();
  readonly #visits = new WeakMap<FastifyRequest, Visit>();

  constructor(options: HlsOptions) {
    this.#options = options;
  }

  /**
   * Receives a request for a file; how the file is rewritten for the viewer, if it is.
   *
   * @param path of the URL, decoded and clean.
   * @throws ApiError 509 if there is no room for another viewer, 403 for an id that is none.
   */
  receive(request: FastifyRequest, path: string): Rewrite | undefined {
    if (isSegment(path)) this.#receiveSegment(request);
    if (!isPlaylist(path)) return undefined;
    const viewer = this.#admit(request, path);
    if (viewer === undefined && this.#options.directory === undefined) return undefined;
    return (file) => this.#rewrite(request, path, file, viewer);
  }

  /** A hook that counts what is sent to those who were received. */
  readonly meter: onSendHookHandler = (request, reply, payload, done) => {
    const visit = this.#visits.get(request);
    if (visit === undefined) {
      done(null, payload);
      return;
    }
    const { collector, id } = visit;
    if (visit.isSegment && reply.statusCode < 400) collector.activate(id);
    collector.egress(id, answerHeaderBytes(reply.getHeaders()));
    const body = meterBody(payload, (bytes) => {
      collector.egress(id, bytes);
    });
    done(null, body);
  };

  #receiveSegment(request: FastifyRequest): void {
    const collector = this.#options.sessions.collector('hls');
    const id = sessionOf(request);
    if (collector?.has(id) !== true || !collector.isCountable(this.#options.client(request.raw))) return;
    this.#visits.set(request, { collector, id, isSegment: true });
  }

  #admit(request: FastifyRequest, path: string): Viewer | undefined {
    const collector = this.#options.sessions.collector('hls');
    const address = this.#options.client(request.raw);
    if (collector?.isCountable(address) !== true) return undefined;
    const id = sessionOf(request);
    if (!collector.has(id)) {
      const reason = this.#options.sessions.refusal(this.#expectedBitrate(path), address);
      // compat: the headline is spelled like this.
      if (reason !== undefined) throw new ApiError(509, 'Bandwith limit exceeded', REFUSALS[reason]);
      if (id !== '' && !isSessionId(id)) throw ApiError.plain(403);
    }
    return { collector, address, id };
  }

  async #rewrite(
    request: FastifyRequest,
    path: string,
    file: OpenFile,
    viewer: Viewer | undefined,
  ): Promise<Buffer | OpenFile> {
    if (file.info.size > MAX_PLAYLIST_BYTES) return file;
    const { playlist, file: unread } = await this.#playlists.read(file, {
      path,
      directory: this.#options.directory,
      prefix: this.#options.prefix(request.raw),
    });
    if (viewer === undefined && !playlist.hasMachinePaths) return unread;
    await unread.close();
    return Buffer.from(this.#write(request, path, playlist, viewer), 'latin1');
  }

  /** The text of a playlist as the viewer gets it. */
  #write(request: FastifyRequest, path: string, playlist: Playlist, viewer: Viewer | undefined): string {
    if (viewer === undefined) return playlist.plain();
    const { id } = viewer;
    if (id !== '') this.#open(request, path, viewer);
    if (id === '' && !playlist.isMultivariant) {
      const query = request.originalUrl.split('?').slice(1).join('?');
      const wrapper = wrapperPlaylist(path, query, newSessionId());
      // compat: only from disk, every line ends with a line break.
      return this.#options.directory === undefined ? wrapper : `${wrapper}\n`;
    }
    return playlist.for({ id, host: normalizeHost(request.host), newId: newSessionId });
  }

  /** Opens the session of a viewer that has an id, unless it is open, and counts the request for it. */
  #open(request: FastifyRequest, path: string, { collector, address, id }: Viewer): void {
    const { referer = '', 'user-agent': userAgent = '' } = request.headers;
    if (!collector.has(id)) {
      collector.register(id, {
        reference: referenceOf(path),
        location: path,
        peer: hostOf(referer),
        extra: `[${networkOf(address)}] ${userAgent}`,
        client: address,
        expectedBitrate: this.#expectedBitrate(path),
      });
    }
    this.#visits.set(request, { collector, id, isSegment: false });
  }

  #expectedBitrate(path: string): number {
    return HEADROOM * (this.#options.sessions.collector('hlsingress')?.topIngress(path) ?? 0);
  }
}

/** What a playlist is known by: its name without the extension. */
export function referenceOf(path: string): string {
  return posix.basename(path, posix.extname(path));
}

/** The id that a request carries; empty if it carries none. */
function sessionOf(request: FastifyRequest): string {
  const { session = '' } = request.query as NodeJS.Dict<string | string[]>;
  return typeof session === 'string' ? session : (session[0] ?? '');
}

/** The host that a URL names, empty if it names none; what is no URL as it is. */
function hostOf(referer: string): string {
  if (!URL.canParse(referer, 'http://localhost')) return referer;
  return /^(?:[a-z][a-z0-9+.-]*:)?\/\/(?:[^/?#@]*@)?([^/?#]*)/i.exec(referer)?.[1] ?? '';
}
