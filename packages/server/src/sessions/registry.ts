import { EventEmitter } from 'node:events';
import type { Component, PreparedChange } from '../components.ts';
import type { Logger } from '../log/logger.ts';
import { Ranges } from '../util/cidr.ts';
import { errorText } from '../util/errors.ts';
import { Collector, type CollectorSettings, type SessionInfo } from './collector.ts';
import type { HistoryEntry } from './history.ts';

/** Names of the collectors: one for each way in or out. */
export const COLLECTOR_NAMES = ['hls', 'hlsingress', 'rtmp', 'srt', 'http', 'https', 'ffmpeg'] as const;

export type CollectorName = (typeof COLLECTOR_NAMES)[number];

/** Those whose egress together is limited. */
const COMPANIONS = ['hls', 'rtmp', 'srt', 'ffmpeg'] as const satisfies readonly CollectorName[];

export interface SessionsOptions {
  isEnabled: boolean;
  /** CIDR ranges whose sessions are not counted. */
  ignored: readonly string[];
  timeoutMs: number;
  /** Whether the history outlives the server. */
  isPersistent: boolean;
  /** Between two writes of the history; 0 writes it at the end only. */
  persistIntervalMs: number;
  /** 0 is no limit, also for the next. */
  maxSessions: number;
  /** Of all that goes out, in bit/s. */
  maxBitrate: number;
}

/** Where the history is kept. Calls throw if they fail. */
export interface HistoryStore {
  /** What was saved of each collector, the entry not used for longest first. */
  load(collectors: readonly string[]): { collector: string; entries: readonly HistoryEntry[] }[];
  /** Replaces what was saved of these collectors, all at once. */
  save(histories: readonly { collector: string; entries: readonly HistoryEntry[] }[]): void;
}

/** Why a viewer cannot be admitted. */
export type Refusal = 'sessions' | 'bitrate';

const TICK = 1_000;
const INGEST_TIMEOUT = 30_000;
/** Node takes longer ones for 1 ms. */
const MAX_INTERVAL = 2 ** 31 - 1;

/** The past rate of a viewer may be exceeded by so much. */
const HEADROOM = 1.15;

/** What one client's pending sessions may keep from all others, as a part of the limit. */
const PENDING_SHARE = 0.1;

/** Counts who watches and who sends, by protocol, and says when there is no room for more. */
export class Sessions
  extends EventEmitter<{
    /** A session became active. */
    opened: [collector: string, session: SessionInfo];
    /** An active session is over. */
    closed: [collector: string, session: SessionInfo];
  }>
  implements Component
{
  readonly #log: Logger;
  readonly #collectors: ReadonlyMap<CollectorName, Collector>;
  #options: SessionsOptions;
  #store: HistoryStore;
  /** The store whose content is part of the history in memory. */
  #loadedFrom: HistoryStore | undefined;
  #ticker: NodeJS.Timeout | undefined;
  #saver: NodeJS.Timeout | undefined;

  /**
   * @param log of component `Session`.
   * @throws CoreError `invalid` for ranges that are none.
   */
  constructor(options: SessionsOptions, store: HistoryStore, log: Logger) {
    super();
    this.#options = options;
    this.#store = store;
    this.#log = log;
    const ignored = new Ranges(options.ignored);
    const listener = {
      opened: (collector: string, session: SessionInfo) => this.emit('opened', collector, session),
      closed: (collector: string, session: SessionInfo) => this.emit('closed', collector, session),
    };
    this.#collectors = new Map(
      COLLECTOR_NAMES.map((name) => [
        name,
        new Collector(name, settingsOf(name, options, ignored), log, listener),
      ]),
    );
  }

  /** Takes over the history that was kept, if it is to be. */
  // eslint-disable-next-line @typescript-eslint/require-await -- the store is synchronous, components are not
  async start(): Promise<void> {
    if (isKept(this.#options)) this.#adopt(this.#store, this.#store.load(COLLECTOR_NAMES));
    this.#schedule();
  }

  /** Ends all sessions and keeps the history, if it is to be kept. */
  // eslint-disable-next-line @typescript-eslint/require-await -- as start()
  async close(): Promise<void> {
    if (this.#ticker === undefined) return;
    clearInterval(this.#ticker);
    clearInterval(this.#saver);
    this.#ticker = undefined;
    for (const collector of this.#collectors.values()) collector.closeAll();
    if (isKept(this.#options)) this.#save();
  }

  /**
   * Prepares other options or another store. Sessions go on, but for those that are switched off: they end and count.
   *
   * @throws CoreError `invalid` for ranges that are none.
   */
  prepare(options: SessionsOptions, store = this.#store): PreparedChange {
    const ignored = new Ranges(options.ignored);
    const mustLoad = isKept(options) && this.#loadedFrom !== store;
    const loaded = mustLoad ? store.load(COLLECTOR_NAMES) : undefined;
    return {
      commit: () => {
        if (!options.isEnabled) for (const collector of this.#collectors.values()) collector.closeAll();
        if (isKept(this.#options)) this.#save();
        this.#options = options;
        this.#store = store;
        if (loaded !== undefined) this.#adopt(store, loaded);
        for (const [name, collector] of this.#collectors) {
          collector.configure(settingsOf(name, options, ignored));
        }
        this.#schedule();
      },
      abort: () => undefined,
    };
  }

  /** Undefined while sessions are off: to be asked for each time. */
  collector(name: CollectorName): Collector | undefined {
    return this.#options.isEnabled ? this.#collectors.get(name) : undefined;
  }

  /** All of them; none while sessions are off. */
  collectors(): readonly Collector[] {
    return this.#options.isEnabled ? [...this.#collectors.values()] : [];
  }

  /**
   * Why a new viewer cannot be admitted; undefined if it can. Those that are admitted but not active yet count too, publishers do not.
   *
   * @param expectedBitrate of the viewer, in bit/s.
   * @param client address of the viewer. Its own pending sessions count in full, those of others only up to a share.
   */
  refusal(expectedBitrate: number, client?: string, name: CollectorName = 'hls'): Refusal | undefined {
    const { maxSessions, maxBitrate } = this.#options;
    const collector = this.collector(name);
    if (collector === undefined || (maxSessions === 0 && maxBitrate === 0)) return undefined;
    const share = {
      sessions: Math.max(1, Math.floor(maxSessions * PENDING_SHARE)),
      bitrate: maxBitrate * PENDING_SHARE,
    };
    const reserved = collector.reserved(share, client);
    if (maxSessions > 0 && collector.viewerCount + reserved.sessions >= maxSessions) return 'sessions';
    if (maxBitrate === 0) return undefined;
    const egress = COMPANIONS.reduce(
      (sum, companion) => sum + (this.collector(companion)?.topEgress ?? 0),
      0,
    );
    return HEADROOM * egress + reserved.bitrate + expectedBitrate >= maxBitrate ? 'bitrate' : undefined;
  }

  #schedule(): void {
    clearInterval(this.#ticker);
    clearInterval(this.#saver);
    this.#ticker = setInterval(() => {
      for (const collector of this.#collectors.values()) collector.expire();
    }, TICK).unref();
    const { persistIntervalMs } = this.#options;
    if (!isKept(this.#options) || persistIntervalMs === 0) return;
    this.#saver = setInterval(
      () => {
        this.#save();
      },
      Math.min(persistIntervalMs, MAX_INTERVAL),
    ).unref();
  }

  /** Adds what was kept to what came since; what is of another store makes room. */
  #adopt(store: HistoryStore, loaded: ReturnType<HistoryStore['load']>): void {
    for (const { name, history } of this.#collectors.values()) {
      const since = this.#loadedFrom === undefined ? history.entries() : [];
      const kept = loaded.find(({ collector }) => collector === name)?.entries ?? [];
      history.clear();
      for (const entry of [...kept, ...since]) history.add(entry);
      if (since.length === 0) history.stored();
    }
    this.#loadedFrom = store;
  }

  #save(): void {
    const dirty = [...this.#collectors.values()].filter(({ history }) => history.isDirty);
    if (dirty.length === 0) return;
    try {
      this.#store.save(dirty.map(({ name, history }) => ({ collector: name, entries: history.entries() })));
      for (const { history } of dirty) history.stored();
    } catch (error) {
      this.#log.error('The history of sessions could not be stored', { error: errorText(error) });
    }
  }
}

function isKept({ isEnabled, isPersistent }: SessionsOptions): boolean {
  return isEnabled && isPersistent;
}

function settingsOf(name: CollectorName, options: SessionsOptions, ignored: Ranges): CollectorSettings {
  const { timeoutMs, maxSessions, maxBitrate } = options;
  return name === 'hlsingress'
    ? { timeoutMs: INGEST_TIMEOUT, ignored: undefined, maxSessions: 0, maxTxBitrate: 0 }
    : { timeoutMs, ignored, maxSessions, maxTxBitrate: maxBitrate };
}
