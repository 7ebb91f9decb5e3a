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
  /** `/live/name`: percent-decoded, without empty, `.` and `..` segments. */
  path: string;
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
  const path = parsePath(`${appPath}/${namePath}`);
  if (path === undefined) return undefined;
  const query = new URLSearchParams(nameQuery);
  for (const fallback of [appQuery, urlQuery]) {
    const known = new Set(query.keys());
    for (const [key, value] of new URLSearchParams(fallback)) if (!known.has(key)) query.append(key, value);
  }
  return { path, query };
}

function cutQuery(text: string): [path: string, query: string] {
  const start = text.indexOf('?');
  return start === -1
    ? [text, '']
    : [text.slice(0, start), text.slice(start + 1, start + 1 + MAX_QUERY_LENGTH)];
}

function parsePath(raw: string): string | undefined {
  if (raw.length > 3 * MAX_PATH_BYTES) return undefined;
  let decoded: string;
  try {
    decoded = decodeURIComponent(raw);
  } catch {
    return undefined;
  }
  const segments = decoded.split('/').filter((segment) => segment !== '');
  const path = `/${segments.join('/')}`;
  const isClean = !/\p{Cc}/u.test(path) && !segments.includes('.') && !segments.includes('..');
  return isClean && Buffer.byteLength(path) <= MAX_PATH_BYTES ? path : undefined;
}
