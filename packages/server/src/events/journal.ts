import { EventEmitter } from 'node:events';
import type { Logger } from '../log/logger.ts';
import { errorText } from '../util/errors.ts';
import { mapTexts, maskSecrets } from '../util/text.ts';
import { processOf, type Entry, type Serialize, type ServerEvent } from './event.ts';

/** Where entries are kept. Calls throw if they fail. */
export interface EntryStore {
  /** 0 if there is none. */
  lastId(): number;
  count(): number;
  has(id: number): boolean;
  after(id: number, limit: number): Entry[];
  insert(entries: readonly Entry[]): void;
  /** Removes the oldest beyond a number, and those from before an instant. */
  prune(maxCount: number, before: number): void;
}

export interface JournalLimits {
  maxEvents: number;
  /** 0 is any age. */
  maxAgeMs: number;
}

/** How long the first event of a batch waits for others. */
const PAUSE = 50;
const MAX_PAUSE = 2_000;
/** Writing may take this part of the time: after each batch there is a pause of that many times its duration. */
const PAUSES_A_WRITE = 19;
const PAUSE_AFTER_FAILURE = 1_000;
const MAX_BATCH = 512;
/** What may wait to be written. */
const MAX_WAITING = 10_000;
const MAX_WAITING_LENGTH = 8 * 1024 * 1024;
const MAX_TEXT_LENGTH = 2_048;
const MAX_DATA_LENGTH = 16 * 1024;
/** How many more than the limit there may be before the oldest go, as a part of it. */
const SLACK = 0.1;
const AGE_CHECK_INTERVAL = 60_000;
const COMPLAINT_INTERVAL = 60_000;

/**
 * The order of events, kept in a store. Events are written in batches, and told only when they are written: whoever has
 * an event can come back with its id.
 */
export class Journal extends EventEmitter<{
  /** Entries that follow each other, all of them stored or, if the store fails, none. */
  written: [entries: readonly Entry[], isStored: boolean];
}> {
  readonly #store: EntryStore;
  readonly #serialize: Serialize;
  readonly #log: Logger;
  #limits: JournalLimits;
  #waiting: Omit<Entry, 'id'>[] = [];
  #waitingLength = 0;
  #timer: NodeJS.Timeout | undefined;
  #pause = PAUSE;
  #lastId = 0;
  /** By the clock, so that ids grow even if the store has been lost or put back to an earlier state. */
  #lowestId = 0;
  #count = 0;
  #lost = 0;
  #ageCheckedAt = -Infinity;
  #complainedAt = -Infinity;
  #isOpen = false;

  constructor(store: EntryStore, serialize: Serialize, log: Logger, limits: JournalLimits) {
    super();
    this.#store = store;
    this.#serialize = serialize;
    this.#log = log;
    this.#limits = limits;
  }

  open(): void {
    this.#lastId = this.#store.lastId();
    this.#lowestId = Date.now();
    this.#count = this.#store.count();
    this.#isOpen = true;
  }

  /** Writes what waits, for the last time. */
  close(): void {
    if (!this.#isOpen) return;
    clearTimeout(this.#timer);
    while (this.#waiting.length > 0) this.#write();
    this.#isOpen = false;
  }

  configure(limits: JournalLimits): void {
    this.#limits = limits;
    this.#ageCheckedAt = -Infinity;
  }

  /** The id of the newest event that was told. */
  get lastId(): number {
    return this.#lastId;
  }

  /** How many of the newest events are missing in the store. */
  get lost(): number {
    return this.#lost;
  }

  add(event: ServerEvent): void {
    if (!this.#isOpen) return;
    const entry = this.#toEntry(event);
    if (this.#waiting.length >= MAX_WAITING || this.#waitingLength > MAX_WAITING_LENGTH) {
      this.#lost++;
      return;
    }
    this.#waiting.push(entry);
    this.#waitingLength += entry.data.length;
    this.#schedule();
  }

  /** Whether somebody who has seen everything up to that event can be given all that followed. */
  reachesBackTo(id: number): boolean {
    return this.#lost === 0 && (id === this.#lastId || this.#store.has(id));
  }

  /** The oldest stored events behind an id. */
  after(id: number, limit: number): Entry[] {
    return this.#store.after(id, limit);
  }

  /** A gap as it is told to somebody who comes back too late. */
  gap(): string {
    return this.#serialize({ type: 'gap', lost: this.#lost }, Date.now());
  }

  #schedule(): void {
    this.#timer ??= setTimeout(() => {
      this.#write();
      if (this.#waiting.length > 0) this.#schedule();
    }, this.#pause).unref();
  }

  #write(): void {
    this.#timer = undefined;
    const began = performance.now();
    const batch = this.#waiting.splice(0, MAX_BATCH);
    for (const { data } of batch) this.#waitingLength -= data.length;
    const missing = this.#lost;
    if (missing > 0) batch.unshift(this.#toEntry({ type: 'gap', lost: missing }));
    const entries = batch.map((entry) => ({ id: this.#nextId(), ...entry }));
    try {
      this.#store.insert(entries);
      this.#lost -= missing;
      this.#count += entries.length;
      this.#pause = Math.min(MAX_PAUSE, Math.max(PAUSE, PAUSES_A_WRITE * (performance.now() - began)));
    } catch (error) {
      const told = entries.filter(({ type }) => type !== 'gap');
      this.#lost += told.length;
      this.#pause = PAUSE_AFTER_FAILURE;
      this.#complain(error);
      this.emit('written', told, false);
      return;
    }
    this.emit('written', entries, true);
    this.#prune();
  }

  #nextId(): number {
    this.#lastId = Math.max(this.#lastId + 1, this.#lowestId);
    return this.#lastId;
  }

  #prune(): void {
    const { maxEvents, maxAgeMs } = this.#limits;
    const now = performance.now();
    if (this.#count <= maxEvents * (1 + SLACK) && now - this.#ageCheckedAt < AGE_CHECK_INTERVAL) return;
    this.#ageCheckedAt = now;
    try {
      this.#store.prune(maxEvents, maxAgeMs === 0 ? 0 : Date.now() - maxAgeMs);
      this.#count = this.#store.count();
    } catch (error) {
      this.#complain(error);
    }
  }

  /** The complaint becomes an event itself, which may fail as well. */
  #complain(error: unknown): void {
    const now = performance.now();
    if (now - this.#complainedAt < COMPLAINT_INTERVAL) return;
    this.#complainedAt = now;
    this.#log.error('The journal of events could not be written', { error: errorText(error) });
  }

  #toEntry(event: ServerEvent): Omit<Entry, 'id'> {
    const at = Date.now();
    const presentable = mapTexts(event, (text) => maskSecrets(text.slice(0, MAX_TEXT_LENGTH))) as ServerEvent;
    let data = this.#serialize(presentable, at);
    if (data.length > MAX_DATA_LENGTH && presentable.type === 'log') {
      data = this.#serialize({ ...presentable, fields: {} }, at);
    }
    return {
      at,
      type: event.type,
      process: processOf(presentable),
      level: event.type === 'log' ? event.level : '',
      data,
    };
  }
}
