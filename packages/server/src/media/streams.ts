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

/** Knows what a plane publishes, and tells of it: should the plane die, its streams are over. */
export class StreamServer extends EventEmitter<{
  published: [stream: StreamName];
  unpublished: [stream: StreamName];
}> {
  readonly #published = new Map<string, StreamName>();

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

  /** All streams are over. */
  protected forgetStreams(): void {
    for (const stream of this.#published.values()) this.emit('unpublished', stream);
    this.#published.clear();
  }
}
