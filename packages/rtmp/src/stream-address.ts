/** The longest path, in bytes. */
const MAX_PATH_BYTES = 1024;
/** The longest query that is looked at, in characters. */
const MAX_QUERY_LENGTH = 4096;

/** What the peer called the stream. Nothing of it is checked, and it may hold secrets. */
export interface StreamName {
  /** `app` of `connect`. */
  app: string;
  /** The name in `publish` or `play`. */
  name: string;
  /** `tcUrl` of `connect`; many clients send none, or nonsense. */
  tcUrl?: string;
}

/** What a stream is found by. */
export interface StreamAddress {
  /** `/live/name`: percent-decoded, without empty, `.` and `..` segments; `/` if nothing is left. */
  path: string;
  /** What stood between the slashes, decoded one by one: a segment may have a slash of its own that `path` cuts at. */
  segments: readonly string[];
  /** Parameters of the name's query, or else of the app's, or else of the URL's. */
  query: URLSearchParams;
}

/**
 * Joins app and name to a path.
 *
 * Undefined if it is malformed: a broken percent escape, a control character, a segment that goes up, or too long.
 */
export function parseStreamAddress({ app, name, tcUrl = '' }: StreamName): StreamAddress | undefined {
  const [namePath, nameQuery] = cutQuery(name);
  const [appPath, appQuery] = cutQuery(app);
  const [, urlQuery] = cutQuery(tcUrl);
  const segments = parseSegments(`${appPath}/${namePath}`);
  if (segments === undefined) return undefined;
  const path = toPath(segments);
  if (!isClean(path)) return undefined;
  const query = new URLSearchParams(nameQuery);
  for (const fallback of [appQuery, urlQuery]) {
    const known = new Set(query.keys());
    for (const [key, value] of new URLSearchParams(fallback)) if (!known.has(key)) query.append(key, value);
  }
  return { path, segments, query };
}

function cutQuery(text: string): [path: string, query: string] {
  const start = text.indexOf('?');
  return start === -1
    ? [text, '']
    : [text.slice(0, start), text.slice(start + 1, start + 1 + MAX_QUERY_LENGTH)];
}

function parseSegments(raw: string): string[] | undefined {
  if (raw.length > 3 * MAX_PATH_BYTES) return undefined;
  try {
    return raw
      .split('/')
      .filter((segment) => segment !== '')
      .map(decodeURIComponent);
  } catch {
    return undefined;
  }
}

/** The path of decoded segments, such as those of a {@link StreamAddress} without the one that is a token. */
export function toPath(segments: readonly string[]): string {
  const names = segments.flatMap((segment) => segment.split('/'));
  return `/${names.filter((name) => name !== '').join('/')}`;
}

function isClean(path: string): boolean {
  const names = path.split('/');
  const stays = !names.includes('.') && !names.includes('..');
  return stays && !/\p{Cc}/u.test(path) && Buffer.byteLength(path) <= MAX_PATH_BYTES;
}
