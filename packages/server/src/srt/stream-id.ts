/** What a caller wants to do with a resource. */
export type Mode = 'publish' | 'request';

/** What a stream id asks for. */
export interface StreamRequest {
  /** Empty if none is named. */
  resource: string;
  /** `publish`, `request`, or whatever else the caller named. */
  mode: string;
  token: string;
}

/** Begins the grammar of keys and values; the standard doubles the colon. */
const KEYS_PREFIX = /^#!::?/;
/** Ends the resource, or the value before it, if anything follows. */
const MARKER = /,(mode|token):(?=.)/gs;

/**
 * Reads a stream id in any of its grammars: `name,mode:publish,token:secret`, `#!:m=publish,r=name,token=secret`, and
 * the standard's `#!::m=publish,r=name,s=secret`. The mode is `request` unless it is named; of what is named twice, the
 * last counts. Nothing is percent-decoded.
 */
export function parseStreamId(text: string): StreamRequest {
  return KEYS_PREFIX.test(text) ? parseKeys(text.replace(KEYS_PREFIX, '')) : parseMarkers(text);
}

/** libsrt's "SRT Access Control (Stream ID) Guidelines"; `token` is our own word for `s`, and goes before it. */
function parseKeys(text: string): StreamRequest {
  const fields = new Map<string, string>();
  for (const part of text.split(',')) {
    const equals = part.indexOf('=');
    if (equals > 0) fields.set(part.slice(0, equals), part.slice(equals + 1));
  }
  return {
    resource: fields.get('r') ?? '',
    mode: fields.get('m') ?? 'request',
    token: fields.get('token') ?? fields.get('s') ?? '',
  };
}

/** compat: a value runs to the next marker that has something behind it, so a token may contain commas. */
function parseMarkers(text: string): StreamRequest {
  const markers = [...text.matchAll(MARKER)];
  const request = { resource: text.slice(0, markers[0]?.index), mode: 'request', token: '' };
  markers.forEach((marker, position) => {
    const value = text.slice(marker.index + marker[0].length, markers[position + 1]?.index);
    request[marker[1] === 'mode' ? 'mode' : 'token'] = value;
  });
  return request;
}
