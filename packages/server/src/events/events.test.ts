import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Entry, ServerEvent } from './event.ts';
import { Events, type EventsOptions, type Subscription } from './events.ts';
import type { EntryStore } from './journal.ts';

class MemoryStore implements EntryStore {
  entries: Entry[] = [];
  batches = 0;
  isBroken = false;

  lastId() {
    return this.entries.at(-1)?.id ?? 0;
  }
  count() {
    return this.entries.length;
  }
  has(id: number) {
    return this.entries.some((entry) => entry.id === id);
  }
  after(id: number, limit: number) {
    return this.entries.filter((entry) => entry.id > id).slice(0, limit);
  }
  insert(entries: readonly Entry[]) {
    if (this.isBroken) throw new Error('disk full');
    this.batches++;
    this.entries.push(...entries);
  }
  prune(maxCount: number, before: number) {
    const last = this.entries.at(-1);
    this.entries = this.entries.slice(-maxCount).filter((entry) => entry.at >= before || entry === last);
  }
}

const OPTIONS = { maxEvents: 1000, maxAgeMs: 0, logLevel: 'info' };

async function open(store = new MemoryStore(), options: Partial<EventsOptions> = {}) {
  const log = { error: vi.fn() };
  const serialize = vi.fn((event: ServerEvent) => JSON.stringify(event));
  const events = new Events(
    { ...OPTIONS, ...options },
    { store, serialize, log: log as never, version: '1' },
  );
  await events.start();
  await settle();
  return { events, store, log, serialize };
}

/** Lets everything be written that waits. */
async function settle() {
  await vi.advanceTimersByTimeAsync(2_000);
}

function subscribe(events: Events, change: Partial<Subscription> = {}) {
  const stream = events.subscribe({
    types: [],
    process: '',
    level: '',
    after: undefined,
    isAuthorized: () => true,
    ...change,
  });
  let text = '';
  stream.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  stream.on('error', () => undefined);
  const all = () => [...text.matchAll(/^(?:id: (\d+)\n)?event: (\S+)\ndata: (.*)$/gm)];
  return {
    stream,
    text: () => text,
    types: () => all().map(([, , type]) => type),
    ids: () => all().map(([, id]) => Number(id)),
    data: () => all().map(([, , , data]) => JSON.parse(data ?? '') as Record<string, unknown>),
  };
}

const added = (process: string): ServerEvent => ({ type: 'process.added', process, reference: '' });
const line = (message: string): ServerEvent => ({
  type: 'log',
  level: 'info',
  component: 'Core',
  message,
  fields: {},
});

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 });
});
afterEach(() => {
  vi.useRealTimers();
});

describe('events', () => {
  test('are told to all, written in batches and serialised once', async () => {
    const { events, store, serialize } = await open();
    const clients = Array.from({ length: 5 }, () => subscribe(events));
    await settle();
    const before = { batches: store.batches, calls: serialize.mock.calls.length };
    for (let i = 0; i < 10; i++) events.add(added(`p${i}`));
    await settle();
    for (const client of clients) expect(client.types()).toHaveLength(10);
    expect(store.batches - before.batches).toBe(1);
    expect(serialize.mock.calls.length - before.calls).toBe(10);
  });

  test('have increasing ids, also where the store has been lost', async () => {
    const first = await open();
    first.events.add(added('a'));
    await settle();
    const last = first.store.lastId();
    await first.events.close();
    vi.setSystemTime(2_000_000);
    const again = await open(first.store);
    const anew = await open();
    expect(again.store.lastId()).toBeGreaterThan(last);
    expect(anew.store.lastId()).toBeGreaterThan(last);
  });

  test('are resumed where the client was, without loss or repetition', async () => {
    const { events, store } = await open();
    for (let i = 0; i < 500; i++) events.add(added(`p${i}`));
    await settle();
    const after = store.entries[100]?.id ?? 0;
    const client = subscribe(events, { after });
    events.add(added('last'));
    await settle();
    expect(client.ids()).toEqual(store.entries.slice(101).map(({ id }) => id));
  });

  test('come with the place where a client resumes, even if none passes its filter', async () => {
    const { events, store } = await open();
    const client = subscribe(events, { types: ['log'], after: 0 });
    events.add(added('a'));
    await settle();
    await vi.advanceTimersByTimeAsync(15_000);
    expect(client.types()).toEqual([]);
    expect(client.text().endsWith(`: alive\nid: ${store.lastId()}\n\n`)).toBe(true);
  });

  test.each([
    ['is no longer kept gets what is behind a gap', -1, ['gap', 'server.started']],
    ['is from somewhere else gets a gap and what follows', 1_000_000, ['gap']],
  ])('a client whose last event %s', async (_what, offset, expected) => {
    const { events, store } = await open();
    const client = subscribe(events, { after: (store.entries[0]?.id ?? 0) + offset });
    await settle();
    expect(client.types()).toEqual(expected);
    events.add(added('a'));
    await settle();
    expect(client.types()).toEqual([...expected, 'process.added']);
  });

  test('that cannot be written are told, and stand in the journal as a gap', async () => {
    const { events, store, log } = await open();
    const client = subscribe(events);
    await settle();
    store.isBroken = true;
    for (const id of ['a', 'b']) events.add(added(id));
    await settle();
    expect(client.types()).toEqual(['process.added', 'process.added']);
    expect(log.error).toHaveBeenCalledOnce();
    const late = subscribe(events, { after: store.lastId() });
    await settle();
    expect(late.data()).toContainEqual({ type: 'gap', lost: 2 });
    store.isBroken = false;
    events.add(added('c'));
    await settle();
    expect(store.entries.slice(-2).map(({ data }) => JSON.parse(data) as unknown)).toEqual([
      { type: 'gap', lost: 2 },
      added('c'),
    ]);
  });

  test('are forgotten beyond the limits, but for the newest', async () => {
    const { events, store } = await open(new MemoryStore(), { maxEvents: 100, maxAgeMs: 3_600_000 });
    for (let i = 0; i < 400; i++) events.add(added(`p${i}`));
    await settle();
    expect(store.count()).toBeLessThanOrEqual(110);
    await vi.advanceTimersByTimeAsync(7_200_000);
    events.add(added('last'));
    await settle();
    expect(store.entries.map(({ process }) => process)).toEqual(['last']);
  });

  test('that come in a storm are counted beyond the limit', async () => {
    const { events, store } = await open();
    for (let i = 0; i < 1_000; i++) events.add(line(`${i}`));
    await vi.advanceTimersByTimeAsync(10_000);
    const lines = store.entries.filter(({ type }) => type === 'log');
    const omitted = store.entries.find(({ type }) => type === 'log.omitted');
    expect(JSON.parse(omitted?.data ?? '')).toMatchObject({ count: 1_000 - lines.length });
  });

  test('are cut to a bounded length, and hold no secrets', async () => {
    const { events, store } = await open();
    const fields = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`f${i}`, 'x'.repeat(5_000)]));
    events.add({ type: 'log', level: 'info', component: 'c', message: 'y'.repeat(100_000), fields });
    events.add(added('rtmp://user:hunter2@host/live?token=hunter2'));
    await settle();
    for (const { data } of store.entries) expect(data.length).toBeLessThanOrEqual(16 * 1024);
    expect(JSON.stringify(store.entries)).not.toContain('hunter2');
  });

  test.each([
    ['silent', []],
    ['warn', ['warn', 'error']],
    ['debug', ['debug', 'info', 'warn', 'error']],
  ])('at level %s hold %j of the log', async (logLevel, expected) => {
    const { events, store } = await open(new MemoryStore(), { logLevel });
    for (const level of ['debug', 'info', 'warn', 'error']) {
      events.add({ type: 'log', level, component: 'c', message: '', fields: {} });
    }
    await settle();
    expect(store.entries.filter(({ type }) => type === 'log').map(({ level }) => level)).toEqual(expected);
  });
});

describe('a stream', () => {
  test('ends when the client may no longer listen', async () => {
    const { events } = await open();
    let mayListen = true;
    const client = subscribe(events, { isAuthorized: () => mayListen });
    const ended = vi.fn();
    client.stream.on('end', ended);
    await vi.advanceTimersByTimeAsync(20_000);
    expect(ended).not.toHaveBeenCalled();
    mayListen = false;
    await vi.advanceTimersByTimeAsync(5_000);
    expect(ended).toHaveBeenCalled();
    expect(events.clients).toBe(0);
  });

  test('that is not read holds little, is cut off in the end, and can be resumed', async () => {
    const { events, store } = await open();
    const { stream } = subscribe(events);
    await settle();
    const after = store.lastId();
    stream.pause();
    for (let round = 0; round < 20; round++) {
      for (let i = 0; i < 100; i++) events.add(added('x'.repeat(1_000)));
      await settle();
    }
    expect(stream.readableLength).toBeLessThan(256 * 1024);
    expect(stream.destroyed).toBe(true);
    expect(events.clients).toBe(0);
    const client = subscribe(events, { after });
    await settle();
    expect(client.types().filter((type) => type === 'gap').length).toBeLessThanOrEqual(1);
  });

  test('that was behind catches up in order', async () => {
    const { events, store } = await open(new MemoryStore(), { maxEvents: 100_000 });
    const client = subscribe(events);
    await settle();
    const from = store.count();
    client.stream.pause();
    for (let i = 0; i < 1_000; i++) events.add(added('x'.repeat(1_000)));
    await settle();
    client.stream.resume();
    for (let i = 0; i < 10; i++) {
      events.add(added('y'));
      await settle();
    }
    expect(client.ids()).toEqual(store.entries.slice(from).map(({ id }) => id));
  });

  test('that begins while the server stops ends at once', async () => {
    const { events } = await open();
    events.endStreams();
    const client = subscribe(events);
    await settle();
    expect(client.text()).toMatch(/^retry: \d+\n\n$/);
    expect(client.stream.destroyed).toBe(true);
  });
});
