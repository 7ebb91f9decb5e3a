import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Client } from './client.ts';
import type { EventFilter, EventOptions } from './events.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

type Reply = number | Error | string;

/** A server that answers each connection with what is next, cuts it off behind that, and keeps silent in the end. */
function serverOf(...replies: Reply[]) {
  const places: (string | null)[] = [];
  const call = ((url: string, { headers, signal }: RequestInit) => {
    expect(new URL(url).pathname).toBe('/api/v3/events');
    places.push(new Headers(headers).get('last-event-id'));
    const reply = replies[places.length - 1] ?? '';
    if (reply instanceof Error) return Promise.reject(reply);
    if (typeof reply === 'number') return Promise.resolve(new Response('', { status: reply }));
    const isLast = places.length >= replies.length;
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(new TextEncoder().encode(reply));
        signal?.addEventListener('abort', () => {
          controller.error(signal.reason);
        });
      },
      pull(controller) {
        if (!isLast) controller.error(new TypeError('terminated'));
      },
    });
    return Promise.resolve(new Response(body, { headers: { 'content-type': 'text/event-stream' } }));
  }) as typeof fetch;
  const client = new Client({ baseUrl: 'http://localhost', fetch: call });
  return { places, client };
}

const event = (id: number, type = 'log') => `id: ${id}\nevent: ${type}\ndata: {"type":"${type}"}\n\n`;
const gap = 'event: gap\ndata: {"type":"gap","lost":0}\n\n';

/** The first so many events, as `id type`. */
async function take(client: Client, count: number, filter: EventFilter = {}, options: EventOptions = {}) {
  const taken: string[] = [];
  const reading = (async () => {
    for await (const { id, type } of client.events(filter, options)) {
      taken.push(`${id} ${type}`);
      if (taken.length === count) break;
    }
  })();
  reading.catch(() => undefined);
  await vi.advanceTimersByTimeAsync(300_000);
  return { taken, reading };
}

describe('events', () => {
  test('go on where the connection was cut off, each of them once', async () => {
    const { client, places } = serverOf(
      event(1) + event(2) + 'id: 3\nda',
      event(3) + event(4),
      event(4) + event(5),
    );
    const { taken } = await take(client, 5);
    expect(taken).toEqual(['1 log', '2 log', '3 log', '4 log', '5 log']);
    expect(places).toEqual([null, '2', '4']);
  });

  test('go on behind what the server says without an event', async () => {
    const { client, places } = serverOf('id: 41\n\n', ': alive\nid: 42\n\n', event(43));
    expect((await take(client, 1)).taken).toEqual(['43 log']);
    expect(places).toEqual([null, '41', '42']);
  });

  test('begin behind the one that is named', async () => {
    const { client, places } = serverOf(event(8));
    await take(client, 1, { after: 7 });
    expect(places).toEqual(['7']);
  });

  test('that are lost are told as a gap, behind which the ids of the server may be smaller', async () => {
    const { client } = serverOf(event(900), gap + event(5) + event(6), event(6) + event(7));
    const { taken } = await take(client, 5);
    expect(taken).toEqual(['900 log', '900 gap', '5 log', '6 log', '7 log']);
  });

  test('come again after the server was away', async () => {
    const away = new TypeError('fetch failed');
    const { client, places } = serverOf(event(1), away, 503, away, away, 502, event(2));
    const lost: string[] = [];
    const { taken } = await take(
      client,
      2,
      {},
      { onDisconnect: ({ code, status }) => lost.push(`${code} ${status}`) },
    );
    expect(taken).toEqual(['1 log', '2 log']);
    expect(places).toHaveLength(7);
    expect(lost).toEqual(['network 0', 'network 0', 'status 503', 'network 0', 'network 0', 'status 502']);
  });

  test('come again after the connection has said nothing for too long', async () => {
    const { client, places } = serverOf(event(1));
    expect((await take(client, 2)).taken).toEqual(['1 log']);
    expect(places.slice(0, 3)).toEqual([null, '1', '1']);
  });

  test.each([400, 403, 404])('end if the server refuses them with %i, also later', async (status) => {
    await expect((await take(serverOf(status).client, 1)).reading).rejects.toMatchObject({ status });
    await expect((await take(serverOf(event(1), status).client, 2)).reading).rejects.toMatchObject({
      status,
    });
  });

  test('fail if the server cannot be reached in the first place', async () => {
    const away = new TypeError('fetch failed');
    const { client, places } = serverOf(away, away, away, event(1));
    await expect((await take(client, 1)).reading).rejects.toMatchObject({ code: 'network' });
    expect(places).toHaveLength(3);
  });

  test('fail with what is no JSON', async () => {
    const { client } = serverOf('id: 1\ndata: {\n\n');
    await expect((await take(client, 1)).reading).rejects.toMatchObject({ code: 'answer' });
  });

  test('end with the signal', async () => {
    const { client } = serverOf(event(1));
    const controller = new AbortController();
    const { reading } = await take(client, 2, {}, { signal: controller.signal, timeout: 0 });
    controller.abort();
    await expect(reading).rejects.toThrow('aborted');
  });

  test('end the connection with the loop', async () => {
    let isAborted = false;
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(new TextEncoder().encode(event(1)));
      },
      cancel() {
        isAborted = true;
      },
    });
    const client = new Client({
      baseUrl: 'http://localhost',
      fetch: () => Promise.resolve(new Response(body)),
    });
    await take(client, 1);
    expect(isAborted).toBe(true);
  });
});
