import { expect, test } from 'vitest';
import { Traffic } from './traffic.ts';

test('a connection is told at once, then what it moved, and what was left when it goes with its session', () => {
  const told: unknown[][] = [];
  const traffic = new Traffic({ tell: (name, ...args) => told.push([name, ...args]) });
  const session = { id: 'a', reference: 'a', location: 'play:/a', peer: '192.0.2.1:5', client: '192.0.2.1' };
  const counters = { bytesReceived: 10, bytesSent: 0 };
  const counted = traffic.open(session, counters);
  traffic.sample();
  expect(counted.rxBitrate).toBe(0);
  counters.bytesReceived = 20;
  counters.bytesSent = 100;
  traffic.sample();
  expect(counted.rxBitrate).toBe(80);
  traffic.sample();
  counters.bytesReceived = 25;
  counted.close();
  counted.close();
  traffic.sample();
  const count = (rxBytes: number, txBytes: number) => ['count', [{ ...session, rxBytes, txBytes }]];
  expect(told).toEqual([count(10, 0), count(10, 100), count(5, 0), ['end', ['a']]]);
});

test('what a connection moved is told once, though it has one session after the other', () => {
  const told: unknown[][] = [];
  const traffic = new Traffic({ tell: (name, ...args) => told.push([name, ...args]) });
  const sessionOf = (id: string) => ({ id, reference: id, location: '', peer: '', client: '' });
  const counters = { bytesReceived: 10, bytesSent: 5 };
  const first = traffic.open(sessionOf('a'), counters);
  counters.bytesReceived = 30;
  first.close();
  counters.bytesReceived = 50;
  traffic.open(sessionOf('b'), counters);
  const count = (id: string, rxBytes: number, txBytes: number) => [
    'count',
    [{ ...sessionOf(id), rxBytes, txBytes }],
  ];
  expect(told).toEqual([count('a', 10, 5), count('a', 20, 0), ['end', ['a']], count('b', 20, 0)]);
});
