import { posix } from 'node:path';
import { type SessionUri, encodePath, resolvePath, splitForSession, splitQuery, toBytes } from './hls-uri.ts';

/** Where a playlist is. */
export interface PlaylistPlace {
  /** Path of its URL, decoded. */
  path: string;
  /** The directory that is served at `/`; absolute paths below it, as FFmpeg writes them, become those of URLs. */
  directory?: string | undefined;
  /** The path below which a proxy serves this server; empty if there is none. */
  prefix?: string | undefined;
}

/** A place in the text of a playlist that is another for each viewer. */
interface Slot {
  /** `playlist` for one that is played for itself, `part` for what belongs to this one. */
  kind: 'playlist' | 'part';
  host: string | undefined;
  before: string;
  after: string;
  /** What stands there without a session. */
  plain: string;
}

/** For whom a playlist is written. */
export interface PlaylistViewer {
  /** The id of the session; empty if there is none yet. */
  id: string;
  /** The host of this server as the viewer calls it: no other learns an id. */
  host: string;
  /** Ids for the sessions that start with a playlist named in this one. */
  newId: () => string;
}

const SEGMENT = /\.(?:ts|m4s|mp4|m4a|m4v|aac|vtt)$/;
/** Tags with a `URI` attribute that leads to a part of this playlist (RFC 8216bis §4.4.4, §4.4.5). */
const PART_TAG = /^#EXT-X-(?:MAP|PART|PRELOAD-HINT|RENDITION-REPORT|KEY):/;
/** Tags with a `URI` attribute that leads to a playlist played beside the variants (RFC 8216bis §4.4.6). */
const RENDITION_TAG = /^#EXT-X-(?:MEDIA|I-FRAME-STREAM-INF):/;
const VARIANT_TAG = '#EXT-X-STREAM-INF:';
const ATTRIBUTE = /[:,]([A-Z0-9-]+)=(?:"([^"]*)"|[^",]*)/g;
/** Roughly what a slot takes in memory beside its text. */
const SLOT_BYTES = 150;

/** Whether a path is that of a playlist. */
export function isPlaylist(path: string): boolean {
  return path.endsWith('.m3u8');
}

/** Whether a path is that of media that playlists consist of. */
export function isSegment(path: string): boolean {
  return SEGMENT.test(path);
}

/**
 * A playlist, taken apart where the ids of sessions go. Its text holds bytes, one a character. Lines keep their order and
 * end with LF; everything else in them stays as it is.
 */
export class Playlist {
  /** Whether it names other playlists instead of segments. */
  readonly isMultivariant: boolean;
  /** Whether it holds paths of the machine. */
  readonly hasMachinePaths: boolean;
  /** Roughly what it takes in memory. */
  readonly memoryBytes: number;
  /** Whether everything in it is played by one and the same viewer. */
  readonly #isOneSession: boolean;
  /** The text around the slots: one more than those. */
  readonly #texts: readonly string[];
  readonly #slots: readonly Slot[];

  constructor(text: string, place: PlaylistPlace) {
    const writer = new TemplateWriter(place);
    for (const line of linesOf(text)) writer.add(line);
    const { texts, slots } = writer.finish();
    this.#texts = texts;
    this.#slots = slots;
    this.isMultivariant = writer.isMultivariant;
    this.hasMachinePaths = writer.hasMachinePaths;
    this.#isOneSession = writer.hasRenditions;
    this.memoryBytes = 3 * text.length + SLOT_BYTES * slots.length;
  }

  /** The text without any session. */
  plain(): string {
    return this.#write((slot) => slot.plain);
  }

  /** The text for one viewer. */
  for({ id, host, newId }: PlaylistViewer): string {
    // Renditions are played together with a variant: that is one viewer. Variants alone are told apart, as ever.
    const shared = this.#isOneSession ? newId() : undefined;
    return this.#write((slot) => {
      const session = slot.kind === 'part' ? id : (shared ?? newId());
      const isForeign = slot.host !== undefined && slot.host !== host;
      return isForeign || session === '' ? slot.plain : slot.before + session + slot.after;
    });
  }

  #write(fill: (slot: Slot) => string): string {
    let text = this.#texts[0] ?? '';
    for (const [index, slot] of this.#slots.entries()) text += fill(slot) + (this.#texts[index + 1] ?? '');
    return text;
  }
}

/**
 * The multivariant playlist that gives a viewer of a media playlist an id: it leads to the same playlist again.
 *
 * @param query that of the request.
 */
export function wrapperPlaylist(path: string, query: string, id: string): string {
  const { before, after } = splitQuery(query);
  const name = encodePath(toBytes(posix.basename(path)).replaceAll('%', '%25'));
  // The first segment of a relative path must not look like a scheme (RFC 3986 §4.2).
  const uri = `${name.includes(':') ? './' : ''}${name}?${before}${id}${after}`;
  return `#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-STREAM-INF:BANDWIDTH=1024\n${uri}`;
}

/** The paths of the media that a playlist on this server consists of, in its order. */
export function segmentPaths(text: string, path: string): string[] {
  const base = toBytes(path);
  return linesOf(text).flatMap((line) => {
    const reference = line.startsWith('#')
      ? PART_TAG.test(line)
        ? uriAttribute(line)?.uri
        : undefined
      : line;
    const uri = reference === undefined ? undefined : splitForSession(reference);
    if (uri === undefined || uri.host !== undefined || !isSegment(uri.path)) return [];
    return [Buffer.from(resolvePath(uri.path, base), 'latin1').toString()];
  });
}

function linesOf(text: string): string[] {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines.map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line));
}

/** The value of a tag's `URI` attribute and where it starts. */
function uriAttribute(line: string): { uri: string; start: number } | undefined {
  for (const match of line.matchAll(ATTRIBUTE)) {
    const [text, name, uri] = match;
    if (name === 'URI' && uri !== undefined)
      return { uri, start: match.index + text.length - 1 - uri.length };
  }
  return undefined;
}

/** Makes texts and slots of lines. */
class TemplateWriter {
  isMultivariant = false;
  hasRenditions = false;
  hasMachinePaths = false;
  readonly #path: string;
  readonly #directory: string | undefined;
  readonly #prefix: string;
  readonly #texts: string[] = [];
  readonly #slots: Slot[] = [];
  #text: string[] = [];

  constructor({ path, directory, prefix = '' }: PlaylistPlace) {
    this.#prefix = prefix;
    this.#path = posix.normalize(toBytes(path));
    this.#directory = directory === undefined ? undefined : `${toBytes(directory).replace(/\/+$/, '')}/`;
  }

  add(line: string): void {
    if (line.startsWith('#')) this.#addTag(line);
    else if (line !== '') this.#addUri(line);
    this.#text.push('\n');
  }

  finish(): { texts: string[]; slots: Slot[] } {
    this.#texts.push(this.#text.join(''));
    return { texts: this.#texts, slots: this.#slots };
  }

  #addTag(line: string): void {
    const isRendition = RENDITION_TAG.test(line);
    if (isRendition || line.startsWith(VARIANT_TAG)) this.isMultivariant = true;
    const attribute = isRendition || PART_TAG.test(line) ? uriAttribute(line) : undefined;
    if (attribute === undefined) {
      this.#text.push(line);
      return;
    }
    const { start } = attribute;
    const local = this.#toUrlPath(attribute.uri);
    const uri = splitForSession(local);
    this.#text.push(line.slice(0, start));
    if (uri === undefined || (isRendition && !isPlaylist(uri.path))) this.#text.push(local);
    else {
      if (isRendition) this.hasRenditions = true;
      this.#addSlot(isRendition ? 'playlist' : 'part', uri, local);
    }
    this.#text.push(line.slice(start + attribute.uri.length));
  }

  #addUri(line: string): void {
    const local = this.#toUrlPath(line);
    const uri = splitForSession(local);
    if (uri !== undefined && isPlaylist(uri.path)) {
      this.isMultivariant = true;
      const isItself = uri.host === undefined && resolvePath(uri.path, this.#path) === this.#path;
      const before = isItself ? `# m3u8 is referencing itself: ${uri.before}` : uri.before;
      this.#addSlot('playlist', { ...uri, before }, local);
    } else if (uri !== undefined && isSegment(uri.path)) {
      this.#addSlot('part', uri, local);
    } else {
      this.#text.push(local);
    }
  }

  #addSlot(kind: Slot['kind'], { host, before, after }: SessionUri, plain: string): void {
    this.#texts.push(this.#text.join(''));
    this.#text = [];
    this.#slots.push({ kind, host, before, after, plain });
  }

  #toUrlPath(uri: string): string {
    if (this.#directory === undefined || !uri.startsWith(this.#directory)) return uri;
    this.hasMachinePaths = true;
    return `${this.#prefix}/${uri.slice(this.#directory.length)}`;
  }
}
