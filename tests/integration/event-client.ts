import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import type { Event } from '@millrace/api';
import { expect, onTestFinished, vi } from 'vitest';

/** How long something may take on a busy machine. */
const SOON = { timeout: 20_000, interval: 20 };

export interface Received {
  id: number | undefined;
  type: string;
  data: Event;
}

export interface EventClientOptions {
  base: string;
  token: string;
  /** Such as `?type=process`. */
  query?: string;
  lastEventId?: number | undefined;
}

/** A reader of the event stream as a browser is one (HTML §9.2.6), on one connection. It ends with the test. */
export class EventClient {
  readonly events: Received[] = [];
  readonly comments: string[] = [];
  readonly response: IncomingMessage;
  readonly ended: Promise<unknown>;
  /** What a reconnect has to name. */
  lastEventId: number | undefined;
  readonly #request: ClientRequest;
  #rest = '';

  private constructor(request: ClientRequest, response: IncomingMessage, lastEventId: number | undefined) {
    this.#request = request;
    this.response = response;
    this.lastEventId = lastEventId;
    response.setEncoding('utf8').on('data', (text: string) => {
      this.#read(text);
    });
    response.on('error', () => {
      // Cut off: what has come has come.
    });
    this.ended = new Promise((resolve) => response.once('close', resolve));
  }

  static async connect({ base, token, query = '', lastEventId }: EventClientOptions): Promise<EventClient> {
    const outgoing = request(`${base}/api/v3/events${query}`, {
      agent: false,
      headers: {
        authorization: `Bearer ${token}`,
        accept: 'text/event-stream',
        ...(lastEventId !== undefined && { 'last-event-id': String(lastEventId) }),
      },
    });
    onTestFinished(() => {
      outgoing.destroy();
    });
    outgoing.end();
    const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
    outgoing.on('error', () => {
      // As above.
    });
    return new EventClient(outgoing, response, lastEventId);
  }

  /** Cuts the connection. */
  close(): void {
    this.#request.destroy();
  }

  async until(isThere: (events: Received[]) => void): Promise<void> {
    await vi.waitFor(() => {
      isThere(this.events);
    }, SOON);
  }

  async untilType(type: string): Promise<Received> {
    await this.until((events) => {
      expect(events.map((event) => event.type)).toContain(type);
    });
    const found = this.events.find((event) => event.type === type);
    if (found === undefined) throw new Error(`no event ${type}`);
    return found;
  }

  /** The stream has reached the present. */
  async untilLive(): Promise<void> {
    await vi.waitFor(() => {
      expect(this.lastEventId).toBeDefined();
    }, SOON);
  }

  #read(text: string): void {
    const blocks = (this.#rest + text).split('\n\n');
    this.#rest = blocks.pop() ?? '';
    for (const block of blocks) this.#take(block);
  }

  #take(block: string): void {
    let id: number | undefined;
    let type = 'message';
    let data = '';
    for (const line of block.split('\n')) {
      const [, field = '', value = ''] = /^([^:]*):? ?(.*)$/.exec(line) ?? [];
      if (field === '') this.comments.push(value);
      else if (field === 'id') id = Number(value);
      else if (field === 'event') type = value;
      else if (field === 'data') data += value;
    }
    if (id !== undefined) this.lastEventId = id;
    if (data !== '') this.events.push({ id, type, data: JSON.parse(data) as Event });
  }
}
