import stringWidth from 'string-width';

const SEGMENTER = new Intl.Segmenter();
/** Control characters, and marks that change the direction of what follows. */
const UNPRINTABLE = /[\p{Cc}\p{Zl}\p{Zp}\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]/gu;

/** The text on one line and without what could move the cursor, hide text or change the terminal: it is from outside. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (char) => (char === '\t' ? ' ' : '\uFFFD'));
}

/** How many columns the text takes in a terminal; its colours take none. */
export function widthOf(text: string): number {
  return stringWidth(text);
}

/** The text in at most so many columns, with `…` where something is left out. Without colours only. */
export function truncate(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text;
  let kept = '';
  let width = 0;
  for (const { segment } of SEGMENTER.segment(text)) {
    width += widthOf(segment);
    if (width > columns - 1) break;
    kept += segment;
  }
  return columns > 0 ? `${kept}…` : '';
}

/** The text in exactly so many columns, unless it is longer. */
export function pad(text: string, columns: number, align: 'left' | 'right' = 'left'): string {
  const space = ' '.repeat(Math.max(0, columns - widthOf(text)));
  return align === 'left' ? text + space : space + text;
}
