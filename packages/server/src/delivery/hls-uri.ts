import { posix } from 'node:path';

/*
 * URIs of playlists and of requests for them. Their text holds bytes, one a character (Latin-1), so that names in any
 * encoding pass unharmed.
 */

/** A URI that takes a session id, which goes between the two parts. */
export interface SessionUri {
  before: string;
  after: string;
  /** The host and port it names, in lower case and without a default port; undefined for the one it was found on. */
  host: string | undefined;
  /** Its path, decoded. */
  path: string;
}

/** A longer one could not be requested. */
const MAX_URI_LENGTH = 16_384;
const ABSOLUTE = /^(https?):\/\/(?:[^/?#@]*@)?([^/?#@]*)/i;
const NETWORK_PATH = /^\/\/(?:[^/?#@]*@)?([^/?#@]*)/;
/** A scheme, or what would be taken for one. */
const OTHER_SCHEME = /^[^/?#]*:/;
const UNUSABLE = /[\0-\x1f\x7f]|\{\$/;
const BROKEN_ESCAPE = /%(?![0-9a-f]{2})/i;
const PARTS = /^([^?#]*)(?:\?([^#]*))?(#.*)?$/;
const NOT_IN_PATH = /[^\w\-.~!$&'()*+,;=:@[\]/%]/g;
const NOT_IN_PARAMETER = /[^\w\-.~]/g;

/**
 * Splits a URI where its `session` parameter goes. Undefined for what is no URL (RFC 3986 §4.1), has another scheme
 * than HTTP, waits for variables (RFC 8216bis §4.3), or is too long for any request.
 */
export function splitForSession(uri: string): SessionUri | undefined {
  if (uri.length > MAX_URI_LENGTH || UNUSABLE.test(uri)) return undefined;
  const [authority = '', host] = authorityOf(uri) ?? [];
  const local = uri.slice(authority.length);
  const [, path = '', query = '', fragment = ''] = PARTS.exec(local) ?? [];
  if (BROKEN_ESCAPE.test(path) || (authority === '' && OTHER_SCHEME.test(path))) return undefined;
  const { before, after } = splitQuery(query);
  return {
    before: `${authority}${encodePath(path)}?${before}`,
    after: `${after}${fragment}`,
    host,
    path: decode(path),
  };
}

/**
 * The query of a URI with its parameters in the order of their names, and a gap for the id of a session instead of
 * those that are there.
 */
export function splitQuery(query: string): { before: string; after: string } {
  const parameters = query
    .split('&')
    .filter((text) => text !== '')
    .map((text) => {
      const [name = '', ...value] = text.split('=');
      return { name: decodeParameter(name), value: decodeParameter(value.join('=')) };
    })
    .filter(({ name }) => name !== 'session')
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  const serialize = (part: typeof parameters) =>
    part.map(({ name, value }) => `${encodeParameter(name)}=${encodeParameter(value)}`);
  const isEarlier = ({ name }: { name: string }) => name < 'session';
  return {
    before: [...serialize(parameters.filter(isEarlier)), 'session='].join('&'),
    after: ['', ...serialize(parameters.filter((parameter) => !isEarlier(parameter)))].join('&'),
  };
}

/** Where a path leads from the place of another one. Both decoded. */
export function resolvePath(path: string, base: string): string {
  return posix.normalize(path.startsWith('/') ? path : posix.join(posix.dirname(base), path));
}

/** A path with everything encoded that may not stand in one; escapes that are there stay. */
export function encodePath(path: string): string {
  return path.replace(NOT_IN_PATH, encodeByte);
}

/** A host as it is compared: in lower case, without a default port. */
export function normalizeHost(host: string): string {
  return host.toLowerCase().replace(/:(?:80|443)?$/, '');
}

/** Text as bytes, one a character. */
export function toBytes(text: string): string {
  return Buffer.from(text).toString('latin1');
}

function authorityOf(uri: string): [authority: string, host: string] | undefined {
  const absolute = ABSOLUTE.exec(uri);
  if (absolute !== null) return [absolute[0], normalizeHost(absolute[2] ?? '')];
  const network = NETWORK_PATH.exec(uri);
  return network === null ? undefined : [network[0], normalizeHost(network[1] ?? '')];
}

function decode(text: string): string {
  return text.replace(/%([0-9a-f]{2})/gi, (_escape, hex: string) => String.fromCharCode(parseInt(hex, 16)));
}

function decodeParameter(text: string): string {
  return decode(text.replaceAll('+', ' '));
}

function encodeParameter(bytes: string): string {
  return bytes.replace(NOT_IN_PARAMETER, (byte) => (byte === ' ' ? '+' : encodeByte(byte)));
}

function encodeByte(byte: string): string {
  return `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
}
