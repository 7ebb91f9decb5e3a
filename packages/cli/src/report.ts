import type { ProcessReport } from '@millrace/client';
import type { Style } from './terminal/style.ts';
import { printable } from './terminal/text.ts';
import { formatTime } from './terminal/units.ts';

/** A line that FFmpeg wrote: when, in Unix seconds, and what. */
export type LogEntry = ProcessReport['log'][number];

/** What is new in a report. */
export interface News {
  entries: LogEntry[];
  /** Whether entries before these may be missing, because more came than are kept. */
  isGap: boolean;
}

/** A line of a log for people. */
export function logLine([at, text]: LogEntry, paint: (style: Style, text: string) => string): string {
  return `${paint('dim', formatTime(Number(at)))}  ${printable(text)}`;
}

/**
 * Follows the log of a process over its runs by its reports, each of which holds only the newest entries. An entry is told
 * once; equal ones that come within the same second may be taken for one.
 */
export class ReportFollower {
  #run: number | undefined;
  #seen: readonly LogEntry[] = [];

  /** What has come since the report before. All of the present run at first. */
  next(report: ProcessReport): News {
    const news =
      this.#run === undefined || this.#run === report.created_at
        ? this.#more(report.log)
        : this.#turn(report);
    this.#run = report.created_at;
    this.#seen = report.log;
    return news;
  }

  #more(log: readonly LogEntry[]): News {
    const seen = this.#seen;
    const start = seen.findIndex((_, index) => isPrefix(seen.slice(index), log));
    if (start === -1) return { entries: [...log], isGap: seen.length > 0 };
    return { entries: log.slice(seen.length - start), isGap: false };
  }

  /** The rest of the run before, the runs in between, and what the new one has. */
  #turn({ created_at, log, history }: ProcessReport): News {
    const run = this.#run ?? 0;
    const before = history.findLast((entry) => entry.created_at === run);
    const between = history.filter((entry) => entry.created_at > run && entry.created_at < created_at);
    const rest = before === undefined ? { entries: [], isGap: run > 0 } : this.#more(before.log);
    return {
      entries: [...rest.entries, ...between.flatMap((entry) => entry.log), ...log],
      isGap: rest.isGap,
    };
  }
}

function isPrefix(part: readonly LogEntry[], whole: readonly LogEntry[]): boolean {
  return (
    part.length <= whole.length &&
    part.every(([at, text], index) => whole[index]?.[0] === at && whole[index][1] === text)
  );
}
