import { expect, test } from 'vitest';
import type { SessionTraffic } from '../media/host.ts';
import { Traffic } from './traffic.ts';

test('a connection is told at once, then what it moved, and what was left when it goes', () => {
  const told: SessionTraffic[][] = [];
  const traffic = new Traffic((list) => told.push(list));
  const session = { id: 'a', reference: 'a', location: 'play:/a', peer: '192.0.2.1:5', client: '192.0.2.1' };
  const counters = { bytesReceived: 10, bytesSent: 0 };
  const close = traffic.open(session, counters);
  traffic.sample();
  counters.bytesSent = 100;
  traffic.sample();
  traffic.sample();
  counters.bytesReceived = 15;
  close();
  close();
  traffic.sample();
  const told1 = (rxBytes: number, txBytes: number) => [{ ...session, rxBytes, txBytes }];
  expect(told).toEqual([told1(10, 0), told1(0, 100), told1(5, 0)]);
});
