import { UsageError } from '../errors.ts';

/**
 * Splits a command line into words as a POSIX shell does with quotes and backslashes; nothing is expanded.
 *
 * @throws UsageError if a quote is not closed.
 */
export function splitWords(line: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote = '';
  for (let at = 0; at < line.length; at++) {
    const char = line.charAt(at);
    const next = line.charAt(at + 1);
    if (quote === "'") {
      if (char === quote) quote = '';
      else word = (word ?? '') + char;
    } else if (char === '\\' && (quote === '' || '"\\$`\n'.includes(next))) {
      at++;
      // A backslash at the end of a line joins it with the next.
      if (next !== '\n') word = (word ?? '') + next;
    } else if (quote === '"') {
      if (char === quote) quote = '';
      else word = (word ?? '') + char;
    } else if (char === '"' || char === "'") {
      quote = char;
      word ??= '';
    } else if (/\s/.test(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else {
      word = (word ?? '') + char;
    }
  }
  if (quote !== '') throw new UsageError(`a quote (${quote}) is not closed in the command line of FFmpeg`);
  if (word !== undefined) words.push(word);
  return words;
}

/** A command line that a POSIX shell splits into these words. */
export function joinWords(words: readonly string[]): string {
  return words
    .map((word) => (/^[\w@%+=:,./{}-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`))
    .join(' ');
}
