import { belongsTo } from './variants.ts';

/** What came together under one key. */
export interface Totals {
  sessions: number;
  rxBytes: number;
  txBytes: number;
}

/** Totals of the sessions that are over, of one peer at one location. */
export interface HistoryEntry extends Totals {
  location: string;
  peer: string;
  reference: string;
}

/** The past by who was there and what they watched or sent. */
export interface Summary extends Totals {
  byPeer: Map<string, Totals & { byLocation: Map<string, Totals> }>;
  byLocation: Map<string, Totals>;
  byReference: Map<string, Totals>;
}

/** Where the totals of those go that have not been seen for the longest time. */
const OTHER = 'other';

/** How many entries are kept. Clients choose what they are called, so without a limit there is no end to them. */
export const MAX_ENTRIES = 2_000;

/**
 * The sessions of one collector that are over. Nothing is ever lost of the totals, but there are only so many entries:
 * the one not used for longest is added to that of `other` peers at its location, or of all others.
 */
export class History {
  readonly #entries = new Map<string, HistoryEntry>();
  readonly #total = noTotals();
  readonly #maxEntries: number;
  #isDirty = false;

  constructor(maxEntries = MAX_ENTRIES) {
    this.#maxEntries = maxEntries;
  }

  /** Of everything. */
  get total(): Readonly<Totals> {
    return this.#total;
  }

  /** Whether something was added since `stored`. */
  get isDirty(): boolean {
    return this.#isDirty;
  }

  /** The entries, the one not used for longest first. */
  entries(): HistoryEntry[] {
    return [...this.#entries.values()];
  }

  /** Whatever is there now is kept elsewhere too. */
  stored(): void {
    this.#isDirty = false;
  }

  add(entry: HistoryEntry): void {
    addTo(this.#total, entry);
    this.#merge(entry);
    while (this.#entries.size > this.#maxEntries) this.#fold();
    this.#isDirty = true;
  }

  clear(): void {
    this.#entries.clear();
    Object.assign(this.#total, noTotals());
    this.#isDirty = true;
  }

  summary(): Summary {
    const summary: Summary = {
      ...this.#total,
      byPeer: new Map(),
      byLocation: new Map(),
      byReference: new Map(),
    };
    for (const entry of this.#entries.values()) {
      const peer = getOrAdd(summary.byPeer, entry.peer, () => ({
        ...noTotals(),
        byLocation: new Map<string, Totals>(),
      }));
      addTo(peer, entry);
      addTo(getOrAdd(peer.byLocation, entry.location, noTotals), entry);
      addTo(getOrAdd(summary.byLocation, entry.location, noTotals), entry);
      addTo(getOrAdd(summary.byReference, entry.reference, noTotals), entry);
    }
    return summary;
  }

  /** How many sessions belonged to a process of this reference. */
  sessionsOf(reference: string): number {
    let sessions = 0;
    for (const entry of this.#entries.values()) {
      if (belongsTo(entry.reference, reference)) sessions += entry.sessions;
    }
    return sessions;
  }

  #merge(entry: HistoryEntry): void {
    const key = keyOf(entry);
    const known = this.#entries.get(key);
    // Back in at the end: what is used last is folded last.
    this.#entries.delete(key);
    if (known !== undefined) addTo(known, entry);
    this.#entries.set(key, known ?? { ...entry });
  }

  #fold(): void {
    const [oldest] = this.#entries.values();
    if (oldest === undefined) return;
    this.#entries.delete(keyOf(oldest));
    const isFolded = oldest.peer === OTHER;
    this.#merge(isFolded ? { ...oldest, location: OTHER, reference: OTHER } : { ...oldest, peer: OTHER });
  }
}

function noTotals(): Totals {
  return { sessions: 0, rxBytes: 0, txBytes: 0 };
}

function addTo(totals: Totals, more: Totals): void {
  totals.sessions += more.sessions;
  totals.rxBytes += more.rxBytes;
  totals.txBytes += more.txBytes;
}

function keyOf({ location, peer, reference }: HistoryEntry): string {
  return `${location}\0${peer}\0${reference}`;
}

function getOrAdd<T>(map: Map<string, T>, key: string, create: () => T): T {
  const known = map.get(key);
  if (known !== undefined) return known;
  const created = create();
  map.set(key, created);
  return created;
}
