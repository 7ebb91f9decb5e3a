import type { Process } from '@millrace/client';
import { PROCESS_COLUMNS } from '../processes.ts';
import type { Style } from '../terminal/style.ts';
import { type Column, tableLines } from '../terminal/table.ts';
import { printable, truncate } from '../terminal/text.ts';
import { formatBitrate, formatBytes, formatPercent } from '../terminal/units.ts';

/** What the processes are ordered by. */
export type SortKey = 'id' | 'state' | 'time' | 'fps' | 'bitrate' | 'cpu' | 'memory';

/** The orders, with the key that chooses each and the column that it is about. */
export const SORTS: Readonly<
  Record<SortKey, { key: string; column: string; value: (process: Process) => number | string }>
> = {
  cpu: { key: 'c', column: 'CPU', value: ({ state }) => state?.cpu_usage ?? 0 },
  memory: { key: 'm', column: 'MEMORY', value: ({ state }) => state?.memory_bytes ?? 0 },
  bitrate: { key: 'b', column: 'BITRATE', value: ({ state }) => state?.progress.bitrate_kbit ?? 0 },
  fps: { key: 'f', column: 'FPS', value: ({ state }) => state?.progress.fps ?? 0 },
  time: { key: 't', column: 'FOR', value: ({ state }) => state?.runtime_seconds ?? 0 },
  state: { key: 's', column: 'STATE', value: ({ state }) => state?.exec ?? '' },
  id: { key: 'n', column: 'ID', value: ({ id }) => id },
};

/** What there is to show, and how. */
export interface View {
  server: string;
  processes: readonly Process[];
  sort: SortKey;
  isReversed: boolean;
  /** How many processes are scrolled past. */
  offset: number;
  /** Why what is shown is not the present. */
  error?: string | undefined;
}

export interface Size {
  columns: number;
  rows: number;
}

/** Lines that are not processes: two of the head, the titles and the keys. */
const FRAME = 5;
const KEYS = 'q quit  c cpu  m memory  b bitrate  f fps  t time  s state  n name  r reverse  ↑↓ scroll';

/** Numbers with the largest first, texts from a to z; those that are equal by id. */
export function sorted({
  processes,
  sort,
  isReversed,
}: Pick<View, 'processes' | 'sort' | 'isReversed'>): Process[] {
  const { value } = SORTS[sort];
  const compare = (a: Process, b: Process) => {
    const [x, y] = [value(a), value(b)];
    const order = typeof x === 'number' && typeof y === 'number' ? y - x : byName(String(x), String(y));
    return (isReversed ? -order : order) || byName(a.id, b.id);
  };
  return processes.toSorted(compare);
}

/** The greatest offset that still fills the screen. */
export function lastOffset(count: number, { rows }: Size): number {
  return Math.max(0, count - Math.max(1, rows - FRAME));
}

/** The lines of the whole screen, each no wider than it. */
export function viewLines(view: View, size: Size, paint: (style: Style, text: string) => string): string[] {
  const { columns: width, rows } = size;
  const all = sorted(view);
  const offset = Math.min(view.offset, lastOffset(all.length, size));
  const shown = all.slice(offset, offset + Math.max(1, rows - FRAME));
  const columns = PROCESS_COLUMNS.map((column): Column<Process> => {
    const isSorted = column.title === SORTS[view.sort].column;
    return isSorted ? { ...column, title: column.title + (view.isReversed ? '▴' : '▾') } : column;
  });
  const head = [
    paint('bold', truncate(`millrace top  ${printable(view.server)}`, width)),
    view.error === undefined
      ? truncate(totals(view.processes), width)
      : paint('bad', truncate(printable(view.error), width)),
    '',
  ];
  const body = tableLines(columns, shown, { width, paint });
  const filled = [...head, ...body].slice(0, Math.max(1, rows - 1));
  const below = all.length - offset - shown.length;
  const more = below > 0 ? `${below} more below  ` : '';
  while (filled.length < rows - 1) filled.push('');
  return [...filled, paint('dim', truncate(more + KEYS, width))].slice(0, rows);
}

/** What all processes together do. */
export function totals(processes: readonly Process[]): string {
  const states = Map.groupBy(processes, ({ state }) => state?.exec ?? '');
  const sum = (value: (state: NonNullable<Process['state']>) => number) =>
    processes.reduce((total, { state }) => total + (state === undefined ? 0 : value(state)), 0);
  const counts = [...states].filter(([exec]) => exec !== '').map(([exec, list]) => `${list.length} ${exec}`);
  const bitrate = sum(({ exec, progress }) => (exec === 'running' ? progress.bitrate_kbit : 0));
  return [
    `${processes.length} ${processes.length === 1 ? 'process' : 'processes'}${counts.length > 0 ? `: ${counts.join(', ')}` : ''}`,
    `CPU ${formatPercent(sum(({ cpu_usage }) => cpu_usage))}`,
    `memory ${formatBytes(sum(({ memory_bytes }) => memory_bytes))}`,
    // FFmpeg knows none of some outputs, such as HLS.
    ...(bitrate > 0 ? [formatBitrate(bitrate)] : []),
  ].join('  ·  ');
}

function byName(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}
