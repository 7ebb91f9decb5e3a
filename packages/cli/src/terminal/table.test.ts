import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { paint, plain } from './style.ts';
import { type Column, tableLines } from './table.ts';
import { pad, printable, truncate, widthOf } from './text.ts';

interface Row {
  id: string;
  state: string;
  note: string;
}
const COLUMNS: Column<Row>[] = [
  { title: 'ID', text: ({ id }) => id, min: 4 },
  { title: 'STATE', text: ({ state }) => state, style: () => 'good' },
  { title: 'NOTE', text: ({ note }) => note, align: 'right', optional: 1 },
];
const ROWS: Row[] = [
  { id: 'camera', state: 'running', note: '5' },
  { id: '映像', state: 'failed', note: '123' },
];

describe('a table', () => {
  test('has its columns below each other, wide characters as well', () => {
    expect(tableLines(COLUMNS, ROWS, { paint: plain })).toEqual([
      'ID      STATE    NOTE',
      'camera  running     5',
      '映像    failed    123',
    ]);
  });

  test('leaves out what is optional where there is no room, and cuts what it may then', () => {
    expect(tableLines(COLUMNS, ROWS, { paint: plain, width: 15 })).toEqual([
      'ID      STATE',
      'camera  running',
      '映像    failed',
    ]);
    expect(tableLines(COLUMNS, ROWS, { paint: plain, width: 13 })).toEqual([
      'ID    STATE',
      'cam…  running',
      '映像  failed',
    ]);
  });

  test('shows no control characters of what it is given', () => {
    const lines = tableLines(COLUMNS, [{ id: 'a\u001b[2J\nb', state: '\u0007', note: '\u202E' }], {
      paint: plain,
    });
    expect(lines[1]).toBe('a\uFFFD[2J\uFFFDb  \uFFFD         \uFFFD');
  });

  test('colours change no width', () => {
    const lines = tableLines(COLUMNS, ROWS, { paint });
    expect(lines[1]).toContain('\u001b[32mrunning\u001b[39m');
    expect(lines.map(widthOf)).toEqual([21, 21, 21]);
  });

  test('never is wider than the terminal where all may be cut', () => {
    const columns: Column<string[]>[] = [0, 1, 2].map((index) => ({
      title: 'T',
      text: (row) => row[index] ?? '',
      min: 1,
    }));
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.string({ unit: 'grapheme' }), { minLength: 3, maxLength: 3 })),
        fc.integer({ min: 7, max: 60 }),
        (rows, width) => {
          for (const line of tableLines(columns, rows, { paint: plain, width }))
            expect(widthOf(line)).toBeLessThanOrEqual(width);
        },
      ),
    );
  });
});

test.each([
  ['camera', 6, 'camera'],
  ['camera', 4, 'cam…'],
  ['映像です', 4, '映…'],
  ['👩‍👩‍👧 family', 3, '👩‍👩‍👧…'],
  ['camera', 0, ''],
])('%s in %d columns is %s', (text, columns, cut) => {
  expect(truncate(text, columns)).toBe(cut);
});

test('padding goes by columns', () => {
  expect(pad('映', 4)).toBe('映  ');
  expect(pad('5', 3, 'right')).toBe('  5');
});

test('printable text is one line without control characters', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(printable(text)).not.toMatch(/[\p{Cc}\u202E]/u);
    }),
  );
});
