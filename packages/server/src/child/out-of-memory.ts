import { readFileSync } from 'node:fs';

/** Tells whether a child that was killed was one of those the kernel ended because memory ran out. */
export class OutOfMemoryKills {
  readonly #read: () => number;
  #claimed: number;

  /** @param read how many programs the kernel has ended so far. */
  constructor(read: () => number = readKills) {
    this.#read = read;
    this.#claimed = read();
  }

  /** Whether there is a kill that no other child has claimed. */
  claim(): boolean {
    if (this.#read() <= this.#claimed) return false;
    this.#claimed++;
    return true;
  }
}

/** The kernel's count: of the control group of this process (version 2 or 1), else of the whole machine. */
function readKills(): number {
  const count = counters()
    .map(readText)
    .map((text) => /^oom_kill (\d+)$/m.exec(text)?.[1])
    .find((found) => found !== undefined);
  return Number(count ?? 0);
}

function counters(): string[] {
  const groups = readText('/proc/self/cgroup');
  const unified = /^0::(.*)$/m.exec(groups)?.[1];
  const memory = /^\d+:(?:[^:\n]*,)?memory(?:,[^:\n]*)?:(.*)$/m.exec(groups)?.[1];
  return [
    // In a container the path may be that of the host, and the group itself be mounted at the top.
    ...(memory === undefined
      ? []
      : [`/sys/fs/cgroup/memory${memory}/memory.oom_control`, '/sys/fs/cgroup/memory/memory.oom_control']),
    ...(unified === undefined
      ? []
      : [`/sys/fs/cgroup${unified}/memory.events`, '/sys/fs/cgroup/memory.events']),
    '/proc/vmstat',
  ];
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
