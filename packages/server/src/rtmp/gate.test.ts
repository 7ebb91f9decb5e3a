import { describe, expect, test } from 'vitest';
import { Gate, Guesses } from './gate.ts';

const LIMITS = { connections: 5, perAddress: 3, strangers: 4, strangersPerAddress: 2 };
const isIn = (visit: object | undefined) => visit !== undefined;

describe('the gate', () => {
  test('lets an address in until it has too many strangers, and again when they are known or gone', () => {
    const gate = new Gate(LIMITS);
    const first = gate.enter('192.0.2.1');
    expect(isIn(gate.enter('192.0.2.1'))).toBe(true);
    expect(isIn(gate.enter('192.0.2.1'))).toBe(false);
    expect(isIn(gate.enter('192.0.2.2'))).toBe(true);
    first?.granted();
    expect(isIn(gate.enter('192.0.2.1'))).toBe(true);
    expect(isIn(gate.enter('192.0.2.1'))).toBe(false);
    first?.left();
    first?.left();
    expect(isIn(gate.enter('192.0.2.1'))).toBe(false);
  });

  test('has room for so many strangers in all, and so many connections', () => {
    const gate = new Gate(LIMITS);
    const visits = [1, 2, 3, 4].map((n) => gate.enter(`192.0.2.${n}`));
    expect(visits.every(isIn)).toBe(true);
    expect(isIn(gate.enter('192.0.2.5'))).toBe(false);
    for (const visit of visits) visit?.granted();
    expect(isIn(gate.enter('192.0.2.5'))).toBe(true);
    expect(isIn(gate.enter('192.0.2.6'))).toBe(false);
    visits[0]?.left();
    expect(isIn(gate.enter('192.0.2.6'))).toBe(true);
  });

  test('does not count what this machine opens by its address, nor as strangers', () => {
    const gate = new Gate(LIMITS);
    const own = ['127.0.0.1', '127.0.0.1', '127.0.0.1', '::1'].map((address) => gate.enter(address));
    expect(own.every(isIn)).toBe(true);
    expect(isIn(gate.enter('192.0.2.1'))).toBe(true);
    expect(isIn(gate.enter('127.0.0.1'))).toBe(false);
  });
});

test('whoever guesses again waits longer and longer, up to a limit, until it is forgotten', () => {
  const guesses = new Guesses();
  const delays = Array.from({ length: 8 }, () => guesses.delay('192.0.2.1', 0));
  expect(delays).toEqual([0, 100, 200, 400, 800, 1600, 3000, 3000]);
  expect(guesses.delay('192.0.2.2', 0)).toBe(0);
  expect(guesses.delay('192.0.2.1', 60_000)).toBe(0);
});
