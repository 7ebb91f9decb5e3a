import { createHash, timingSafeEqual } from 'node:crypto';

/** Who may do what. */
export interface AccessRules {
  /** What the paths of publishers begin with, letter by letter. */
  app: string;
  /** What all have to know, empty if anybody may come. */
  token: string;
  /** Keys by the paths that only who has the key may publish, whatever else he knows. */
  keys: Readonly<Record<string, string>>;
}

/** Where a client wants to publish or play, in its own words. */
export interface Destination {
  /** Of the `connect` command. A query may be at the end. */
  app: string;
  /** Of the `publish` or `play` command. A query may be at the end. */
  name: string;
  /** Of the `connect` command, empty if it has none. Only its query matters. */
  tcUrl: string;
}

/** Where a client may go: the one spelling of the path by which streams are known, without any token. */
export interface Granted {
  path: string;
}

/** Why a client may not, in the words of the log, which has no secrets. */
export interface Denied {
  path: string;
  action: 'FORBIDDEN' | 'INVALID';
  reason: string;
  /** Whether it may be an attempt to guess. */
  isGuess: boolean;
}

export type Access = Granted | Denied;

/** In bytes. */
const MAX_PATH_LENGTH = 1024;
const HIDDEN = '***';

/** Whether and where a client may publish. */
export function publishAccess(destination: Destination, rules: AccessRules): Access {
  const address = parseAddress(destination);
  if (address === undefined) return invalidPath();
  const access = keyAccess(address, rules) ?? withoutKey(tokenAccess(address, rules), rules);
  if ('action' in access || access.path.startsWith(rules.app)) return access;
  return { path: access.path, action: 'FORBIDDEN', reason: 'invalid app', isGuess: false };
}

/** Whether and what a client may play. */
export function playAccess(destination: Destination, rules: AccessRules): Access {
  const address = parseAddress(destination);
  return address === undefined ? invalidPath() : tokenAccess(address, rules);
}

interface Address {
  /** Decoded. */
  segments: readonly string[];
  /** Undefined if the query has none. */
  token: string | undefined;
}

/** Undefined if it cannot be decoded. */
function parseAddress({ app, name, tcUrl }: Destination): Address | undefined {
  const [appPath, appQuery] = cutQuery(app);
  const [namePath, nameQuery] = cutQuery(name);
  const [, urlQuery] = cutQuery(tcUrl);
  const segments = `${appPath}/${namePath}`.split('/').filter((segment) => segment !== '');
  // People paste the token where there is room for it.
  const token = [nameQuery, appQuery, urlQuery]
    .map((query) => new URLSearchParams(query).get('token'))
    .find((found) => found !== null);
  try {
    return { segments: segments.map(decodeURIComponent), token };
  } catch {
    return undefined;
  }
}

function cutQuery(text: string): [path: string, query: string] {
  const mark = text.indexOf('?');
  return mark === -1 ? [text, ''] : [text.slice(0, mark), text.slice(mark + 1)];
}

function tokenAccess({ segments, token }: Address, rules: AccessRules): Access {
  if (rules.token === '') return checkPath(toPath(segments));
  const isInQuery = token !== undefined;
  const path = toPath(isInQuery ? segments : segments.slice(0, -1));
  const given = token ?? segments.at(-1) ?? '';
  if (isSame(given, rules.token)) return checkPath(path);
  if (given !== '') return wrongKey(path);
  return { path: shown(path), action: 'FORBIDDEN', reason: 'no streamkey provided', isGuess: true };
}

/**
 * What the key allows that a publisher gives; undefined if it gives none. The key may be where the token would be, or in
 * place of the name: then who publishes need not know by what name the stream is played. Takes the same time for
 * whatever is no key.
 */
function keyAccess({ segments, token }: Address, { keys }: AccessRules): Access | undefined {
  const given = token ?? segments.at(-1) ?? '';
  const path = toPath(token === undefined ? segments.slice(0, -1) : segments);
  let keyed: string | undefined;
  for (const [name, key] of Object.entries(keys)) if (isSame(given, key)) keyed = name;
  if (keyed === undefined) return undefined;
  if (path === keyed || (token === undefined && path === parentOf(keyed))) return checkPath(keyed);
  return wrongKey(path);
}

/** Access to a path by the token alone, which is not enough where there is a key. */
function withoutKey(access: Access, { keys }: AccessRules): Access {
  if ('action' in access || !Object.hasOwn(keys, access.path)) return access;
  return { path: access.path, action: 'FORBIDDEN', reason: 'no streamkey provided', isGuess: true };
}

function wrongKey(path: string): Denied {
  return { path: shown(path), action: 'FORBIDDEN', reason: `invalid streamkey (${HIDDEN})`, isGuess: true };
}

function checkPath(path: string): Access {
  const isFine =
    path !== '/' &&
    Buffer.byteLength(path) <= MAX_PATH_LENGTH &&
    !/\p{Cc}/u.test(path) &&
    !path.split('/').some((segment) => segment === '.' || segment === '..');
  return isFine ? { path } : invalidPath(shown(path));
}

function invalidPath(path = ''): Denied {
  return { path, action: 'INVALID', reason: 'invalid path', isGuess: false };
}

/** Decoded segments may have slashes of their own. */
function toPath(segments: readonly string[]): string {
  return `/${segments
    .join('/')
    .split('/')
    .filter((segment) => segment !== '')
    .join('/')}`;
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/';
}

/** What is worth reading of a path that is too long. */
function shown(path: string): string {
  return path.length > MAX_PATH_LENGTH ? `${path.slice(0, MAX_PATH_LENGTH)}…` : path;
}

/** Compares without telling by the time it takes how much is right. */
function isSame(given: string, secret: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(secret));
}

/**
 * What the sessions of a stream are known by: its path without the extension and the app.
 *
 * compat: the app counts with the slash behind it, so that of `/`, which would then be two, nothing is cut off.
 */
export function referenceOf(path: string, app: string): string {
  const name = path.replace(/\.[^./]*$/, '');
  return name.startsWith(`${app}/`) ? name.slice(app.length + 1) : name;
}

/** A path as the log may show it: parts that are the token or a key, where they do not belong, are hidden. */
export function withoutSecrets(path: string, { token, keys }: AccessRules): string {
  const secrets = new Set([token, ...Object.values(keys)]);
  return path
    .split('/')
    .map((segment) => (segment !== '' && secrets.has(segment) ? HIDDEN : segment))
    .join('/');
}

/** What a log line can hold without becoming two: control characters and such as turn the text around, escaped. */
export function printable(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  );
}
