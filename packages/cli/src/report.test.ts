import type { ProcessReport } from '@millrace/client';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type LogEntry, ReportFollower } from './report.ts';

const entries = (...texts: string[]): LogEntry[] => texts.map((text) => ['1', text]);

function report(run: number, log: string[], history: [run: number, log: string[]][] = []): ProcessReport {
  return {
    created_at: run,
    prelude: [],
    log: entries(...log),
    history: history.map(([created_at, lines]) => ({ created_at, prelude: [], log: entries(...lines) })),
  };
}

/** What each of the reports brings. */
function follow(...reports: ProcessReport[]) {
  const follower = new ReportFollower();
  return reports.map((one) => {
    const { entries: news, isGap } = follower.next(one);
    return [news.map(([, text]) => text).join(' '), ...(isGap ? ['gap'] : [])];
  });
}

describe('following the reports of a process', () => {
  test('tells all at first, and then what is new', () => {
    expect(follow(report(1, ['a', 'b']), report(1, ['a', 'b', 'c']), report(1, ['a', 'b', 'c']))).toEqual([
      ['a b'],
      ['c'],
      [''],
    ]);
  });

  test('goes on where the log has moved', () => {
    expect(follow(report(1, ['a', 'b', 'c']), report(1, ['c', 'd', 'e']))).toEqual([['a b c'], ['d e']]);
  });

  test('says that something may be missing', () => {
    expect(follow(report(1, ['a', 'b']), report(1, ['x', 'y']))).toEqual([['a b'], ['x y', 'gap']]);
  });

  test('ends a run before it begins the next, with those in between', () => {
    const history: [number, string[]][] = [
      [1, ['a', 'b', 'end']],
      [2, ['short']],
    ];
    expect(follow(report(1, ['a', 'b']), report(3, ['c'], history))).toEqual([['a b'], ['end short c']]);
  });

  test('does without a run that is no longer kept', () => {
    expect(follow(report(1, ['a']), report(3, ['c']))).toEqual([['a'], ['c', 'gap']]);
  });

  test('begins with a process that has not run yet', () => {
    expect(follow(report(0, []), report(5, ['a']))).toEqual([[''], ['a']]);
  });

  test('tells each line once and in order, however often it looks', () => {
    const steps = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 20 });
    fc.assert(
      fc.property(steps, fc.integer({ min: 4, max: 8 }), (counts, kept) => {
        const all: string[] = [];
        const reports = counts.map((count) => {
          for (let index = 0; index < count; index++) all.push(String(all.length));
          return report(1, all.slice(-kept));
        });
        const told = follow(...reports).map(([text]) => text);
        expect(told.filter((text) => text !== '').join(' ')).toBe(all.join(' '));
      }),
    );
  });
});
