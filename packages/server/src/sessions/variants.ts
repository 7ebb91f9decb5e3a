const WORD = /[\p{L}\p{N}]/u;

/**
 * Whether a session's reference is that of a process, or of a variant of its stream: of `cam1` is `cam1_720p`, but not
 * `cam10`.
 *
 * compat: everything belongs to a process without a reference.
 */
export function belongsTo(reference: string, ofProcess: string): boolean {
  if (!reference.startsWith(ofProcess)) return false;
  const [last = '', next = ''] = [ofProcess.at(-1), reference[ofProcess.length]];
  return !(WORD.test(last) && WORD.test(next));
}
