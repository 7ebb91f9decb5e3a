import type { ProcessConfig } from '@millrace/client';
import { describe, expect, test } from 'vitest';
import { type Export, type ExportedProcess, parseExport, planImport } from './transfer.ts';

function exported(id: string, input = 'x', change: Partial<ExportedProcess> = {}): ExportedProcess {
  const io = { id: 'a', address: input, options: [] };
  const config: ProcessConfig = {
    id,
    type: 'ffmpeg',
    reference: '',
    input: [io],
    output: [{ ...io, address: '-' }],
    options: [],
    reconnect: true,
    reconnect_delay_seconds: 15,
    autostart: true,
    stale_timeout_seconds: 0,
    limits: { cpu_usage: 0, memory_mbytes: 0, waitfor_seconds: 0 },
  };
  return { config, order: 'start', metadata: {}, ...change };
}

function all(processes: ExportedProcess[], metadata: Record<string, unknown> = {}): Export {
  return { format: 'millrace-export', version: 1, exported_at: '', server: '', processes, metadata };
}

function plan(present: Export, wanted: Export, prune = false): string[] {
  return planImport(present, wanted, prune).map(({ kind, what, name, details }) =>
    [what, kind, name, ...details].join(' '),
  );
}

describe('an import', () => {
  test('changes nothing where all is the same', () => {
    const same = all([exported('a', 'x', { metadata: { note: { b: 1 } } })], { key: [1] });
    expect(plan(same, structuredClone(same))).toEqual([]);
    expect(plan(same, structuredClone(same), true)).toEqual([]);
  });

  test('says what is different', () => {
    const before = exported('a', 'x', { metadata: { one: 1, two: 2 } });
    const after = exported('a', 'y', { metadata: { one: 1, two: 3 }, order: 'stop' });
    after.config.limits.cpu_usage = 50;
    expect(plan(all([before], { key: 1 }), all([after], { key: 2, other: 1 }))).toEqual([
      'change process a input limits.cpu_usage',
      'change metadata a: two',
      'stop process a',
      'change metadata key',
      'add metadata other',
    ]);
  });

  test('leaves what only the server has, unless it is to go', () => {
    const present = all([exported('a'), exported('b')], { key: 1 });
    expect(plan(present, all([exported('a')]))).toEqual([]);
    expect(plan(present, all([exported('a')]), true)).toEqual(['remove metadata key', 'remove process b']);
  });

  test('makes a process after those that it takes its input from, and removes it before them', () => {
    const chain = [exported('a', '#b:output=a'), exported('b', '#c:output=a'), exported('c')];
    expect(plan(all([]), all(chain))).toEqual(['add process c', 'add process b', 'add process a']);
    expect(plan(all(chain), all([]), true)).toEqual([
      'remove process a',
      'remove process b',
      'remove process c',
    ]);
  });

  test('gets along with processes that take their input from each other', () => {
    const circle = [exported('a', '#b:output=a'), exported('b', '#a:output=a')];
    expect(plan(all([]), all(circle))).toHaveLength(2);
  });
});

describe('an export', () => {
  test('is read as it was written', () => {
    const written = all([exported('a', 'x', { order: 'stop', metadata: { k: 1 } })], { key: 'value' });
    expect(parseExport(JSON.stringify(written))).toEqual(written);
  });

  test.each([
    ['', /JSON/],
    ['[]', /format/],
    ['{"format":"millrace-export","version":2}', /its version is 2/],
    ['{"format":"millrace-export","version":1}', /no list of processes/],
    ['{"format":"millrace-export","version":1,"processes":[{}]}', /process 0 has no id/],
    ['{"format":"millrace-export","version":1,"processes":[{"config":{"id":"a"}}]}', /no inputs/],
    [JSON.stringify(all([exported('a'), exported('a')])), /process a is there twice/],
  ])('is not %s', (text, says) => {
    expect(() => parseExport(text)).toThrow(says);
  });
});
