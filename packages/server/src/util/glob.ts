import { RE2JS } from 're2js';

/** Whether a name matches a pattern. */
export type Glob = (name: string) => boolean;

export interface GlobOptions {
  /** One character that `*` and `?` do not match; none by default. */
  separator?: string;
}

/** Patterns come from users: a longer one is treated as invalid. */
const MAX_PATTERN_LENGTH = 4096;

/**
 * Compiles a glob pattern, which has to match the whole name, case-sensitively: `*` any run but separators,
 * `**` any run, `?` one character but a separator, `[abc]`, `[a-z]`, `[!abc]`, `{a,b}` (nested, too), `\` escapes.
 * An invalid pattern matches nothing. Matching takes time linear in the length of the name.
 */
export function createGlob(pattern: string, options: GlobOptions = {}): Glob {
  const source = toRegularExpression(pattern, options.separator);
  if (source === undefined) return () => false;
  const prefix = literalPrefix(pattern);
  try {
    // A backtracking engine could be kept busy for hours by a few stars.
    const expression = RE2JS.compile(source, RE2JS.DOTALL);
    return (name) => name.startsWith(prefix) && expression.testExact(name);
  } catch {
    return () => false;
  }
}

/** The text every match starts with: the pattern up to its first special character. */
export function literalPrefix(pattern: string): string {
  return /^[^*?[{\\]*/.exec(pattern)?.[0] ?? '';
}

/** The pattern as an RE2 expression; undefined if it is invalid. */
function toRegularExpression(pattern: string, separator: string | undefined): string | undefined {
  if (pattern.length > MAX_PATTERN_LENGTH) return undefined;
  const one = separator === undefined ? '.' : `[^${RE2JS.quote(separator)}]`;
  const characters = Array.from(pattern);
  let source = '';
  let depth = 0;
  let i = 0;
  for (;;) {
    const character = characters[i++];
    if (character === undefined) return depth === 0 ? source : undefined;
    switch (character) {
      case '*': {
        const start = i - 1;
        while (characters[i] === '*') i++;
        source += i - start > 1 ? '.*' : `${one}*`;
        break;
      }
      case '?':
        source += one;
        break;
      case '[': {
        const end = closingBracket(characters, i);
        const set = end === -1 ? undefined : toCharacterClass(characters.slice(i, end));
        if (set === undefined) return undefined;
        source += set;
        i = end + 1;
        break;
      }
      case '{':
        depth++;
        source += '(?:';
        break;
      case '}':
        source += depth > 0 ? ')' : RE2JS.quote('}');
        depth = Math.max(0, depth - 1);
        break;
      case ',':
        source += depth > 0 ? '|' : ',';
        break;
      case '\\': {
        const escaped = characters[i++];
        if (escaped === undefined) return undefined;
        source += RE2JS.quote(escaped);
        break;
      }
      default:
        source += RE2JS.quote(character);
    }
  }
}

function closingBracket(characters: readonly string[], from: number): number {
  for (let i = from; i < characters.length; i++) {
    if (characters[i] === '\\') i++;
    else if (characters[i] === ']') return i;
  }
  return -1;
}

/** What stands between the brackets, as an RE2 class: `!` first negates, `a-z` is a range. */
function toCharacterClass(content: readonly string[]): string | undefined {
  const isNegated = content[0] === '!';
  const items: { character: string; isRange: boolean }[] = [];
  for (let i = isNegated ? 1 : 0; i < content.length; i++) {
    const isEscaped = content[i] === '\\';
    const character = content[isEscaped ? ++i : i];
    if (character === undefined) return undefined;
    items.push({ character, isRange: character === '-' && !isEscaped });
  }
  if (items.length === 0) return undefined;
  // A hyphen at either end stands for itself; between two characters it makes a range, which RE2 checks.
  const body = items.map(({ character, isRange }, index) =>
    isRange && index > 0 && index < items.length - 1 ? '-' : `\\x{${codePoint(character)}}`,
  );
  return `[${isNegated ? '^' : ''}${body.join('')}]`;
}

function codePoint(character: string): string {
  return (character.codePointAt(0) ?? 0).toString(16);
}
