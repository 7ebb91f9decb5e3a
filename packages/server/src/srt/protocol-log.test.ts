import { expect, test } from 'vitest';
import { ProtocolLog } from './protocol-log.ts';

test('a topic is kept with its sub-topics, by connection', () => {
  const log = new ProtocolLog();
  log.configure(['handshake', 'connection:new']);
  expect(log.sink.wants('handshake:recv:cif')).toBe(true);
  expect(log.sink.wants('connection:close')).toBe(false);
  log.sink.write('handshake:recv:cif', 0, '--- handshake ---\n   version: 0x00000005');
  log.sink.write('connection:new', 7, 'new');
  log.sink.write('connection:close', 7, 'closed');
  const time = expect.any(Number) as number;
  expect(log.eventsOf(0)).toEqual({
    'handshake:recv:cif': [{ time, lines: ['--- handshake ---', '   version: 0x00000005'] }],
  });
  expect(log.eventsOf(7)).toEqual({ 'connection:new': [{ time, lines: ['new'] }] });
  expect(log.eventsOf(8)).toEqual({});
});

test('the last hundred of a topic, over all connections', () => {
  const log = new ProtocolLog();
  log.configure(['data', 'listen']);
  log.sink.write('listen', 0, 'here');
  for (let index = 0; index < 250; index++) log.sink.write('data:recv:dump', index % 2, String(index));
  const lines = (id: number) => log.eventsOf(id)['data:recv:dump']?.map((event) => event.lines[0]);
  expect(lines(0)).toHaveLength(50);
  expect(lines(1)?.at(-1)).toBe('249');
  expect(lines(0)?.[0]).toBe('150');
  expect(log.eventsOf(0)['listen']).toHaveLength(1);
});

test('what is not to be logged any more is forgotten', () => {
  const log = new ProtocolLog();
  log.configure(['data', 'listen']);
  log.sink.write('listen', 0, 'here');
  log.sink.write('data:recv:dump', 0, 'packet');
  log.configure(['listen']);
  // A connection goes on to write what was wanted when it came.
  log.sink.write('data:recv:dump', 0, 'packet');
  expect(Object.keys(log.eventsOf(0))).toEqual(['listen']);
  log.configure([]);
  expect(log.eventsOf(0)).toEqual({});
});
