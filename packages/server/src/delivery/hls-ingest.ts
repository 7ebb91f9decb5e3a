import { LRUCache } from 'lru-cache';
import type { FastifyRequest, onSendHookHandler } from 'fastify';
import { MAX_PLAYLIST_BYTES } from './hls-playlist-cache.ts';
import { isPlaylist, isSegment, segmentPaths } from './hls-playlist.ts';
import { type HlsCollector, type HlsSessions, referenceOf } from './hls-viewers.ts';
import { meterStream, requestHeaderBytes } from '../http/metering.ts';

/** A segment that was uploaded, or still is, and that no playlist has named yet. */
interface Segment {
  /** Bytes that belong to no session yet. */
  bytes: number;
  isArriving: boolean;
  /** The session it turned out to belong to. */
  session?: string;
}

/** For how long, and how much of, segments are remembered that no playlist names. */
const SEGMENT_TTL_MS = 10 * 60_000;
const SEGMENTS_BYTES = 2 * 1024 * 1024;
const SEGMENT_BYTES = 200;
/** Sessions with longer ids are not kept. */
const MAX_ID_LENGTH = 512;

/** What is uploaded as HLS to one mount. Segments count for the session of the playlist that names them. */
export class HlsIngest {
  readonly #sessions: HlsSessions;
  readonly #segments = new LRUCache<string, Segment>({
    maxSize: SEGMENTS_BYTES,
    sizeCalculation: (_segment, path) => path.length + SEGMENT_BYTES,
    ttl: SEGMENT_TTL_MS,
  });
  /** What to do when the upload of a request has been answered. */
  readonly #uploads = new WeakMap<FastifyRequest, (isStored: boolean) => void>();

  constructor(sessions: HlsSessions) {
    this.#sessions = sessions;
  }

  /**
   * Receives an upload, before its body is read.
   *
   * @param path of the URL, decoded and clean.
   */
  receive(request: FastifyRequest, path: string): void {
    const collector = this.#sessions.collector('hlsingress');
    if (collector === undefined || path.length > MAX_ID_LENGTH) return;
    if (isSegment(path)) this.#receiveSegment(request, path, collector);
    else if (isPlaylist(path)) this.#receivePlaylist(request, path, collector);
  }

  /** A hook that counts uploads that were received. */
  readonly meter: onSendHookHandler = (request, reply, payload, done) => {
    this.#uploads.get(request)?.(reply.statusCode < 400);
    done(null, payload);
  };

  #receiveSegment(request: FastifyRequest, path: string, collector: HlsCollector): void {
    const segment: Segment = { bytes: requestHeaderBytes(request.headers), isArriving: true };
    this.#segments.set(path, segment);
    meterStream(request.raw, (bytes) => {
      if (segment.session === undefined) segment.bytes += bytes;
      else collector.ingress(segment.session, bytes);
    });
    this.#uploads.set(request, (isStored) => {
      segment.isArriving = false;
      const isNeeded = isStored && segment.session === undefined;
      if (!isNeeded && this.#segments.peek(path) === segment) this.#segments.delete(path);
    });
  }

  #receivePlaylist(request: FastifyRequest, path: string, collector: HlsCollector): void {
    const chunks: Buffer[] = [];
    let size = 0;
    meterStream(request.raw, (bytes, chunk) => {
      size += bytes;
      if (size <= MAX_PLAYLIST_BYTES) chunks.push(chunk);
    });
    this.#uploads.set(request, (isStored) => {
      if (!isStored || size === 0) return;
      collector.register(path, {
        reference: referenceOf(path),
        location: path,
        peer: '',
        extra: request.headers['user-agent'] ?? '',
      });
      collector.activate(path);
      collector.ingress(path, requestHeaderBytes(request.headers) + size);
      if (size > MAX_PLAYLIST_BYTES) return;
      this.#claim(segmentPaths(Buffer.concat(chunks).toString('latin1'), path), path, collector);
    });
  }

  /** Counts segments for the session of the playlist that names them, each once. */
  #claim(paths: readonly string[], session: string, collector: HlsCollector): void {
    for (const path of paths) {
      const segment = this.#segments.get(path);
      if (segment === undefined) continue;
      collector.ingress(session, segment.bytes);
      segment.bytes = 0;
      if (segment.isArriving) segment.session = session;
      else this.#segments.delete(path);
    }
  }
}
