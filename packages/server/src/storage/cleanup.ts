import type { Component } from '../components.ts';
import type { Logger } from '../log/logger.ts';
import { errorText } from '../util/errors.ts';
import type { FileInfo, Filesystem } from './filesystem.ts';
import { type Glob, createGlob, literalPrefix } from '../util/glob.ts';

/** Which files an owner, such as a process, wants removed, and when. */
export interface CleanupRule {
  /** `<filesystem>:<glob>`, such as `memfs:/hls/*.ts`. One that names no filesystem is ignored. */
  pattern: string;
  /** How many matching files stay, the newest ones; 0 for all. */
  maxFiles: number;
  /** How old a matching file may get; 0 for any age. */
  maxFileAgeSeconds: number;
  /** Whether the matching files go when the rule or its owner does. */
  purgeOnDelete: boolean;
}

type Target = Pick<Filesystem, 'name' | 'list' | 'remove'>;

interface ActiveRule extends CleanupRule {
  target: Target;
  prefix: string;
  matches: Glob;
}

const INTERVAL_MS = 1_000;
const PATTERN = /^([a-z]+):(.*)$/s;
const ALIASES: Readonly<Record<string, string>> = { diskfs: 'disk', memfs: 'mem' };

/** Removes files by rules: every second those beyond a rule's limits, and a removed owner's all at once. */
export class Cleanup implements Component {
  readonly #targets: ReadonlyMap<string, Target>;
  readonly #log: Logger;
  readonly #rules = new Map<string, ActiveRule[]>();
  #timer: NodeJS.Timeout | undefined;
  #tick: Promise<void> | undefined;

  constructor(filesystems: readonly Target[], log: Logger) {
    this.#targets = new Map(filesystems.map((filesystem) => [filesystem.name, filesystem]));
    this.#log = log;
  }

  start(): Promise<void> {
    this.#arm();
    return Promise.resolve();
  }

  /** Stops the housekeeping. Nothing is purged: the owners are still there after a restart. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#tick;
  }

  /** Replaces the rules of an owner. Files of rules that are gone are removed if those say so. */
  async set(owner: string, rules: readonly CleanupRule[]): Promise<void> {
    const previous = this.#rules.get(owner) ?? [];
    const active = rules.map((rule) => this.#activate(rule)).filter((rule) => rule !== undefined);
    if (active.length > 0) this.#rules.set(owner, active);
    else this.#rules.delete(owner);
    const kept = new Set(active.map(identity));
    await this.#purge(previous.filter((rule) => !kept.has(identity(rule))));
  }

  /** Forgets an owner and removes the files of those of its rules that say so. */
  async remove(owner: string): Promise<void> {
    await this.set(owner, []);
  }

  /** Applies all rules once; each filesystem is listed at most once. */
  async sweep(): Promise<void> {
    const byTarget = Map.groupBy([...this.#rules.values()].flat(), (rule) => rule.target);
    for (const [target, rules] of byTarget) {
      const limited = rules.filter((rule) => rule.maxFiles > 0 || rule.maxFileAgeSeconds > 0);
      if (limited.length === 0) continue;
      await this.#guarded(target, async () => {
        const files = await target.list({ prefix: commonPrefix(limited.map((rule) => rule.prefix)) });
        const doomed = new Set(limited.flatMap((rule) => surplus(rule, files)));
        for (const name of doomed) await target.remove(name);
      });
    }
  }

  #arm(): void {
    this.#timer = setTimeout(() => {
      this.#tick = this.sweep().finally(() => {
        if (this.#timer !== undefined) this.#arm();
      });
    }, INTERVAL_MS).unref();
  }

  #activate(rule: CleanupRule): ActiveRule | undefined {
    const [, name = '', glob = ''] = PATTERN.exec(rule.pattern) ?? [];
    const target = this.#targets.get(ALIASES[name] ?? name);
    if (target === undefined) return undefined;
    return { ...rule, target, prefix: literalPrefix(glob), matches: createGlob(glob, { separator: '/' }) };
  }

  async #purge(rules: readonly ActiveRule[]): Promise<void> {
    for (const { target, prefix, matches } of rules.filter((rule) => rule.purgeOnDelete)) {
      await this.#guarded(target, async () => {
        const files = await target.list({ prefix });
        const names = files.map(({ name }) => name).filter(matches);
        // Files before the directories that hold them.
        names.sort((a, b) => b.length - a.length);
        for (const name of names) await target.remove(name);
      });
    }
  }

  async #guarded(target: Target, act: () => Promise<void>): Promise<void> {
    try {
      await act();
    } catch (error) {
      this.#log.warn('Cleanup failed', { filesystem: target.name, error: errorText(error) });
    }
  }
}

function identity(rule: ActiveRule): string {
  return `${rule.target.name}:${rule.pattern.slice(rule.pattern.indexOf(':') + 1)}`;
}

/** The names a rule removes out of files that are listed oldest first. */
function surplus(rule: ActiveRule, files: readonly FileInfo[]): string[] {
  const matching = files.filter(({ name }) => rule.matches(name));
  const tooMany = rule.maxFiles > 0 ? Math.max(0, matching.length - rule.maxFiles) : 0;
  const oldest = rule.maxFileAgeSeconds > 0 ? Date.now() - rule.maxFileAgeSeconds * 1000 : -Infinity;
  return matching
    .filter(({ modified }, index) => index < tooMany || modified < oldest)
    .map(({ name }) => name);
}

function commonPrefix(texts: readonly string[]): string {
  const [first = '', ...others] = texts;
  let length = first.length;
  for (const other of others) {
    while (!other.startsWith(first.slice(0, length))) length--;
  }
  return first.slice(0, length);
}
