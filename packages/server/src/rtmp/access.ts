import { createHash, timingSafeEqual } from 'node:crypto';
import { type StreamAddress, toPath } from '@millrace/rtmp';

/** Who may do what. */
export interface AccessRules {
  /** What the paths of publishers begin with, letter by letter. */
  app: string;
  /** What all have to know, empty if anybody may come. */
  token: string;
  /** Keys by the paths that only who has the key may publish, whatever else he knows. */
  keys: Readonly<Record<string, string>>;
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

const HIDDEN = '***';

/** The refusal of what cannot be read as an address. Nothing of it is shown: any part may be a secret. */
export const MALFORMED: Denied = invalidPath('');

/** Whether and where a client may publish. */
export function publishAccess(address: StreamAddress, rules: AccessRules): Access {
  const access = keyAccess(address, rules) ?? withoutKey(tokenAccess(address, rules), rules);
  if ('action' in access || access.path.startsWith(rules.app)) return access;
  return { path: access.path, action: 'FORBIDDEN', reason: 'invalid app', isGuess: false };
}

/** Whether and what a client may play. */
export function playAccess(address: StreamAddress, rules: AccessRules): Access {
  return tokenAccess(address, rules);
}

function tokenAccess({ path: whole, segments, query }: StreamAddress, rules: AccessRules): Access {
  if (rules.token === '') return checkPath(whole);
  const token = tokenOf(query);
  const isInQuery = token !== undefined;
  const path = isInQuery ? whole : toPath(segments.slice(0, -1));
  const given = token ?? segments.at(-1) ?? '';
  if (isSame(given, rules.token)) return checkPath(path);
  if (given !== '') return wrongKey(path);
  return { path, action: 'FORBIDDEN', reason: 'no streamkey provided', isGuess: true };
}

/**
 * What the key allows that a publisher gives; undefined if it gives none. The key may be where the token would be, or in
 * place of the name: then who publishes need not know by what name the stream is played. Takes the same time for
 * whatever is no key.
 */
function keyAccess(
  { path: whole, segments, query }: StreamAddress,
  { keys }: AccessRules,
): Access | undefined {
  const token = tokenOf(query);
  const given = token ?? segments.at(-1) ?? '';
  const path = token === undefined ? toPath(segments.slice(0, -1)) : whole;
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
  return { path, action: 'FORBIDDEN', reason: `invalid streamkey (${HIDDEN})`, isGuess: true };
}

/** The address as such is fine; but nothing may be left of it when the token is out. */
function checkPath(path: string): Access {
  return path === '/' ? invalidPath(path) : { path };
}

/** Undefined if the query has none, which is not the same as an empty one. */
function tokenOf(query: URLSearchParams): string | undefined {
  return query.get('token') ?? undefined;
}

function invalidPath(path: string): Denied {
  return { path, action: 'INVALID', reason: 'invalid path', isGuess: false };
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/';
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
