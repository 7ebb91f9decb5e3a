// Access control by stream id, libsrt's "SRT Access Control (Stream ID) Guidelines".

/** The prefix of the standard syntax with keys and values. */
const STANDARD_PREFIX = '#!::';

/** The fields that the guidelines name, and all others as they came. */
export interface StreamId {
  /** `r`: what is asked for; the whole text if it has no keys. */
  resource: string;
  /** `m`: request, publish or bidirectional; undefined if it is not told. */
  mode: string | undefined;
  /** `u` */
  user: string | undefined;
  /** `h` */
  host: string | undefined;
  /** `s`: of the session, used as a secret. */
  session: string | undefined;
  /** `t`: stream, file or auth. */
  type: string | undefined;
  /** Every key and its value; of a key given twice the last. */
  fields: ReadonlyMap<string, string>;
}

/**
 * Reads a stream id in the standard syntax, `#!::key=value,key=value`. Parts without `=` are ignored. Any other text is
 * the name of a resource, as the guidelines want it.
 */
export function parseStreamId(text: string): StreamId {
  const fields = new Map<string, string>();
  const isStandard = text.startsWith(STANDARD_PREFIX);
  if (isStandard) {
    for (const part of text.slice(STANDARD_PREFIX.length).split(',')) {
      const equals = part.indexOf('=');
      if (equals > 0) fields.set(part.slice(0, equals), part.slice(equals + 1));
    }
  }
  return {
    resource: isStandard ? (fields.get('r') ?? '') : text,
    mode: fields.get('m'),
    user: fields.get('u'),
    host: fields.get('h'),
    session: fields.get('s'),
    type: fields.get('t'),
    fields,
  };
}

/** Writes a stream id in the standard syntax. */
export function serializeStreamId(fields: Iterable<readonly [key: string, value: string]>): string {
  return STANDARD_PREFIX + Array.from(fields, ([key, value]) => `${key}=${value}`).join(',');
}
