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

type Target = Pick<Filesystem, 'list' | 'remove'>;

interface ActiveRule extends CleanupRule {
  /** Of the filesystem. */
  target: string;
  prefix: string;
  matches: Glob;
}

const INTERVAL_MS = 1_000;
/** How long what others wrote into a storage over the network may remain unseen. */
const LIST_MAX_AGE_MS = 60_000;
const PATTERN = /^([0-9A-Za-z_-]+):(.*)$/s;
const ALIASES: Readonly<Record<string, string>> = { diskfs: 'disk', memfs: 'mem' };

/** Removes files by rules: every second those beyond a rule's limits, and a removed owner's all at once. */
export class Cleanup implements Component {
  readonly #find: (name: string) => Target | undefined;
  readonly #log: Logger;
  readonly #rules = new Map<string, ActiveRule[]>();
  #timer: NodeJS.Timeout | undefined;
  /** By filesystem. */
  readonly #sweeps = new Map<string, Promise<void>>();
  /** The filesystems that failed the last time: nobody needs to be told so every second. */
  readonly #failing = new Set<string>();

  /** @param find the filesystem of that name, as long as there is one. */
  constructor(find: (name: string) => Target | undefined, log: Logger) {
    this.#find = find;
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
    await Promise.all(this.#sweeps.values());
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

  /** Applies all rules once; each filesystem is listed at most once, and left alone while it is still busy. */
  async sweep(): Promise<void> {
    const byTarget = Map.groupBy([...this.#rules.values()].flat(), (rule) => rule.target);
    for (const [target, rules] of byTarget) {
      const limited = rules.filter((rule) => rule.maxFiles > 0 || rule.maxFileAgeSeconds > 0);
      if (limited.length === 0 || this.#sweeps.has(target)) continue;
      const sweep = this.#sweepTarget(target, limited).finally(() => this.#sweeps.delete(target));
      this.#sweeps.set(target, sweep);
    }
    await Promise.all(this.#sweeps.values());
  }

  #sweepTarget(name: string, limited: readonly ActiveRule[]): Promise<void> {
    return this.#guarded(name, async (filesystem) => {
      const prefix = commonPrefix(limited.map((rule) => rule.prefix));
      const files = await filesystem.list({ prefix, maxAge: LIST_MAX_AGE_MS });
      const doomed = new Set(limited.flatMap((rule) => surplus(rule, files)));
      for (const file of doomed) await filesystem.remove(file);
    });
  }

  /** A storage over the network may take long, for which the others do not wait. */
  #arm(): void {
    this.#timer = setTimeout(() => {
      void this.sweep();
      this.#arm();
    }, INTERVAL_MS).unref();
  }

  #activate(rule: CleanupRule): ActiveRule | undefined {
    const [, name = '', glob = ''] = PATTERN.exec(rule.pattern) ?? [];
    if (name === '') return undefined;
    return {
      ...rule,
      target: ALIASES[name] ?? name,
      prefix: literalPrefix(glob),
      matches: createGlob(glob, { separator: '/' }),
    };
  }

  async #purge(rules: readonly ActiveRule[]): Promise<void> {
    for (const { target, prefix, matches } of rules.filter((rule) => rule.purgeOnDelete)) {
      await this.#guarded(target, async (filesystem) => {
        const files = await filesystem.list({ prefix });
        const names = files.map(({ name }) => name).filter(matches);
        // Files before the directories that hold them.
        names.sort((a, b) => b.length - a.length);
        for (const name of names) await filesystem.remove(name);
      });
    }
  }

  async #guarded(name: string, act: (filesystem: Target) => Promise<void>): Promise<void> {
    const filesystem = this.#find(name);
    if (filesystem === undefined) return;
    try {
      await act(filesystem);
      this.#failing.delete(name);
    } catch (error) {
      if (this.#failing.has(name)) return;
      this.#failing.add(name);
      this.#log.warn('Cleanup failed', { filesystem: name, error: errorText(error) });
    }
  }
}

function identity(rule: ActiveRule): string {
  return `${rule.target}:${rule.pattern.slice(rule.pattern.indexOf(':') + 1)}`;
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
