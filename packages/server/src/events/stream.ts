import { Readable } from 'node:stream';
import type { Entry } from './event.ts';
import type { Filter } from './filter.ts';
import { OPENING, toFrame, toHeartbeat, toPosition, toUnplacedFrame } from './wire.ts';

/** What a stream reads when it is behind. */
export interface Past {
  readonly lastId: number;
  reachesBackTo(id: number): boolean;
  after(id: number, limit: number): Entry[];
  gap(): string;
}

/** What is read from the past at a time. */
const PAGE = 128;
/** In bytes. What a client has not taken beyond that stays in the journal. */
const HIGH_WATER_MARK = 64 * 1024;

/**
 * The events for one client, as Server-Sent Events. A client that keeps up is given what happens; one that does not, or
 * that comes back, reads the journal at its own pace until it has caught up. So a slow client costs no memory.
 */
export class EventStream extends Readable {
  readonly chosen: Filter;
  readonly #past: Past;
  /** The id up to which everything was given out. */
  #position: number;
  #sent: number | undefined;
  #isCaughtUp = false;
  #blockedSince: number | undefined;
  #isEnding = false;

  /** @param after id of the last event that the client has; 0 for all that is kept, undefined for what happens from now on. */
  constructor(past: Past, filter: Filter, after: number | undefined) {
    super({ highWaterMark: HIGH_WATER_MARK });
    this.chosen = filter;
    this.#past = past;
    this.#position = after ?? past.lastId;
    const mayHaveLost = after !== undefined && after !== 0 && !past.reachesBackTo(after);
    // Nothing of what is told now is older: such an id is from somewhere else.
    if (this.#position > past.lastId) this.#position = past.lastId;
    this.push(OPENING + (mayHaveLost ? toUnplacedFrame('gap', past.gap()) : ''));
  }

  /** Whether the client gets what happens at once. */
  get isCaughtUp(): boolean {
    return this.#isCaughtUp;
  }

  /** How long the client has taken nothing although there is something for it, in milliseconds. */
  blockedMs(now: number): number {
    return this.#blockedSince === undefined ? 0 : now - this.#blockedSince;
  }

  /**
   * Gives the client what has just happened, if it is not behind.
   *
   * @param chunk the events that pass its filter; undefined if none does.
   * @param lastId the newest event, whether it passes or not.
   */
  give(chunk: Buffer | undefined, lastId: number): void {
    if (!this.#isCaughtUp || this.#isEnding) return;
    this.#position = lastId;
    if (chunk === undefined) return;
    this.#sent = lastId;
    if (!this.push(chunk)) this.#fallBehind();
  }

  heartbeat(): void {
    if (!this.#isCaughtUp || this.#isEnding) return;
    this.#sent = this.#position;
    if (!this.push(toHeartbeat(this.#position))) this.#fallBehind();
  }

  /** Ends the stream behind what was given out. A client that takes nothing is cut off. */
  end(): void {
    if (this.#blockedSince !== undefined) {
      this.destroy();
      return;
    }
    this.#isEnding = true;
    this.push(null);
  }

  override _read(): void {
    this.#blockedSince = undefined;
    if (!this.#isCaughtUp && !this.#isEnding) this.#readPast();
  }

  #fallBehind(): void {
    this.#isCaughtUp = false;
    this.#blockedSince = performance.now();
  }

  #readPast(): void {
    if (this.destroyed || this.#isEnding) return;
    const entries = this.#past.after(this.#position, PAGE);
    if (entries.length === 0) {
      this.#catchUp();
      return;
    }
    let frames = '';
    for (const entry of entries) {
      this.#position = entry.id;
      if (this.chosen.matches(entry)) frames += toFrame(entry);
      if (frames.length >= HIGH_WATER_MARK) break;
    }
    if (frames !== '') {
      this.#sent = this.#position;
      if (!this.push(frames)) this.#blockedSince = performance.now();
    } else {
      // Others first: there may be thousands that do not pass.
      setImmediate(() => {
        this.#readPast();
      });
    }
  }

  #catchUp(): void {
    this.#isCaughtUp = true;
    this.#position = Math.max(this.#position, this.#past.lastId);
    if (this.#sent === this.#position) return;
    this.#sent = this.#position;
    this.push(toPosition(this.#position));
  }
}
