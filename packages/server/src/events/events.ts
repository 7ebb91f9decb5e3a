import type { Component, PreparedChange } from '../components.ts';
import { simpleChange } from '../components.ts';
import type { Logger } from '../log/logger.ts';
import { CoreError } from '../util/errors.ts';
import type { Entry, Serialize, ServerEvent } from './event.ts';
import { Filter, type Selection } from './filter.ts';
import { Journal, type EntryStore, type JournalLimits } from './journal.ts';
import { Storm } from './storm.ts';
import { EventStream } from './stream.ts';
import { toFrame } from './wire.ts';

export interface EventsOptions extends JournalLimits {
  /** The lowest level of the lines of the log that are events: `debug`, `info`, `warn`, `error`, or `silent` for none. */
  logLevel: string;
}

export interface Subscription extends Selection {
  /** Id of the last event that the client has; 0 for all that is kept, undefined for what happens from now on. */
  after: number | undefined;
  /** Whether the client may still be told. */
  isAuthorized: () => boolean;
}

const TICK = 5_000;
const TICKS_A_HEARTBEAT = 3;
/** How long a client may take nothing before it is cut off. */
const STUCK_AFTER = 30_000;
const MAX_STREAMS = 5_000;
/** How many events of a kind are told a second; of those that others can cause at will. */
const LIMITS = { log: 200, session: 100 };
const LEVELS = ['debug', 'info', 'warn', 'error'];

/** What happens in the server: kept for a while, and told to whoever listens. */
export class Events implements Component {
  readonly #journal: Journal;
  readonly #version: string;
  readonly #streams = new Map<EventStream, () => boolean>();
  readonly #storms: { log: Storm; session: Storm };
  #options: EventsOptions;
  #ticker: NodeJS.Timeout | undefined;
  #ticks = 0;
  #isEnding = false;

  constructor(
    options: EventsOptions,
    parts: { store: EntryStore; serialize: Serialize; log: Logger; version: string },
  ) {
    this.#options = options;
    this.#version = parts.version;
    this.#journal = new Journal(parts.store, parts.serialize, parts.log, options);
    const storm = (kind: 'log' | 'session') =>
      new Storm(LIMITS[kind], (count) => {
        this.#journal.add({ type: `${kind}.omitted`, count });
      });
    this.#storms = { log: storm('log'), session: storm('session') };
    this.#journal.on('written', (entries, isStored) => {
      this.#tell(entries, isStored);
    });
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- the store is synchronous, components are not
  async start(): Promise<void> {
    this.#journal.open();
    this.add({ type: 'server.started', version: this.#version });
    this.#ticker = setInterval(() => {
      this.#tick();
    }, TICK).unref();
  }

  /** Adapts to other limits; the journal and the streams go on. */
  prepare(options: EventsOptions): PreparedChange {
    return simpleChange(() => {
      this.#options = options;
      this.#journal.configure(options);
    });
  }

  /** Writes down what is left, tells it, and ends all streams. */
  // eslint-disable-next-line @typescript-eslint/require-await -- as start()
  async close(): Promise<void> {
    clearInterval(this.#ticker);
    for (const storm of Object.values(this.#storms)) storm.settle();
    this.#journal.close();
    this.endStreams();
  }

  /** How many clients listen. */
  get clients(): number {
    return this.#streams.size;
  }

  /** Takes note of what has happened. Never throws, and never waits. */
  add(event: ServerEvent): void {
    if (this.#isWanted(event)) this.#journal.add(event);
  }

  /** The events for a client, to be read by nobody else. Throws `unavailable` if there are too many clients. */
  subscribe({ after, isAuthorized, ...selection }: Subscription): EventStream {
    if (this.#streams.size >= MAX_STREAMS) throw new CoreError('unavailable', 'too many clients listen');
    const stream = new EventStream(this.#journal, new Filter(selection), after);
    this.#streams.set(stream, isAuthorized);
    stream.once('close', () => this.#streams.delete(stream));
    if (this.#isEnding) stream.end();
    return stream;
  }

  /** Ends all streams, also those that are still to begin. Clients come back and resume where they were. */
  endStreams(): void {
    this.#isEnding = true;
    for (const stream of this.#streams.keys()) stream.end();
  }

  #isWanted(event: ServerEvent): boolean {
    switch (event.type) {
      case 'log': {
        const lowest = LEVELS.indexOf(this.#options.logLevel);
        const isHigh = lowest !== -1 && LEVELS.indexOf(event.level) >= lowest;
        return isHigh && this.#storms.log.admits(performance.now());
      }
      case 'session.opened':
      case 'session.closed':
        return this.#storms.session.admits(performance.now());
      default:
        return true;
    }
  }

  #tell(entries: readonly Entry[], isStored: boolean): void {
    const last = entries.at(-1);
    if (last === undefined) return;
    const frames = new Map<Entry, string>();
    const chunks = new Map<string, Buffer | undefined>();
    for (const stream of this.#streams.keys()) {
      // What it has not read yet cannot be read any more.
      if (!isStored && !stream.isCaughtUp) stream.destroy();
      const { key } = stream.chosen;
      if (!chunks.has(key)) chunks.set(key, chunkOf(entries, stream.chosen, frames));
      stream.give(chunks.get(key), last.id);
    }
  }

  #tick(): void {
    this.#ticks++;
    const now = performance.now();
    for (const storm of Object.values(this.#storms)) storm.settle();
    for (const [stream, isAuthorized] of this.#streams) {
      if (stream.blockedMs(now) > STUCK_AFTER) stream.destroy();
      else if (!isAuthorized()) stream.end();
      else if (this.#ticks % TICKS_A_HEARTBEAT === 0) stream.heartbeat();
    }
  }
}

/** The events that pass a filter, as they go over the wire; undefined if there is none. */
function chunkOf(entries: readonly Entry[], filter: Filter, frames: Map<Entry, string>): Buffer | undefined {
  const chosen = entries.filter((entry) => filter.matches(entry));
  if (chosen.length === 0) return undefined;
  const texts = chosen.map((entry) => {
    const frame = frames.get(entry) ?? toFrame(entry);
    frames.set(entry, frame);
    return frame;
  });
  return Buffer.from(texts.join(''));
}
