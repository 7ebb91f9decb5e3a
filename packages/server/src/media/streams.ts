import { EventEmitter } from 'node:events';
import type { PlaneHost } from './host.ts';

/** What is told of a stream when it comes and when it goes. */
export interface StreamName {
  /** What it is listed as, without a token. */
  name: string;
  /** What its sessions are known by. */
  reference: string;
  /** Address and port of the publisher. */
  remote: string;
}

/** What the thread of the API offers a plane that takes streams. */
export interface StreamHost extends PlaneHost {
  published(stream: StreamName): void;
  unpublished(stream: StreamName): void;
}

/** How often clients did something, in the words of the log. */
export interface DeedCount {
  /** Such as `PUBLISH`. */
  who: string;
  /** Such as `START` or `FORBIDDEN`. */
  action: string;
  count: number;
}

/**
 * Knows what a plane publishes, and tells of it: should the plane die, its streams are over. Counts what its clients do,
 * whatever of it is shown in the log.
 */
export class StreamServer extends EventEmitter<{
  published: [stream: StreamName];
  unpublished: [stream: StreamName];
}> {
  readonly #published = new Map<string, StreamName>();
  readonly #deeds = new Map<string, DeedCount>();

  /** What the plane calls. */
  protected readonly streamCalls: Pick<StreamHost, 'published' | 'unpublished'> = {
    published: (stream) => {
      this.#published.set(stream.name, stream);
      this.emit('published', stream);
    },
    unpublished: (stream) => {
      this.#published.delete(stream.name);
      this.emit('unpublished', stream);
    },
  };

  /** Since this server was made. */
  deeds(): readonly DeedCount[] {
    return [...this.#deeds.values()];
  }

  /** Counts the deed of a client that an entry of the log is about. */
  protected note({ who, action, repeated }: Readonly<Record<string, unknown>>): void {
    if (typeof who !== 'string' || typeof action !== 'string') return;
    const key = `${who} ${action}`;
    const deed = this.#deeds.get(key) ?? { who, action, count: 0 };
    deed.count += 1 + (typeof repeated === 'number' ? repeated : 0);
    this.#deeds.set(key, deed);
  }

  /** All streams are over. */
  protected forgetStreams(): void {
    for (const stream of this.#published.values()) this.emit('unpublished', stream);
    this.#published.clear();
  }
}
