import { expectTypeOf, test } from 'vitest';
import { Client, type ClientOptions, type Process, type ServerEvent } from './index.ts';
import type { Input } from './transport.ts';

// What is wrong here does not pass `npm run typecheck`. Nothing of it is sent.

const baseUrl = 'http://localhost';
const never = (what: () => unknown) => {
  expectTypeOf(what).toBeFunction();
};

test('user name and password come together', () => {
  expectTypeOf({ baseUrl, username: 'a', password: 'b' }).toExtend<ClientOptions>();
  expectTypeOf({ baseUrl, auth0Token: () => Promise.resolve('x') }).toExtend<ClientOptions>();
  expectTypeOf({ baseUrl, refreshToken: 'x' }).toExtend<ClientOptions>();
  expectTypeOf({ baseUrl, username: 'a' }).not.toExtend<ClientOptions>();
  expectTypeOf({ baseUrl, password: 'b' }).not.toExtend<ClientOptions>();
  expectTypeOf({ username: 'a', password: 'b' }).not.toExtend<ClientOptions>();
});

test('calls take what the API describes, and nothing else', () => {
  const client = new Client({ baseUrl });
  never(() => client.processes.add({ input: [{ address: 'a' }], output: [{ address: 'b' }] }));
  // @ts-expect-error: an output is missing
  never(() => client.processes.add({ input: [{ address: 'a' }] }));
  // @ts-expect-error: an address is missing
  never(() => client.processes.add({ input: [{ id: 'a' }], output: [{ address: 'b' }] }));
  // @ts-expect-error: misspelt
  never(() => client.processes.update('cam', { recconnect: true }));
  // @ts-expect-error: no part of a process
  never(() => client.processes.get('cam', ['logs']));
  // @ts-expect-error: no state
  never(() => client.waitFor('cam', 'stopped'));
  // @ts-expect-error: no level
  never(() => client.events({ level: 'loud' }));
  // @ts-expect-error: of another type
  never(() => client.config.set({ log: { max_lines: 'many' } }));
});

test('answers have the types of the API', () => {
  expectTypeOf<ReturnType<Client['processes']['list']>>().resolves.toEqualTypeOf<Process[]>();
  expectTypeOf<Awaited<ReturnType<Client['about']>>>().not.toHaveProperty('id');
});

test('an event is known by its type', () => {
  const event = {} as ServerEvent;
  if (event.type === 'process.state') expectTypeOf(event.state).toBeString();
  if (event.type === 'gap') expectTypeOf(event.lost).toBeNumber();
  expectTypeOf(event.id).toBeString();
});

test('a route wants its parameters, its body, and a word if it needs no token', () => {
  expectTypeOf<{ path: { id: string } }>().toExtend<Input<'GET /api/v3/process/{id}'>>();
  expectTypeOf<{ path: { name: string } }>().not.toExtend<Input<'GET /api/v3/process/{id}'>>();
  expectTypeOf<{ path: { id: string } }>().not.toExtend<Input<'PUT /api/v3/process/{id}/command'>>();
  expectTypeOf<object>().not.toExtend<Input<'GET /ping'>>();
  // @ts-expect-error: no such route
  expectTypeOf<object>().not.toExtend<Input<'GET /api/v3/processes'>>();
});
