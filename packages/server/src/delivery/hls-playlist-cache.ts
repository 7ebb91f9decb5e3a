import { LRUCache } from 'lru-cache';
import type { FileInfo, OpenFile } from '../storage/filesystem.ts';
import { Playlist, type PlaylistPlace } from './hls-playlist.ts';

/** Larger playlists are not rewritten. That of a day in segments of 2 seconds has half of it. */
export const MAX_PLAYLIST_BYTES = 4 * 1024 * 1024;
const CACHE_BYTES = 16 * 1024 * 1024;
/** What an entry takes beside its playlist. */
const ENTRY_BYTES = 500;

/** Whose playlist is taken apart, and what was read for it. */
interface Reading {
  file: OpenFile;
  place: PlaylistPlace;
  bytes?: Buffer;
}

/** Takes playlists apart, once for each version of a file. */
export class PlaylistCache {
  readonly #cache = new LRUCache<string, Playlist, Reading>({
    maxSize: CACHE_BYTES,
    sizeCalculation: ({ memoryBytes }, key) => memoryBytes + key.length + ENTRY_BYTES,
    fetchMethod: (_key, _stale, { context }) => this.#parse(context),
  });

  /** The playlist that a file holds, and a file with the same content that has not been read. */
  async read(file: OpenFile, place: PlaylistPlace): Promise<{ playlist: Playlist; file: OpenFile }> {
    // Without a machine's paths in it, the prefix makes no difference.
    const key = [file.version, place.path, place.directory === undefined ? '' : place.prefix].join(' ');
    const known = this.#cache.get(key);
    if (known !== undefined) return { playlist: known, file };
    const context: Reading = { file, place };
    const playlist = (await this.#cache.fetch(key, { context })) ?? (await this.#parse(context));
    const { bytes } = context;
    return { playlist, file: bytes === undefined ? file : new ReadFile(file, bytes) };
  }

  async #parse(reading: Reading): Promise<Playlist> {
    const { file, place } = reading;
    if (reading.bytes === undefined) {
      const content = file.read(0, file.info.size);
      reading.bytes = Buffer.isBuffer(content) ? content : Buffer.concat(await content.toArray());
    }
    return new Playlist(reading.bytes.toString('latin1'), place);
  }
}

/** A file whose bytes have been read. */
class ReadFile implements OpenFile {
  readonly info: FileInfo;
  readonly version: string;
  readonly #bytes: Buffer;

  constructor({ info, version }: OpenFile, bytes: Buffer) {
    this.info = info;
    this.version = version;
    this.#bytes = bytes;
  }

  read(start: number, end: number): Buffer {
    return this.#bytes.subarray(start, end);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
