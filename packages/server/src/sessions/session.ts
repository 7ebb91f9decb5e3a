import { Rate } from '../util/rate.ts';
import { DecayingSum } from './decay.ts';

/** What a collector is told about a session. Everything may come from a client; long texts are cut. */
export interface SessionOptions {
  /** What is watched or sent, by name; processes have the same references. */
  reference: string;
  /** What is watched or sent, by its place on this server. `''` becomes `unknown`. */
  location: string;
  /** Who is at the other end. `''` becomes `unknown`. */
  peer: string;
  /** Anything else worth showing. */
  extra?: string;
  /** Address that opens the session, by which those that never become active are told apart. Never shown. */
  client?: string;
  /** Bit/s that the session is going to take, until its own traffic tells. */
  expectedBitrate?: number;
  /** Whether it is no viewer: it takes no place that is limited. */
  isPublisher?: boolean;
}

/** A session at one moment. */
export interface SessionInfo {
  id: string;
  reference: string;
  location: string;
  peer: string;
  extra: string;
  /** Milliseconds since 1970. */
  createdAt: number;
  rxBytes: number;
  txBytes: number;
  /** Bit/s over the last 10 seconds. */
  rxBitrate: number;
  txBitrate: number;
}

/** Seconds over which bitrates are means. */
export const RATE_WINDOW = 10;
const MAX_TEXT_LENGTH = 512;

/** Bytes that go one way. */
export class Flow {
  /** In all. */
  bytes = 0;
  readonly #rate: Rate;
  readonly #top: DecayingSum;
  #max = 0;

  /** @param now milliseconds of a monotonic clock, as everywhere in this file. */
  constructor(now: number, expectedBitrate = 0) {
    this.#rate = new Rate(now, RATE_WINDOW);
    this.#top = new DecayingSum(expectedBitrate, now);
  }

  /** @returns by how many bit/s the top rate rose. */
  add(bytes: number, now: number): number {
    this.bytes += bytes;
    this.#rate.add(bytes * 8, now);
    const rate = this.#rate.perSecond;
    this.#max = Math.max(this.#max, rate);
    const rise = Math.max(0, rate - this.#top.at(now));
    if (rise > 0) this.#top.add(rise, now);
    return rise;
  }

  /** Bit/s over the last 10 seconds. */
  rate(now: number): number {
    this.#rate.advance(now);
    return this.#rate.perSecond;
  }

  /** The highest rate, in bit/s, as far as it is not forgotten: it loses 5 % a second. */
  top(now: number): number {
    return this.#top.at(now);
  }

  /** The highest rate ever, in bit/s. */
  get max(): number {
    return this.#max;
  }
}

/** One viewer or sender. Without traffic it is forgotten after a while. */
export class Session {
  readonly id: string;
  readonly reference: string;
  readonly location: string;
  /** As it was given; see `peerName`. */
  readonly peer: string;
  readonly extra: string;
  readonly client: string | undefined;
  readonly expectedBitrate: number;
  readonly isPublisher: boolean;
  readonly createdAt = Date.now();
  readonly rx: Flow;
  readonly tx: Flow;
  isActive = false;
  /** When there was traffic for the last time, or since when there is none. */
  touchedAt: number;

  constructor(id: string, options: SessionOptions, now: number) {
    this.id = ownText(id);
    this.reference = ownText(options.reference);
    this.location = ownText(options.location) || 'unknown';
    this.peer = ownText(options.peer);
    this.extra = ownText(options.extra ?? '');
    this.client = options.client === undefined ? undefined : ownText(options.client);
    this.expectedBitrate = Math.max(0, options.expectedBitrate ?? 0);
    this.isPublisher = options.isPublisher ?? false;
    this.rx = new Flow(now);
    this.tx = new Flow(now, this.expectedBitrate);
    this.touchedAt = now;
  }

  get peerName(): string {
    return this.peer || 'unknown';
  }

  get hasTraffic(): boolean {
    return this.rx.bytes + this.tx.bytes > 0;
  }

  info(now: number): SessionInfo {
    const { id, reference, location, peerName: peer, extra, createdAt, rx, tx } = this;
    return {
      id,
      reference,
      location,
      peer,
      extra,
      createdAt,
      rxBytes: rx.bytes,
      txBytes: tx.bytes,
      rxBitrate: rx.rate(now),
      txBitrate: tx.rate(now),
    };
  }
}

/** A copy of limited length: a part of a text would keep the whole request in memory that it was cut from. */
function ownText(text: string): string {
  return Buffer.from(text.slice(0, MAX_TEXT_LENGTH)).toString();
}
