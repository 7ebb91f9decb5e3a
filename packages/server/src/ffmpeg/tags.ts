/** `[h264 @ 0x5590] `, `[info] ` and time stamps, in any order: what log flags of FFmpeg put before a line. */
const TAGS =
  /^(?:\[[^\]]{0,200} @ (?:0x)?[0-9a-fA-F]+\] |\[(?:quiet|panic|fatal|error|warning|info|verbose|debug|trace)\] |(?:\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d\.\d+ )+/;

/** The line as FFmpeg writes it without log flags such as `-loglevel level+info`. */
export function stripTags(line: string): string {
  const first = line.charCodeAt(0);
  const mayHaveTags = first === 0x5b /* [ */ || (first >= 0x30 && first <= 0x39); /* digit */
  return mayHaveTags ? line.replace(TAGS, '') : line;
}
