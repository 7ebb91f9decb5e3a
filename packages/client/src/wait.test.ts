import { beforeEach, describe, expect, test, vi } from 'vitest';
import type { ProcessState } from './api.ts';
import { Client } from './client.ts';

/** A server that has one process in the states that are given, one after the other, and tells no more than the connection. */
function serverOf(states: Partial<ProcessState>[], hasEvents = true) {
  const server = { looks: 0, isConnected: false };
  const call = ((url: string) => {
    if (url.includes('/events')) {
      if (!hasEvents)
        return Promise.resolve(
          Response.json({ message: 'Not Found', details: ['Not Found'] }, { status: 404 }),
        );
      server.isConnected = true;
      const cancel = () => {
        server.isConnected = false;
      };
      return Promise.resolve(new Response(new ReadableStream({ cancel })));
    }
    const state = states[Math.min(server.looks++, states.length - 1)];
    return Promise.resolve(
      Response.json({ order: 'start', reconnect_seconds: -1, last_logline: '', ...state }),
    );
  }) as typeof fetch;
  return { server, client: new Client({ baseUrl: 'http://localhost', fetch: call }) };
}

beforeEach(() => {
  vi.useFakeTimers();
  return () => vi.useRealTimers();
});

test('leaves no connection behind', async () => {
  const { server, client } = serverOf([{ exec: 'running' }]);
  await client.waitFor('cam', 'running');
  expect(server).toEqual({ looks: 1, isConnected: false });
  await expect(client.waitFor('cam', [])).rejects.toMatchObject({ code: 'argument' });
});

describe('a process that', () => {
  test.each<[string, Partial<ProcessState>]>([
    ['has failed and is not to start again', { exec: 'failed', last_logline: 'no route' }],
    ['is stopped', { exec: 'finished', order: 'stop' }],
    ['was killed and is stopped', { exec: 'killed', order: 'stop' }],
  ])('%s is not waited for', async (_title, state) => {
    const { client } = serverOf([state]);
    await expect(client.waitFor('cam', 'running')).rejects.toMatchObject({
      code: 'state',
      details: state.last_logline === undefined ? [] : [state.last_logline],
    });
  });

  test.each<[string, Partial<ProcessState>]>([
    ['has failed and starts again', { exec: 'failed', reconnect_seconds: 5 }],
    ['has not begun yet', { exec: 'finished' }],
    ['is being stopped', { exec: 'finishing', order: 'stop' }],
  ])('%s is waited for', async (_title, state) => {
    const { server, client } = serverOf([state, state, { exec: 'running' }], false);
    const waiting = client.waitFor('cam', 'running');
    await vi.advanceTimersByTimeAsync(5_000);
    expect(await waiting).toMatchObject({ exec: 'running' });
    expect(server.looks).toBe(3);
  });
});
