import type { Event } from './api.ts';
import { backoff, delay } from './delay.ts';
import { isMillraceError, MillraceError } from './error.ts';
import { type Block, readBlocks } from './event-stream.ts';
import type { CallOptions } from './http.ts';
import type { Transport } from './transport.ts';

/** Which events to get. */
export interface EventFilter {
  /** Types (`process.state`), all of one kind (`process`) or patterns (`*.closed`). */
  type?: string | readonly string[] | undefined;
  /** Only about processes whose id fits the pattern. */
  process?: string | undefined;
  /** Of the log, only this level and above. */
  level?: 'debug' | 'info' | 'warn' | 'error' | undefined;
  /** Id of an event that one had: what came after it comes first. `0` for all that the server has kept. */
  after?: string | number | undefined;
}

export interface EventOptions {
  /** Ends the events; the loop fails with the signal's reason. */
  signal?: AbortSignal | undefined;
  /** After how much silence the connection counts as lost, in milliseconds. The server says something every 15 seconds. */
  timeout?: number | undefined;
  /** Told after each loss of the connection why it was lost. */
  onDisconnect?: ((error: MillraceError) => void) | undefined;
}

/** An event, and the id to go on from later. */
export type ServerEvent = Event & { readonly id: string };

/** What the connection brings: that it stands, or an event. */
export type Feed = { kind: 'open' } | { kind: 'event'; event: ServerEvent };

const SILENCE = 45_000;
const FIRST_PAUSE = 200;
const LONGEST_PAUSE = 15_000;

/** Only events. */
export async function* eventsOf(feed: AsyncGenerator<Feed>): AsyncGenerator<ServerEvent, void, undefined> {
  for await (const item of feed) {
    if (item.kind === 'event') yield item.event;
  }
}

/**
 * The events of the server over as many connections as it takes: each goes on where the one before was cut off, so that
 * nothing is missing and nothing comes twice.
 *
 * @throws MillraceError if the server refuses, or cannot be reached in the first place; the reason of the signal.
 */
export async function* follow(
  transport: Transport,
  filter: EventFilter,
  options: EventOptions = {},
): AsyncGenerator<Feed, void, undefined> {
  const { signal, onDisconnect } = options;
  const place = new Place(filter.after);
  let hadConnection = false;
  let failures = 0;
  for (;;) {
    try {
      const stream = await connect(transport, filter, place.id, options, hadConnection);
      hadConnection = true;
      yield* read(stream, place);
      throw new MillraceError('network', 'the server has ended the stream');
    } catch (error) {
      signal?.throwIfAborted();
      if (!hadConnection || !isPassing(error)) throw error;
      onDisconnect?.(error);
    }
    // What was cut off comes back at once, what is not there is left in peace.
    failures = place.hasMoved() ? 0 : failures + 1;
    const pause =
      failures === 0 ? Math.random() * FIRST_PAUSE : backoff(failures, place.pause, LONGEST_PAUSE);
    await delay(pause, signal);
  }
}

/** How far the events have come. */
class Place {
  /** What a new connection has to name; empty for what happens from then on. */
  id: string;
  /** What the server wants one to wait, in milliseconds. */
  pause = FIRST_PAUSE;
  /** Nothing up to this one is new. */
  #newest: string;
  #hasMoved = false;

  constructor(after: string | number | undefined) {
    this.id = after === undefined ? '' : String(after);
    this.#newest = this.id;
  }

  /** Whether anything has come since the last time that this was asked. */
  hasMoved(): boolean {
    const hasMoved = this.#hasMoved;
    this.#hasMoved = false;
    return hasMoved;
  }

  /** @returns the event of the block, if it has one that did not come before. */
  take({ id, isPlaced, data, retry }: Block): ServerEvent | undefined {
    this.#hasMoved = true;
    this.pause = retry ?? this.pause;
    if (data !== undefined) {
      if (isPlaced && !isNew(id, this.#newest)) return undefined;
      // What the server tells out of order is a gap: nothing of what follows was there before.
      this.#newest = isPlaced ? id : '';
    }
    this.id = id;
    return data === undefined ? undefined : toEvent(data, id);
  }
}

/** What one connection brings. */
async function* read(
  stream: ReadableStream<Uint8Array>,
  place: Place,
): AsyncGenerator<Feed, void, undefined> {
  try {
    yield { kind: 'open' };
    for await (const block of readBlocks(stream, place.id)) {
      const event = place.take(block);
      if (event !== undefined) yield { kind: 'event', event };
    }
  } finally {
    // Whoever needs no more than the connection leaves before anything is read.
    if (!stream.locked) await stream.cancel();
  }
}

async function connect(
  transport: Transport,
  { type, process, level }: EventFilter,
  id: string,
  { signal, timeout = SILENCE }: EventOptions,
  isReconnect: boolean,
): Promise<ReadableStream<Uint8Array>> {
  const call: CallOptions = { signal, timeout, ...(isReconnect && { retries: 0 }) };
  const response = await transport.open(
    'GET /api/v3/events',
    {
      query: { type: typeof type === 'string' ? type : type?.join(','), process, level },
      headers: { accept: 'text/event-stream', ...(id !== '' && { 'last-event-id': id }) },
    },
    call,
  );
  if (response.body === null) throw new MillraceError('answer', 'the stream of events is empty');
  return response.body;
}

/** Ids grow. One that is no number is another server's, and new. */
function isNew(id: string, last: string): boolean {
  const isComparable = /^\d+$/.test(id) && /^\d+$/.test(last);
  return !isComparable || Number(id) > Number(last);
}

function toEvent(data: string, id: string): ServerEvent {
  try {
    return { ...(JSON.parse(data) as Event), id };
  } catch (cause) {
    throw new MillraceError('answer', 'an event is no JSON', { cause });
  }
}

/** Whether the same may work later: all but what the server refuses. */
function isPassing(error: unknown): error is MillraceError {
  if (!isMillraceError(error)) return false;
  const { code, status } = error;
  return code === 'network' || code === 'timeout' || status >= 500 || status === 429;
}
