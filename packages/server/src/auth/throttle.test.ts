import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Throttle, THROTTLE_DEFAULTS, Throttled, throttleKey } from './throttle.ts';

let throttle: Throttle;
const never = new AbortController().signal;

beforeEach(() => {
  vi.useFakeTimers();
  throttle = new Throttle(THROTTLE_DEFAULTS);
});

afterEach(() => {
  throttle.close();
  vi.useRealTimers();
});

function fail(address: string, account?: string): 'counted' | number {
  try {
    throttle.begin({ address, account });
    return 'counted';
  } catch (error) {
    if (error instanceof Throttled) return error.retryAfter;
    throw error;
  }
}

function failTimes(count: number, address: string, account?: string): void {
  for (let i = 0; i < count; i++) fail(address, account);
}

describe('an address', () => {
  test('may fail five times, then once every twelve seconds', () => {
    for (let i = 0; i < 5; i++) expect(fail('192.0.2.1')).toBe('counted');
    expect(fail('192.0.2.1')).toBe(12);
    vi.advanceTimersByTime(6_000);
    expect(fail('192.0.2.1')).toBe(6);
    vi.advanceTimersByTime(6_000);
    expect(fail('192.0.2.1')).toBe('counted');
    expect(fail('192.0.2.1')).toBe(12);
  });

  test('has no more than five failures free, however long it waited', () => {
    fail('192.0.2.1');
    vi.advanceTimersByTime(3_600_000);
    failTimes(5, '192.0.2.1');
    expect(fail('192.0.2.1')).toBe(12);
  });

  test('may succeed as often as it likes', () => {
    for (let i = 0; i < 100; i++) {
      expect(fail('192.0.2.1', 'admin')).toBe('counted');
      throttle.succeed({ address: '192.0.2.1', account: 'admin' });
    }
    for (let i = 0; i < 5; i++) expect(fail('192.0.2.1', 'admin')).toBe('counted');
    expect(fail('192.0.2.1', 'admin')).toBe(12);
  });

  test('does not suffer from others', () => {
    failTimes(10, '192.0.2.1');
    expect(fail('192.0.2.2')).toBe('counted');
  });

  test('of IPv6 shares its allowance with its network', () => {
    failTimes(5, '2001:db8:0:1::1');
    expect(fail('2001:db8:0:1:ffff::2')).toBe(12);
    expect(fail('2001:db8:0:2::1')).toBe('counted');
  });
});

test.each([
  ['2001:db8::1', '2001:db8:0:0'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
  ['2001:0db8:0001:0002::', '2001:db8:1:2'],
  ['::1', '0:0:0:0'],
  ['::', '0:0:0:0'],
  ['fe80::1%eth0', 'fe80:0:0:0'],
  ['192.0.2.1', '192.0.2.1'],
  ['unknown', 'unknown'],
])('%s counts as %s', (address, key) => {
  expect(throttleKey(address)).toBe(key);
});

describe('an account', () => {
  /** Failures from ever new addresses. */
  function attack(count: number, account: string): void {
    for (let i = 0; i < count; i++) fail(`198.51.${i >> 8}.${i & 0xff}`, account);
  }

  test('may fail a hundred times an hour, from wherever', () => {
    attack(100, 'admin');
    expect(fail('192.0.2.1', 'admin')).toBe(36);
    expect(fail('192.0.2.1', 'other')).toBe('counted');
    vi.advanceTimersByTime(36_000);
    expect(fail('192.0.2.1', 'admin')).toBe('counted');
  });

  test('stays open to addresses that have logged in to it', () => {
    fail('192.0.2.1', 'admin');
    throttle.succeed({ address: '192.0.2.1', account: 'admin' });
    attack(200, 'admin');
    expect(fail('192.0.2.1', 'admin')).toBe('counted');
    expect(fail('192.0.2.2', 'admin')).toBeTypeOf('number');
  });

  test('of a known address gives an attacker nothing', () => {
    fail('192.0.2.1', 'admin');
    throttle.succeed({ address: '192.0.2.1', account: 'admin' });
    attack(200, 'admin');
    for (let i = 0; i < 10; i++) {
      fail('192.0.2.1', 'admin');
      throttle.succeed({ address: '192.0.2.1', account: 'admin' });
      expect(fail('192.0.2.2', 'admin')).toBeTypeOf('number');
    }
  });
});

describe('an answer', () => {
  test('is held back for five seconds', async () => {
    let isFree = false;
    void throttle.delay('192.0.2.1', never).then(() => (isFree = true));
    await vi.advanceTimersByTimeAsync(4_999);
    expect(isFree).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(isFree).toBe(true);
  });

  test('is held back twice for one address, and 64 times in all', async () => {
    const held = Array.from({ length: 64 }, (_, i) => throttle.delay(`192.0.2.${i >> 1}`, never));
    expect(throttle.delayed).toBe(64);
    await expect(throttle.delay('192.0.2.0', never)).rejects.toThrow(Throttled);
    await expect(throttle.delay('198.51.100.1', never)).rejects.toThrow(Throttled);
    await vi.advanceTimersByTimeAsync(5_000);
    await Promise.all(held);
    expect(throttle.delayed).toBe(0);
  });

  test('of a third request from one address is not held back', async () => {
    const held = [throttle.delay('192.0.2.1', never), throttle.delay('192.0.2.1', never)];
    await expect(throttle.delay('192.0.2.1', never)).rejects.toThrow(Throttled);
    throttle.close();
    await Promise.all(held);
  });

  test('is let go when the client has gone, and leaves no timer', async () => {
    const gone = new AbortController();
    const held = throttle.delay('192.0.2.1', gone.signal);
    expect(vi.getTimerCount()).toBe(1);
    gone.abort();
    await held;
    expect([throttle.delayed, vi.getTimerCount()]).toEqual([0, 0]);
  });

  test('to a client that has gone already is not held back', async () => {
    await throttle.delay('192.0.2.1', AbortSignal.abort());
    expect(vi.getTimerCount()).toBe(0);
  });
});
