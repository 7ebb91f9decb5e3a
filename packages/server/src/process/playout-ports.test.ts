import { expect, test } from 'vitest';
import { PlayoutPorts } from './playout-ports.ts';

const RANGE = { min: 10, max: 12 };

function assign(ports: PlayoutPorts, owner: string, inputs: string[]) {
  const found = ports.find(owner, inputs);
  ports.hold(owner, found);
  ports.keep(owner, found);
  return [...found.values()];
}

test('the lowest free port comes first', () => {
  const ports = new PlayoutPorts(RANGE);
  expect(assign(ports, 'a', ['x', 'y'])).toEqual([10, 11]);
  expect(assign(ports, 'b', ['x'])).toEqual([12]);
  assign(ports, 'a', []);
  expect(assign(ports, 'c', ['x'])).toEqual([10]);
});

test('an input keeps its port, whatever comes to or goes from its process', () => {
  const ports = new PlayoutPorts(RANGE);
  assign(ports, 'a', ['x', 'y']);
  expect(assign(ports, 'a', ['z', 'y'])).toEqual([12, 11]);
  expect(assign(ports, 'a', ['y'])).toEqual([11]);
});

test('a port that is given up is free only when it is not used any more', () => {
  const ports = new PlayoutPorts(RANGE);
  assign(ports, 'a', ['x']);
  const next = ports.find('a', ['y']);
  ports.hold('a', next);
  expect(ports.find('b', ['x'])).toEqual(new Map([['x', 12]]));
  ports.keep('a', next);
  expect(ports.find('b', ['x'])).toEqual(new Map([['x', 10]]));
});

test('what does not fit is refused, and nothing is held', () => {
  const ports = new PlayoutPorts(RANGE);
  expect(() => ports.find('a', ['1', '2', '3', '4'])).toThrow('no more ports available from range [10,12]');
  expect(assign(ports, 'b', ['1', '2', '3'])).toEqual([10, 11, 12]);
});

test('another range gives other ports, and none gives none', () => {
  const ports = new PlayoutPorts(RANGE);
  assign(ports, 'a', ['x']);
  ports.configure({ min: 20, max: 21 });
  expect(assign(ports, 'a', ['x'])).toEqual([20]);
  ports.configure(undefined);
  expect(assign(ports, 'a', ['x'])).toEqual([]);
});
