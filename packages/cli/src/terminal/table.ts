import type { Style } from './style.ts';
import { pad, printable, truncate, widthOf } from './text.ts';

/** A column of a table. */
export interface Column<Row> {
  title: string;
  /** What stands in it; the text may be from outside. */
  text: (row: Row) => string;
  align?: 'left' | 'right';
  style?: (row: Row) => Style | undefined;
  /**
   * May be cut down to this many columns where the terminal is narrow; the widest is cut first. What has no such limit
   * is never cut.
   */
  min?: number;
  /** Is left out before anything is cut; the highest first. */
  optional?: number;
}

/** Where a table is shown. */
export interface TableOptions {
  /** Columns of the terminal; nothing is cut or left out without. */
  width?: number | undefined;
  paint: (style: Style, text: string) => string;
}

const GAP = 2;

/** The lines of a table, the titles first. It fits the width as far as its columns can give way. */
export function tableLines<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  { width = Infinity, paint }: TableOptions,
): string[] {
  const laid = columns.map((column) => {
    const cells = rows.map((row) => printable(column.text(row)));
    return { column, cells, width: Math.max(...[column.title, ...cells].map(widthOf)) };
  });
  const shown = fit(laid, width);

  const line = (cell: (one: (typeof shown)[number]) => [text: string, style: Style | undefined]) =>
    shown
      .map((one, index) => {
        const [text, style] = cell(one);
        const cut = truncate(text, one.width);
        const isLast = index === shown.length - 1 && one.column.align !== 'right';
        const padded = isLast ? cut : pad(cut, one.width, one.column.align);
        return style === undefined ? padded : padded.replace(cut, () => paint(style, cut));
      })
      .join(' '.repeat(GAP))
      .trimEnd();

  return [
    line(({ column }) => [column.title, 'bold']),
    ...rows.map((row, index) => line(({ column, cells }) => [cells[index] ?? '', column.style?.(row)])),
  ];
}

interface Laid {
  column: { min?: number; optional?: number };
  width: number;
}

function fit<One extends Laid>(laid: readonly One[], width: number): One[] {
  let shown = laid.map((one) => ({ ...one }));
  const excess = () => shown.reduce((sum, one) => sum + one.width + GAP, -GAP) - width;
  const optional = shown.filter(({ column }) => column.optional !== undefined);
  optional.sort((a, b) => (b.column.optional ?? 0) - (a.column.optional ?? 0));
  for (const one of optional) {
    if (excess() - slack(shown) <= 0) break;
    shown = shown.filter((other) => other !== one);
  }
  while (excess() > 0) {
    const widest = shown
      .filter((one) => slack([one]) > 0)
      .reduce<One | undefined>((best, one) => (best && best.width >= one.width ? best : one), undefined);
    if (widest === undefined) break;
    widest.width--;
  }
  return shown;
}

/** How many columns could be cut. */
function slack(laid: readonly Laid[]): number {
  return laid.reduce((sum, { column, width }) => sum + Math.max(0, width - (column.min ?? width)), 0);
}
