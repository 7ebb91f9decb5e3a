import { expect, test } from 'vitest';
import { type SessionTraffic, planeHost } from './host.ts';

const ignore = () => undefined;
const LOG = {
  debug: ignore,
  info: ignore,
  warn: ignore,
  error: ignore,
  enabled: () => true,
  with: () => LOG,
};

function traffic(id: string, client: string, rxBytes: number, txBytes: number): SessionTraffic {
  return {
    id,
    client,
    rxBytes,
    txBytes,
    reference: 'cam',
    location: 'publish:/live/cam',
    peer: `${client}:5`,
  };
}

test('traffic opens a session once and counts for it; ignored addresses open none', () => {
  const calls: unknown[] = [];
  const known = new Set<string>();
  const collector = {
    isCountable: (ip: string) => ip !== '127.0.0.1',
    has: (id: string) => known.has(id),
    register: (id: string) => {
      known.add(id);
      calls.push(['register', id]);
    },
    activate: (id: string) => calls.push(['activate', id]),
    ingress: (id: string, bytes: number) => calls.push(['ingress', id, bytes]),
    egress: (id: string, bytes: number) => calls.push(['egress', id, bytes]),
    close: (id: string) => calls.push(['close', id]),
  };
  const host = planeHost('rtmp', { collector: () => collector, refusal: () => undefined }, LOG);
  host.count([traffic('a', '192.0.2.1', 10, 1), traffic('b', '127.0.0.1', 10, 1)]);
  host.count([traffic('a', '192.0.2.1', 20, 2)]);
  host.end(['a']);
  expect(calls).toEqual([
    ['register', 'a'],
    ['activate', 'a'],
    ['ingress', 'a', 10],
    ['egress', 'a', 1],
    ['ingress', 'a', 20],
    ['egress', 'a', 2],
    ['close', 'a'],
  ]);
});

test('whoever is admitted has a session before the next one is asked about', () => {
  const known = new Set<string>();
  const collector = {
    isCountable: (ip: string) => ip !== '127.0.0.1',
    has: (id: string) => known.has(id),
    register: (id: string) => known.add(id),
    activate: ignore,
    ingress: ignore,
    egress: ignore,
    close: (id: string) => known.delete(id),
  };
  const refusal = () => (known.size < 2 ? undefined : 'sessions');
  const host = planeHost('rtmp', { collector: () => collector, refusal }, LOG);
  const admit = (id: string, client = '192.0.2.1') => {
    const { reference, location, peer } = traffic(id, client, 0, 0);
    return host.admit({ id, client, reference, location, peer, expectedBitrate: 1 });
  };
  expect([admit('a'), admit('b'), admit('c'), admit('d', '127.0.0.1')]).toEqual([
    undefined,
    undefined,
    'sessions',
    undefined,
  ]);
  expect([...known]).toEqual(['a', 'b']);
  host.end(['a']);
  expect(admit('c')).toBeUndefined();
});

test('while sessions are off, nothing is counted and everybody admitted', () => {
  const host = planeHost('rtmp', { collector: () => undefined, refusal: () => 'sessions' }, LOG);
  host.count([traffic('a', '192.0.2.1', 10, 1)]);
  host.end(['a']);
  const viewer = { id: 'b', reference: '', location: '', peer: '', client: '192.0.2.1', expectedBitrate: 1 };
  expect(host.admit(viewer)).toBeUndefined();
});
