import type { Process } from '@millrace/client';
import { describe, expect, test } from 'vitest';
import { plain } from '../terminal/style.ts';
import { widthOf } from '../terminal/text.ts';
import { lastOffset, SORTS, sorted, type SortKey, type View, viewLines } from './view.ts';

function process(id: string, exec: string, cpu: number, memory = 0): Process {
  const progress = { fps: cpu, speed: 1, bitrate_kbit: memory } as NonNullable<Process['state']>['progress'];
  const state = {
    order: 'start',
    exec,
    runtime_seconds: memory,
    reconnect_seconds: -1,
    last_logline: '',
    progress,
    memory_bytes: memory,
    cpu_usage: cpu,
    command: [],
  };
  return { id, type: 'ffmpeg', reference: 'some-reference', created_at: 0, updated_at: 0, state };
}

const PROCESSES = [
  process('b', 'running', 5, 100),
  process('a2', 'failed', 0, 50),
  process('a10', 'finished', 0, 0),
];

function view(change: Partial<View> = {}): View {
  return {
    server: 'http://server',
    processes: PROCESSES,
    sort: 'cpu',
    isReversed: false,
    offset: 0,
    ...change,
  };
}

describe('the screen of top', () => {
  test.each<[SortKey, boolean, string]>([
    ['cpu', false, 'b a2 a10'],
    ['cpu', true, 'a2 a10 b'],
    ['memory', false, 'b a2 a10'],
    ['id', false, 'a2 a10 b'],
    ['id', true, 'b a10 a2'],
    ['state', false, 'a2 a10 b'],
  ])('orders by %s, reversed: %j', (sort, isReversed, ids) => {
    const shown = sorted({ processes: PROCESSES, sort, isReversed });
    expect(shown.map(({ id }) => id).join(' ')).toBe(ids);
  });

  test('every order has a key of its own and a column', () => {
    const keys = Object.values(SORTS).map(({ key }) => key);
    expect(new Set(keys).size).toBe(keys.length);
    const titles = viewLines(view(), { columns: 200, rows: 20 }, plain)[3] ?? '';
    for (const { column } of Object.values(SORTS)) expect(titles).toContain(column);
  });

  test('names no bitrate where FFmpeg knows none', () => {
    const lines = viewLines(
      view({ processes: [process('hls', 'running', 5)] }),
      { columns: 200, rows: 20 },
      plain,
    );
    expect(lines.join('\n')).not.toContain('bit/s');
  });

  test.each([
    [200, 40],
    [80, 24],
    [40, 10],
    [10, 5],
    [3, 2],
    [1, 1],
  ])('fits %d columns and %d rows', (columns, rows) => {
    const many = Array.from({ length: 50 }, (_, index) => process(`process-${index}`, 'running', index));
    const lines = viewLines(view({ processes: many }), { columns, rows }, plain);
    expect(lines.length).toBeLessThanOrEqual(rows);
    // The terminal cuts off what no column can give up.
    if (columns >= 40) expect(Math.max(...lines.map(widthOf))).toBeLessThanOrEqual(columns);
  });

  test('scrolls, no further than the last fills it', () => {
    const many = Array.from({ length: 30 }, (_, index) => process(`p${index}`, 'running', 0));
    const size = { columns: 80, rows: 15 };
    expect(lastOffset(many.length, size)).toBe(20);
    const lines = viewLines(view({ processes: many, sort: 'id', offset: 100 }), size, plain);
    expect(lines[4]).toMatch(/^p20 /);
    expect(lines[13]).toMatch(/^p29 /);
    expect(viewLines(view({ processes: many }), size, plain).at(-1)).toMatch(/^20 more below/);
  });

  test('shows why what is shown is old', () => {
    const lines = viewLines(view({ error: 'no answer\u001b[2J' }), { columns: 80, rows: 24 }, plain);
    expect(lines[1]).toBe('no answer\uFFFD[2J');
  });
});
