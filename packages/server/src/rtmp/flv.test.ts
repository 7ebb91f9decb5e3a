import { once } from 'node:events';
import { type Message, MessageType, Relay } from '@millrace/rtmp';
import { describe, expect, test } from 'vitest';
import { FlvPlayer } from './flv-player.ts';
import { FlvViewers } from './flv-viewers.ts';

const HEADER = Buffer.from('17000000000164', 'hex');

function frame(isKey: boolean, bytes: number): Buffer {
  return Buffer.concat([Buffer.from(isKey ? '1701000000' : '2701000000', 'hex'), Buffer.alloc(bytes)]);
}

function video(timestamp: number, body: Buffer): Message {
  return { type: MessageType.video, timestamp, streamId: 1, body };
}

/** A stream of which a key frame was sent. */
function liveRelay(): Relay {
  const relay = new Relay();
  relay.push(video(0, HEADER));
  relay.push(video(0, frame(true, 100)));
  relay.flush();
  return relay;
}

function playerOf(relay: Relay) {
  const sent: Uint8Array[] = [];
  const ended: string[] = [];
  const output = { send: (bytes: Uint8Array) => sent.push(bytes), end: () => ended.push('output') };
  const player = new FlvPlayer(relay, output, (reason) => ended.push(reason));
  return { player, sent, ended };
}

describe('a player of FLV', () => {
  test('gets a header that announces what there is, and whole buffers', () => {
    const { sent } = playerOf(liveRelay());
    expect(Buffer.from(sent[0] ?? []).toString('hex')).toBe('464c5601010000000900000000');
    expect(sent[1]?.buffer.byteLength).toBe(sent[1]?.length);
  });

  test('that takes nothing is sent no more than so much, and goes on with a key frame', () => {
    const relay = liveRelay();
    const { player, sent } = playerOf(relay);
    for (let time = 40; time < 4_000; time += 40) {
      relay.push(video(time, frame(false, 100_000)));
      relay.flush();
    }
    expect(player.backlog).toBeLessThan(4 * 1024 * 1024);
    player.taken(player.bytesSent);
    const count = sent.length;
    relay.push(video(4_000, frame(false, 1000)));
    relay.flush();
    expect(sent).toHaveLength(count);
    relay.push(video(4_040, frame(true, 1000)));
    relay.flush();
    expect(sent).toHaveLength(count + 1);
  });

  test('that takes nothing for too long is over', () => {
    const { player, ended } = playerOf(liveRelay());
    const now = performance.now();
    player.check(now + 9_000, 10_000);
    expect(ended).toEqual([]);
    player.check(now + 11_000, 10_000);
    player.close('');
    expect(ended).toEqual(['output', 'i/o timeout']);
  });

  test('ends with the stream', () => {
    const relay = liveRelay();
    const { ended } = playerOf(relay);
    relay.close('the publisher is gone');
    expect(ended).toEqual(['output', '']);
  });
});

describe('the viewers on the side of their connections', () => {
  function open() {
    const calls: unknown[] = [];
    const viewers = new FlvViewers({
      taken: (id, bytes) => calls.push(['taken', id, bytes]),
      stop: (id) => calls.push(['stop', id]),
    });
    return { calls, viewers, ...viewers.open() };
  }

  test('say what was taken only when it was, bit by bit', async () => {
    const { calls, viewers, id, body } = open();
    const taken = () => calls.reduce((sum: number, call) => sum + Number((call as unknown[])[2]), 0);
    viewers.push(id, new Uint8Array(640 * 1024));
    const chunks = body[Symbol.asyncIterator]();
    let read = 0;
    while (read < 640 * 1024) {
      read += ((await chunks.next()).value as Buffer).length;
      expect(taken()).toBeGreaterThanOrEqual(read);
      expect(taken()).toBeLessThanOrEqual(read + 2 * 64 * 1024);
    }
    viewers.end(id);
    expect(await chunks.next()).toMatchObject({ done: true });
    expect(calls).not.toContainEqual(['stop', id]);
  });

  test('get all that had been sent before the end', async () => {
    const { viewers, id, body } = open();
    viewers.push(id, new Uint8Array(640 * 1024));
    viewers.end(id);
    let read = 0;
    for await (const chunk of body) read += (chunk as Buffer).length;
    expect(read).toBe(640 * 1024);
  });

  test('tell when one has gone, and take nothing for it any more', async () => {
    const { calls, viewers, id, body } = open();
    body.destroy();
    await once(body, 'close');
    viewers.push(id, new Uint8Array(10));
    viewers.end(id);
    expect(calls).toEqual([['stop', id]]);
  });
});
