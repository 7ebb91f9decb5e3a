const NAME = /\s*(?:export\s+)?([A-Za-z_][\w.]*)[ \t]*[=:][ \t]*/y;
const SINGLE_QUOTED = /'((?:[^'\\]|\\[^])*)'/y;
const DOUBLE_QUOTED = /"((?:[^"\\]|\\[^])*)"/y;
const BARE = /[^\r\n]*/y;
const LINE_END = /[ \t]*(?:#[^\r\n]*)?(?:\r?\n|$)/y;
const IGNORED = /(?:\s+|#[^\n]*)*/y;
const REFERENCE = /\\\$|\$(?:\{(\w+)\}|(\w+))/g;

/**
 * Reads a `.env` file: `NAME=value` or `export NAME=value`, `#` comments, single quotes for literal texts, double quotes
 * for texts with escapes. Outside single quotes `$NAME` and `${NAME}` stand for values of earlier lines, and for nothing
 * if there is none; `\$` is a dollar sign.
 *
 * @returns `undefined` if the text is malformed.
 */
export function parseEnvFile(text: string): Map<string, string> | undefined {
  const values = new Map<string, string>();
  let offset = 0;
  const next = (pattern: RegExp): RegExpExecArray | undefined => {
    pattern.lastIndex = offset;
    const match = pattern.exec(text) ?? undefined;
    if (match) offset = pattern.lastIndex;
    return match;
  };

  for (;;) {
    next(IGNORED);
    if (offset >= text.length) return values;
    const name = next(NAME)?.[1];
    if (name === undefined) return undefined;
    const literal = next(SINGLE_QUOTED)?.[1];
    const quoted = literal === undefined ? next(DOUBLE_QUOTED)?.[1] : undefined;
    if (literal !== undefined) values.set(name, literal);
    else if (quoted !== undefined) values.set(name, expand(unescape(quoted), values));
    else values.set(name, expand(withoutComment(next(BARE)?.[0] ?? ''), values));
    if (next(LINE_END) === undefined) return undefined;
  }
}

function withoutComment(text: string): string {
  return text.replace(/(?:^|\s)#.*$/, '').trim();
}

/** All escapes but that of the dollar sign, which matters later. */
function unescape(text: string): string {
  return text.replace(/\\([^$])/g, (_match, character: string) => {
    if (character === 'n') return '\n';
    return character === 'r' ? '\r' : character;
  });
}

function expand(text: string, values: ReadonlyMap<string, string>): string {
  return text.replace(REFERENCE, (match, braced?: string, bare?: string) =>
    match === '\\$' ? '$' : (values.get(braced ?? bare ?? '') ?? ''),
  );
}
