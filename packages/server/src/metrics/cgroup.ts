import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

/** Used memory of a limited group, in bytes. */
export interface GroupMemory {
  totalBytes: number;
  usedBytes: number;
}

/** What a group with a CPU quota has used so far, in seconds. */
export interface GroupCpu {
  /** CPUs' worth of time it may use; may be a fraction. */
  cpus: number;
  user: number;
  system: number;
}

/** How often and how long a group was kept from the CPU because its quota was used up. */
export interface Throttling {
  periods: number;
  seconds: number;
}

/** Where the limits of a control group are found in one of the two layouts of the kernel. */
interface Layout {
  /** Directories of the group and of all above it, the nearest first, for the CPU and for the memory. */
  cpu: readonly string[];
  memory: readonly string[];
  quota: (directory: string) => number | undefined;
  usage: (directory: string) => Omit<GroupCpu, 'cpus'> | undefined;
  limits: (directory: string) => GroupMemory | undefined;
  /** In `cpu.stat`: the name of the throttled time, and how many of its units are a second. */
  throttled: { name: string; unit: number };
}

/**
 * The limits that the kernel's control groups put on this process: those of its own group and of all groups above
 * it, of which the tightest counts. Versions 1 and 2 (cgroups(7)); without any there are no limits.
 */
export class Cgroup {
  readonly #layout: Layout | undefined;

  /**
   * @param root where the hierarchies are mounted.
   * @param membership the file that names the groups of the process.
   */
  constructor(root = '/sys/fs/cgroup', membership = '/proc/self/cgroup') {
    const groups = readText(membership)?.split('\n') ?? [];
    this.#layout = [version1(root, groups), version2(root, groups)].find(isPresent);
  }

  /** The tightest CPU quota, and what its group has used; undefined if there is none. */
  cpu(): GroupCpu | undefined {
    const layout = this.#layout;
    const tightest = minBy(layout?.cpu ?? [], (directory) => layout?.quota(directory));
    const usage = tightest && layout?.usage(tightest.directory);
    return usage && { cpus: tightest.value, ...usage };
  }

  /** Of the group with the tightest CPU quota; undefined if there is none. */
  throttling(): Throttling | undefined {
    const layout = this.#layout;
    const tightest = minBy(layout?.cpu ?? [], (directory) => layout?.quota(directory));
    const stat = tightest && readText(join(tightest.directory, 'cpu.stat'));
    if (layout === undefined || stat === undefined) return undefined;
    const { name, unit } = layout.throttled;
    return {
      periods: numberIn(stat, 'nr_throttled') ?? 0,
      seconds: (numberIn(stat, name) ?? 0) / unit,
    };
  }

  /** How many CPUs' worth of time may be used; undefined if that is not limited. */
  cpuCount(): number | undefined {
    const layout = this.#layout;
    return minBy(layout?.cpu ?? [], (directory) => layout?.quota(directory))?.value;
  }

  /** The tightest memory limit, and how much of it is used; undefined if there is none. */
  memory(): GroupMemory | undefined {
    const layout = this.#layout;
    const tightest = minBy(layout?.memory ?? [], (directory) => layout?.limits(directory)?.totalBytes);
    return tightest && layout?.limits(tightest.directory);
  }
}

function version1(root: string, groups: readonly string[]): Layout {
  const directories = (controller: string) => {
    const line = groups.find((text) => text.split(':')[1]?.split(',').includes(controller));
    return withParents(join(root, controller), pathOf(line));
  };
  return {
    cpu: directories('cpu'),
    memory: directories('memory'),
    quota: (directory) => {
      const period = readNumber(join(directory, 'cpu.cfs_period_us')) ?? 0;
      const quota = readNumber(join(directory, 'cpu.cfs_quota_us')) ?? 0;
      return quota > 0 && period > 0 ? quota / period : undefined;
    },
    usage: (directory) => {
      // Each controller has a hierarchy of its own; that of the quota is counted in the other under the same name.
      const group = relative(join(root, 'cpu'), directory);
      const nanoseconds = readNumber(join(root, 'cpuacct', group, 'cpuacct.usage'));
      // compat: the kernel does not tell both apart here; the reference calls all of it system time.
      return nanoseconds === undefined ? undefined : { user: 0, system: nanoseconds / 1e9 };
    },
    limits: (directory) =>
      toMemory(
        readNumber(join(directory, 'memory.limit_in_bytes')),
        readNumber(join(directory, 'memory.usage_in_bytes')),
      ),
    throttled: { name: 'throttled_time', unit: 1e9 },
  };
}

function version2(root: string, groups: readonly string[]): Layout {
  const directories = withParents(root, pathOf(groups.find((text) => text.startsWith('0::'))));
  return {
    cpu: directories,
    memory: directories,
    quota: (directory) => {
      const text = readText(join(directory, 'cpu.max')) ?? '';
      const [quota, period] = text.split(' ').map(Number);
      return quota !== undefined && period !== undefined && quota > 0 && period > 0
        ? quota / period
        : undefined;
    },
    usage: (directory) => {
      const stat = readText(join(directory, 'cpu.stat'));
      if (stat === undefined) return undefined;
      const total = numberIn(stat, 'usage_usec');
      if (total === undefined) return undefined;
      const user = numberIn(stat, 'user_usec') ?? 0;
      return { user: user / 1e6, system: (total - user) / 1e6 };
    },
    limits: (directory) =>
      toMemory(readNumber(join(directory, 'memory.max')), readNumber(join(directory, 'memory.current'))),
    throttled: { name: 'throttled_usec', unit: 1e6 },
  };
}

/** Whether the kernel offers anything in this layout. */
function isPresent({ cpu, memory, quota, usage, limits }: Layout): boolean {
  return (
    cpu.some((directory) => quota(directory) !== undefined || usage(directory) !== undefined) ||
    memory.some((directory) => limits(directory) !== undefined)
  );
}

/** The directories of a group and of those above it. A container may not see its own path: it sees its root then. */
function withParents(root: string, path: string): string[] {
  const names = path.split('/').filter((name) => name !== '' && name !== '..');
  return Array.from({ length: names.length + 1 }, (_, index) =>
    join(root, ...names.slice(0, names.length - index)),
  );
}

function pathOf(line: string | undefined): string {
  return line?.split(':').slice(2).join(':') ?? '';
}

function toMemory(totalBytes: number | undefined, usedBytes: number | undefined): GroupMemory | undefined {
  return totalBytes !== undefined && usedBytes !== undefined && totalBytes > 0
    ? { totalBytes, usedBytes }
    : undefined;
}

function minBy(
  directories: readonly string[],
  measure: (directory: string) => number | undefined,
): { directory: string; value: number } | undefined {
  let least: { directory: string; value: number } | undefined;
  for (const directory of directories) {
    const value = measure(directory);
    if (value !== undefined && (least === undefined || value < least.value)) least = { directory, value };
  }
  return least;
}

/** A value of a file with a name and a number in each line. */
function numberIn(text: string, name: string): number | undefined {
  const value = new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1];
  return value === undefined ? undefined : Number(value);
}

/** Undefined for what is no number, such as `max`. */
function readNumber(path: string): number | undefined {
  const text = readText(path);
  return text !== undefined && /^-?\d+$/.test(text) ? Number(text) : undefined;
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1').trim();
  } catch {
    return undefined;
  }
}
