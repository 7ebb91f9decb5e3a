import { expect, test } from 'vitest';
import { Admission } from './admission.ts';
import { DEFAULT_LISTENER_LIMITS, type ListenerLimits } from './limits.ts';
import { REJECTION } from './rejection.ts';

const admission = (limits: Partial<ListenerLimits>) =>
  new Admission({ ...DEFAULT_LISTENER_LIMITS, ...limits });
const [HERE, THERE] = ['192.0.2.1', '192.0.2.2'];

test.each([
  ['in all', { pending: 1 }, REJECTION.backlog],
  ['of an address', { pendingPerAddress: 1 }, undefined],
])('too many that wait %s are refused until one has its decision', (_title, limits, elsewhere) => {
  const callers = admission(limits);
  callers.arrived(HERE);
  expect([callers.refusal(HERE), callers.refusal(THERE)]).toEqual([REJECTION.backlog, elsewhere]);
  callers.decided(HERE);
  expect([callers.refusal(HERE), callers.refusal(THERE)]).toEqual([undefined, undefined]);
});

test.each([
  ['in all', { connections: 2 }, REJECTION.resource],
  ['of an address', { connectionsPerAddress: 2 }, undefined],
])(
  'too many connections %s are refused, with those that may become one, until one ends',
  (_title, limits, elsewhere) => {
    const callers = admission(limits);
    callers.connected(HERE);
    expect(callers.refusal(HERE)).toBeUndefined();
    callers.arrived(HERE);
    expect([callers.refusal(HERE), callers.refusal(THERE)]).toEqual([REJECTION.resource, elsewhere]);
    callers.decided(HERE);
    callers.connected(HERE);
    expect([callers.refusal(HERE), callers.refusal(THERE)]).toEqual([REJECTION.resource, elsewhere]);
    callers.left(HERE);
    expect([callers.refusal(HERE), callers.refusal(THERE)]).toEqual([undefined, undefined]);
  },
);

test('so many passphrases of an address are checked each second', () => {
  const callers = admission({ secretsPerSecondPerAddress: 2 });
  const takes = () => [HERE, HERE, HERE, THERE].map((address) => callers.takeSecret(address));
  callers.tick(5000);
  expect(takes()).toEqual([true, true, false, true]);
  callers.tick(5999);
  expect(callers.takeSecret(HERE)).toBe(false);
  callers.tick(6000);
  expect(takes()).toEqual([true, true, false, true]);
});
