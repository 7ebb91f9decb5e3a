import type { Logger } from '../log/logger.ts';
import type { Ranges } from '../util/cidr.ts';
import { isIP } from 'node:net';
import { Rate } from '../util/rate.ts';
import { DecayingSum } from './decay.ts';
import { History, type HistoryEntry, type Summary, type Totals } from './history.ts';
import { PendingSessions, type Demand } from './pending.ts';
import { RATE_WINDOW, Session, type SessionInfo, type SessionOptions } from './session.ts';
import { belongsTo } from './variants.ts';

export type { SessionInfo, SessionOptions } from './session.ts';

/** What a collector goes by. It may change while there are sessions. */
export interface CollectorSettings {
  /** Without traffic for so long, an active session ends. */
  timeoutMs: number;
  /** Addresses whose sessions do not count; undefined if everything counts. */
  ignored: Ranges | undefined;
  /** 0 is no limit, also for the next. */
  maxSessions: number;
  /** Bit/s. */
  maxTxBitrate: number;
}

/** Who is told what becomes of sessions. */
export interface CollectorListener {
  opened(collector: string, session: SessionInfo): void;
  closed(collector: string, session: SessionInfo): void;
}

/** A pending session that nobody uses is dropped after this time. */
const PENDING_TIMEOUT = 5_000;

/** The sessions of one protocol: those that go on, and what is known of the past. */
export class Collector {
  readonly name: string;
  readonly #log: Logger;
  readonly #listener: CollectorListener;
  readonly #history = new History();
  /** Pending and active ones, in the order in which they came. */
  readonly #sessions = new Map<string, Session>();
  readonly #pending = new PendingSessions();
  readonly #rx = new Rate(performance.now(), RATE_WINDOW);
  readonly #tx = new Rate(performance.now(), RATE_WINDOW);
  /** Of the top rates of the active sessions. */
  readonly #topTx = new DecayingSum(0, performance.now());
  /** Of the active sessions. */
  #publishers = 0;
  #settings: CollectorSettings;

  /** @param log of component `Session`. */
  constructor(name: string, settings: CollectorSettings, log: Logger, listener: CollectorListener) {
    this.name = name;
    this.#settings = settings;
    this.#log = log.with({ type: name });
    this.#listener = listener;
  }

  /** Applies to the sessions there are as well. */
  configure(settings: CollectorSettings): void {
    this.#settings = settings;
  }

  get settings(): Readonly<CollectorSettings> {
    return this.#settings;
  }

  get activeCount(): number {
    return this.#sessions.size - this.#pending.size;
  }

  /** Active ones that take a place of those that are limited. */
  get viewerCount(): number {
    return this.activeCount - this.#publishers;
  }

  get pendingCount(): number {
    return this.#pending.size;
  }

  /** Whether it is an address whose sessions are to be counted. */
  isCountable(ip: string): boolean {
    const { ignored } = this.#settings;
    return ignored === undefined || (isIP(ip) !== 0 && !ignored.has(ip));
  }

  has(id: string): boolean {
    return this.#sessions.has(id);
  }

  /** Opens a session that is pending at first. Does nothing if it is known. */
  register(id: string, options: SessionOptions): void {
    if (this.#sessions.has(id)) return;
    const session = new Session(id, options, performance.now());
    const displaced = this.#pending.add(session);
    this.#sessions.set(session.id, session);
    if (displaced !== undefined) this.#end(displaced);
    if (this.#log.enabled('debug')) this.#log.debug('Pending', toFields(session));
  }

  /** Makes a pending session an active one. */
  activate(id: string): void {
    const session = this.#sessions.get(id);
    if (session === undefined || session.isActive) return;
    const now = performance.now();
    this.#pending.remove(session);
    session.isActive = true;
    if (session.isPublisher) this.#publishers++;
    this.#topTx.add(session.tx.top(now), now);
    this.#log.info('Active', toFields(session));
    this.#listener.opened(this.name, session.info(now));
  }

  /** Counts bytes that a session sent us, which keeps it alive. */
  ingress(id: string, bytes: number): void {
    const session = this.#sessions.get(id);
    if (session === undefined || !(bytes > 0)) return;
    const now = performance.now();
    session.touchedAt = now;
    session.rx.add(bytes, now);
    this.#rx.add(bytes * 8, now);
  }

  /** Counts bytes that we sent to a session, which keeps it alive. */
  egress(id: string, bytes: number): void {
    const session = this.#sessions.get(id);
    if (session === undefined || !(bytes > 0)) return;
    const now = performance.now();
    session.touchedAt = now;
    const rise = session.tx.add(bytes, now);
    if (session.isActive && rise > 0) this.#topTx.add(rise, now);
    this.#tx.add(bytes * 8, now);
  }

  /** Ends a session at once. */
  close(id: string): void {
    const session = this.#sessions.get(id);
    if (session !== undefined) this.#end(session);
  }

  /** Ends all sessions. */
  closeAll(): void {
    for (const session of this.#sessions.values()) this.#end(session);
  }

  /** Ends the sessions that have been without traffic for too long. */
  expire(): void {
    const now = performance.now();
    const { timeoutMs } = this.#settings;
    const untouchedMs = Math.min(PENDING_TIMEOUT, timeoutMs);
    for (const session of this.#sessions.values()) {
      const patience = session.hasTraffic ? timeoutMs : untouchedMs;
      if (now - session.touchedAt >= patience) this.#end(session);
    }
  }

  /** The highest bitrate at which the session sent to us lately, in bit/s; 0 if there is no such session. */
  topIngress(id: string): number {
    return this.#sessions.get(id)?.rx.top(performance.now()) ?? 0;
  }

  /** What the active sessions took at most lately, in bit/s. */
  get topEgress(): number {
    return this.#topTx.at(performance.now());
  }

  /** What is kept free for pending sessions; see `PendingSessions.reserved`. */
  reserved(share: Demand, client: string | undefined): Demand {
    return this.#pending.reserved(share, client);
  }

  /** The active sessions, in the order in which they came. */
  active(): SessionInfo[] {
    const now = performance.now();
    const list: SessionInfo[] = [];
    for (const session of this.#sessions.values()) if (session.isActive) list.push(session.info(now));
    return list;
  }

  /** What the sessions that are over amount to. */
  get totals(): Readonly<Totals> {
    return this.#history.total;
  }

  /** Of the sessions that are over. */
  summary(): Summary {
    return this.#history.summary();
  }

  /** Bit/s over the last 10 seconds, those of ended sessions included. */
  rates(): { rxBitrate: number; txBitrate: number } {
    const now = performance.now();
    this.#rx.advance(now);
    this.#tx.advance(now);
    return { rxBitrate: this.#rx.perSecond, txBitrate: this.#tx.perSecond };
  }

  /** How many sessions are and were active that belong to a process of this reference. */
  count(reference: string): { active: number; past: number } {
    let active = 0;
    for (const session of this.#sessions.values()) {
      if (session.isActive && belongsTo(session.reference, reference)) active++;
    }
    return { active, past: this.#history.sessionsOf(reference) };
  }

  /** The past, for whoever keeps it. */
  get history(): History {
    return this.#history;
  }

  #end(session: Session): void {
    this.#sessions.delete(session.id);
    if (!session.isActive) {
      this.#pending.remove(session);
      if (this.#log.enabled('debug')) this.#log.debug('Closed pending', toFields(session));
      return;
    }
    const now = performance.now();
    this.#topTx.add(-session.tx.top(now), now);
    if (session.isPublisher) this.#publishers--;
    this.#history.add(toEntry(session));
    const info = session.info(now);
    this.#log.info('Closed', {
      ...toFields(session),
      rx_bytes: info.rxBytes,
      rx_bitrate_kbit: toKbit(info.rxBitrate),
      rx_maxbitrate_kbit: toKbit(session.rx.max),
      tx_bytes: info.txBytes,
      tx_bitrate_kbit: toKbit(info.txBitrate),
      tx_maxbitrate_kbit: toKbit(session.tx.max),
    });
    this.#listener.closed(this.name, info);
  }
}

function toEntry({ location, peerName: peer, reference, rx, tx }: Session): HistoryEntry {
  return { location, peer, reference, sessions: 1, rxBytes: rx.bytes, txBytes: tx.bytes };
}

/** compat: the log has the peer as it was given, so it may be empty. */
function toFields({ id, location, peer, reference, extra }: Session) {
  return { id, location, peer, reference, ...(extra !== '' && { extra }) };
}

function toKbit(bitrate: number): number {
  return Math.round((bitrate / 1024) * 1000) / 1000;
}
