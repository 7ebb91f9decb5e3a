import { type Log, type LogTopic, createLog } from '@millrace/srt';
import { Ring } from '../util/ring.ts';

/** What the protocol did at one moment. */
export interface ProtocolEvent {
  /** Milliseconds since 1970. */
  time: number;
  lines: string[];
}

/** Events by topic. */
export type ProtocolEvents = Record<string, ProtocolEvent[]>;

/** Of a topic, over all connections. */
const EVENTS_PER_TOPIC = 100;

/** Keeps the newest events of the topics that are to be logged. */
export class ProtocolLog {
  readonly #rings = new Map<string, Ring<ProtocolEvent & { socketId: number }>>();
  #filter = createLog([], () => undefined);

  /** Where the protocol writes to. */
  readonly sink: Log = {
    wants: (topic) => this.#filter.wants(topic),
    write: (topic, socketId, text) => {
      this.write(topic, socketId, text);
    },
  };

  /**
   * @param topics that are kept, each with its sub-topics. Connections that there are already tell nothing of topics that
   *   are new.
   */
  configure(topics: readonly string[]): void {
    this.#filter = createLog(topics, () => undefined);
    for (const topic of this.#rings.keys()) {
      if (!this.#filter.wants(topic as LogTopic)) this.#rings.delete(topic);
    }
  }

  /** @param socketId 0 if it is about no connection. */
  write(topic: LogTopic, socketId: number, text: string): void {
    if (!this.#filter.wants(topic)) return;
    let ring = this.#rings.get(topic);
    if (ring === undefined) this.#rings.set(topic, (ring = new Ring(EVENTS_PER_TOPIC)));
    ring.push({ time: Date.now(), lines: text.split('\n'), socketId });
  }

  /** What is kept about a connection; with 0, what is about none. */
  eventsOf(socketId: number): ProtocolEvents {
    const topics = [...this.#rings].map(([topic, ring]): [string, ProtocolEvent[]] => [
      topic,
      ring
        .toArray()
        .filter((event) => event.socketId === socketId)
        .map(({ time, lines }) => ({ time, lines })),
    ]);
    return Object.fromEntries(topics.filter(([, events]) => events.length > 0));
  }
}
