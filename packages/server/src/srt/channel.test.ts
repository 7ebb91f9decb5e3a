import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Channel } from './channel.ts';
import {
  TsMultiplexer,
  H264,
  VIDEO,
  PMT_PID,
  KEY_FRAME,
  OTHER_FRAME,
} from '../../../../tests/support/transport-stream.ts';

class FakeSubscriber {
  readonly got: Buffer[] = [];
  isClosed = false;
  readonly maxPayload: number;

  constructor(maxPayload = 1456) {
    this.maxPayload = maxPayload;
  }

  send(payload: Buffer): boolean {
    this.got.push(payload);
    return true;
  }

  close(): void {
    this.isClosed = true;
  }
}

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

function streaming() {
  const mux = new TsMultiplexer();
  const channel = new Channel<FakeSubscriber>();
  const tables = Buffer.concat([mux.pat(PMT_PID), mux.pmt([[H264, VIDEO]])]);
  channel.relay(tables);
  const join = (maxPayload?: number) => {
    const subscriber = new FakeSubscriber(maxPayload);
    channel.add(subscriber);
    return subscriber;
  };
  const frame = (content: Buffer) => mux.pes(VIDEO, content);
  return { channel, tables, join, frame };
}

test('a subscriber waits for a key frame, and gets the tables first', () => {
  const { channel, tables, join, frame } = streaming();
  const subscriber = join();
  channel.relay(frame(OTHER_FRAME));
  expect(subscriber.got).toEqual([]);
  const [end, key, next] = [frame(OTHER_FRAME), frame(KEY_FRAME), frame(OTHER_FRAME)];
  channel.relay(Buffer.concat([end, key, next]));
  expect(Buffer.concat(subscriber.got)).toEqual(Buffer.concat([tables, key, next]));
  // No packet is longer than the publisher's.
  expect(subscriber.got.map(({ length }) => length)).toEqual([3 * 188, 188]);
  const more = frame(OTHER_FRAME);
  channel.relay(more);
  expect(subscriber.got.at(-1)).toBe(more);
  expect(channel.subscribers).toEqual([subscriber]);
});

test('payloads keep their size and are not copied', () => {
  const channel = new Channel<FakeSubscriber>();
  const [first, second] = [new FakeSubscriber(), new FakeSubscriber()];
  channel.add(first);
  channel.relay(Buffer.from('a'));
  channel.add(second);
  const payloads = [Buffer.alloc(1456), Buffer.from('text'), Buffer.alloc(188)];
  for (const payload of payloads) channel.relay(payload);
  expect(first.got.slice(1)).toEqual(payloads);
  expect(first.got[1]).toBe(payloads[0]);
  expect(second.got).toEqual(payloads);
});

test('a stream without a key frame begins somewhere, in the end', () => {
  const { channel, tables, join, frame } = streaming();
  const subscriber = join();
  channel.relay(frame(OTHER_FRAME));
  vi.advanceTimersByTime(15_000);
  const payload = frame(OTHER_FRAME);
  channel.relay(payload);
  expect(Buffer.concat(subscriber.got)).toEqual(Buffer.concat([tables, payload]));
});

test('a subscriber with smaller packets gets whole ones of the transport stream', () => {
  const { channel, join, frame } = streaming();
  const subscriber = join(500);
  channel.relay(frame(KEY_FRAME));
  channel.relay(Buffer.concat([1, 2, 3, 4, 5].map(() => frame(OTHER_FRAME))));
  expect(subscriber.got.slice(-3).map(({ length }) => length)).toEqual([376, 376, 188]);
});

test('the end of the publisher is that of all, also of those who wait and who come late', () => {
  const { channel, join, frame } = streaming();
  const playing = join();
  channel.relay(frame(KEY_FRAME));
  const waiting = join();
  const gone = join();
  channel.remove(gone);
  channel.close();
  expect([playing, waiting, gone, join()].map(({ isClosed }) => isClosed)).toEqual([true, true, false, true]);
});
