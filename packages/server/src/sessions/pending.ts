import type { Session } from './session.ts';

/** How many may wait. Beyond, the oldest gives way: of the same client if that one has too many. */
const MAX_PENDING = 10_000;
const MAX_PENDING_OF_CLIENT = 100;

/** What sessions need of a limit. */
export interface Demand {
  sessions: number;
  /** Bit/s. */
  bitrate: number;
}

interface Queue extends Demand {
  waiting: Set<Session>;
}

/** The sessions that may become active. Opening them costs a client nothing, so they are bounded. */
export class PendingSessions {
  readonly #waiting = new Set<Session>();
  readonly #clients = new Map<string, Queue>();
  /** Of sessions whose client is not known. */
  readonly #unknown = emptyQueue();

  get size(): number {
    return this.#waiting.size;
  }

  /** @returns the session that has to give way. */
  add(session: Session): Session | undefined {
    const queue = this.#queueOf(session);
    const isCrowded = session.client !== undefined && queue.waiting.size >= MAX_PENDING_OF_CLIENT;
    const crowd = isCrowded ? queue.waiting : this.#waiting;
    const isFull = isCrowded || this.#waiting.size >= MAX_PENDING;
    const [oldest] = isFull ? crowd : [];
    this.#waiting.add(session);
    queue.waiting.add(session);
    queue.sessions++;
    queue.bitrate += session.expectedBitrate;
    return oldest;
  }

  remove(session: Session): void {
    if (!this.#waiting.delete(session)) return;
    const queue = this.#queueOf(session);
    queue.waiting.delete(session);
    queue.sessions--;
    queue.bitrate -= session.expectedBitrate;
    if (session.client !== undefined && queue.sessions === 0) this.#clients.delete(session.client);
  }

  /**
   * What is kept free for those that wait. Those of one client keep at most a share from all others, so that nobody
   * is locked out by sessions that never become active; its own count in full.
   *
   * @param share what the sessions of one client may keep from others.
   * @param client who asks.
   */
  reserved(share: Demand, client: string | undefined): Demand {
    const reserved = { sessions: this.#unknown.sessions, bitrate: this.#unknown.bitrate };
    for (const [owner, { sessions, bitrate }] of this.#clients) {
      const isOwn = owner === client;
      reserved.sessions += isOwn ? sessions : Math.min(sessions, share.sessions);
      reserved.bitrate += isOwn ? bitrate : Math.min(bitrate, share.bitrate);
    }
    return reserved;
  }

  #queueOf({ client }: Session): Queue {
    if (client === undefined) return this.#unknown;
    const known = this.#clients.get(client);
    if (known !== undefined) return known;
    const queue = emptyQueue();
    this.#clients.set(client, queue);
    return queue;
  }
}

function emptyQueue(): Queue {
  return { waiting: new Set(), sessions: 0, bitrate: 0 };
}
