import type { IncomingHttpHeaders } from 'node:http';

/** What a request's conditions are compared with. */
export interface Representation {
  /** The opaque part of its entity tag. */
  version: string;
  /** Milliseconds since 1970. */
  modified: number;
}

export type Verdict = 'proceed' | 'not modified' | 'failed';

/** Marks the tag of a compressed form, which differs from that of the file itself. */
export const GZIP_SUFFIX = '-gzip';

/**
 * Whether a request may go on (RFC 9110 §13.2.2).
 *
 * @param current what is there; undefined if nothing is.
 */
export function evaluateConditions(
  intent: 'read' | 'write',
  headers: IncomingHttpHeaders,
  current: Representation | undefined,
): Verdict {
  const isRead = intent === 'read';
  const ifMatch = headers['if-match'];
  const ifNoneMatch = headers['if-none-match'];
  const unmodifiedSince = parseDate(headers['if-unmodified-since']);
  const modifiedSince = parseDate(headers['if-modified-since']);

  if (ifMatch !== undefined) {
    if (!matches(ifMatch, current, 'strong')) return 'failed';
  } else if (unmodifiedSince !== undefined && current !== undefined) {
    if (inSeconds(current.modified) > unmodifiedSince) return 'failed';
  }
  if (ifNoneMatch !== undefined) {
    if (matches(ifNoneMatch, current, 'weak')) return isRead ? 'not modified' : 'failed';
  } else if (isRead && modifiedSince !== undefined && current !== undefined) {
    if (inSeconds(current.modified) <= modifiedSince) return 'not modified';
  }
  return 'proceed';
}

/** Whether `If-Range` lets a range be answered (RFC 9110 §13.1.5); without the header it may be. */
export function allowsRange(ifRange: string | undefined, current: Representation): boolean {
  if (ifRange === undefined) return true;
  if (ifRange.includes('"')) return ifRange.trim() === `"${current.version}"`;
  return parseDate(ifRange) === inSeconds(current.modified);
}

/**
 * The one range of bytes that is asked for (RFC 9110 §14.1.2), its end excluded. Undefined if the whole is to be
 * sent, as it is for several ranges and for what cannot be understood.
 */
export function parseRange(
  header: string | undefined,
  size: number,
): { start: number; end: number } | 'unsatisfiable' | undefined {
  if (header === undefined) return undefined;
  const [, first, last] = /^\s*bytes\s*=\s*(\d*)-(\d*)\s*$/i.exec(header) ?? [];
  if (first === undefined || last === undefined || (first === '' && last === '')) return undefined;
  if (first === '') {
    const length = Math.min(Number(last), size);
    return length === 0 ? 'unsatisfiable' : { start: size - length, end: size };
  }
  const start = Number(first);
  if (last !== '' && Number(last) < start) return undefined;
  if (start >= size) return 'unsatisfiable';
  return { start, end: last === '' ? size : Math.min(Number(last) + 1, size) };
}

function matches(
  header: string,
  current: Representation | undefined,
  comparison: 'strong' | 'weak',
): boolean {
  if (current === undefined) return false;
  if (header.trim() === '*') return true;
  return Array.from(header.matchAll(/(W\/)?"([^"]*)"/g)).some(([, weak, tag = '']) => {
    if (weak !== undefined && comparison === 'strong') return false;
    return tag === current.version || tag === current.version + GZIP_SUFFIX;
  });
}

function parseDate(header: string | undefined): number | undefined {
  const time = header?.endsWith('GMT') ? Date.parse(header) : NaN;
  return Number.isNaN(time) ? undefined : time / 1000;
}

/** HTTP knows times in full seconds only. */
function inSeconds(milliseconds: number): number {
  return Math.floor(milliseconds / 1000);
}
