import { closeSync, openSync, readFileSync, readSync } from 'node:fs';

/** What a running program takes. */
export interface Usage {
  /** 100 is all that this machine, or its cgroup quota, has. */
  cpuPercent: number;
  /** Resident memory. */
  memoryBytes: number;
}

export const NO_USAGE: Usage = { cpuPercent: 0, memoryBytes: 0 };

/** Ticks of `/proc/<pid>/stat` per second (USER_HZ), 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

/** Reads what one program takes. Linux only: elsewhere it reports nothing. */
export class UsageReader {
  static readonly #buffer = Buffer.alloc(1024);
  readonly #cpuCount: number;
  #file: number | undefined;
  #last: { ticks: number; at: number } | undefined;

  constructor(pid: number, cpuCount: number) {
    this.#cpuCount = cpuCount;
    try {
      // Kept open: cheaper than a path each second, and never another program with the same pid.
      this.#file = openSync(`/proc/${pid}/stat`, 'r');
    } catch {
      // No /proc, no free descriptor, or already gone: nothing to report.
    }
  }

  /** @param now milliseconds of a monotonic clock. The CPU usage is known from the second reading on. */
  read(now: number): Usage {
    const stat = this.#readStat();
    if (stat === undefined) return NO_USAGE;
    const last = this.#last;
    this.#last = { ticks: stat.ticks, at: now };
    const seconds = last === undefined ? 0 : (now - last.at) / 1000;
    const used = last === undefined ? 0 : (stat.ticks - last.ticks) / TICKS_PER_SECOND;
    return {
      cpuPercent: seconds > 0 ? (used / (seconds * this.#cpuCount)) * 100 : 0,
      memoryBytes: stat.pages * pageSize(),
    };
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }

  #readStat(): { ticks: number; pages: number } | undefined {
    if (this.#file === undefined) return undefined;
    try {
      const length = readSync(this.#file, UsageReader.#buffer, 0, UsageReader.#buffer.length, 0);
      return parseStat(UsageReader.#buffer.toString('latin1', 0, length));
    } catch {
      return undefined; // it ended meanwhile
    }
  }
}

/** CPU ticks (user and system) and resident pages from a line of `/proc/<pid>/stat` (proc(5)). */
export function parseStat(line: string): { ticks: number; pages: number } | undefined {
  // The program's name, in parentheses, may itself hold blanks and parentheses.
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
  const [user, system, pages] = [fields[11], fields[12], fields[21]].map(Number);
  if (user === undefined || system === undefined || pages === undefined) return undefined;
  if (Number.isNaN(user + system + pages)) return undefined;
  return { ticks: user + system, pages };
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'latin1').trim();
  } catch {
    return '';
  }
}

let knownPageSize: number | undefined;

/** Bytes of a memory page: Node knows its own memory in bytes, the kernel tells it in pages. */
function pageSize(): number {
  if (knownPageSize === undefined) {
    const pages = parseStat(readText('/proc/self/stat'))?.pages ?? 0;
    knownPageSize = pages > 0 ? 2 ** Math.round(Math.log2(process.memoryUsage.rss() / pages)) : 4096;
  }
  return knownPageSize;
}
