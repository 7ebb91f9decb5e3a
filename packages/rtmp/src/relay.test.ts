import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  AAC_HEADER,
  AVC_HEADER,
  TestSink,
  audioHeader,
  frame,
  keyFrame,
  metadata,
  sound,
  videoHeader,
} from '../test/streams.ts';
import { type AmfValue, parseAmf0, serializeAmf0 } from './amf0.ts';
import { serializeFlvTag } from './flv.ts';
import { type Message, MessageType } from './message.ts';
import { Relay, type RelayOptions } from './relay.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A relay with a stream that has begun. */
function relayOf(messages: Message[], options: Partial<RelayOptions> = {}): Relay {
  const relay = new Relay(options);
  push(relay, ...messages);
  return relay;
}

function push(relay: Relay, ...messages: Message[]): void {
  for (const message of messages) relay.push(message);
  relay.flush();
}

function join(relay: Relay, sink = new TestSink()) {
  return { sink, subscription: relay.subscribe(sink) };
}

const START = [metadata({ width: 320 }, '@setDataFrame'), videoHeader(), audioHeader()];

describe('a player who joins', () => {
  test('begins with metadata, headers and the last key frame, at time 0', () => {
    const relay = relayOf([...START, keyFrame(1000), frame(1040), keyFrame(2000), sound(2010), frame(2040)]);
    const { sink } = join(relay);
    expect(sink.takeShort()).toEqual([
      'onMetaData 0',
      'video header 0',
      'audio header 0',
      'key 0',
      'audio 10',
      'video 40',
    ]);
    push(relay, frame(2080), sound(2090));
    expect(sink.takeShort()).toEqual(['video 80', 'audio 90']);
  });

  test('gets the frames from the next key frame on, if much waits for it already', () => {
    const relay = relayOf([...START, keyFrame(1000), frame(1040)]);
    const sink = new TestSink();
    sink.backlog = 3 * 1024 * 1024;
    join(relay, sink);
    expect(sink.takeShort()).toEqual(['onMetaData 0', 'video header 0', 'audio header 0']);
    sink.backlog = 0;
    push(relay, frame(1080), keyFrame(1120));
    expect(sink.takeShort()).toEqual(['key 0']);
  });

  test('waits for a key frame, if there is none yet', () => {
    const relay = relayOf([...START, sound(0), frame(40)]);
    const { sink } = join(relay);
    expect(sink.takeShort()).toEqual(['onMetaData 0', 'video header 0', 'audio header 0']);
    push(relay, sound(60), frame(80));
    push(relay, keyFrame(120), sound(125));
    expect(sink.takeShort()).toEqual(['key 0', 'audio 5']);
  });

  test('gets video before audio, in whatever order the headers came', () => {
    const relay = relayOf([audioHeader(), videoHeader(), keyFrame(0)]);
    expect(join(relay).sink.takeShort()).toEqual([
      'onMetaData 0',
      'video header 0',
      'audio header 0',
      'key 0',
    ]);
  });

  test('gets sound that is a little before the key frame at time 0', () => {
    const relay = relayOf([...START, keyFrame(1000), sound(990)]);
    expect(join(relay).sink.takeShort().slice(3)).toEqual(['key 0', 'audio 0']);
  });

  test('gets what is pushed and not flushed once', () => {
    const relay = relayOf([...START, keyFrame(0)]);
    const first = join(relay).sink;
    first.take();
    relay.push(frame(40));
    const second = join(relay).sink;
    expect(second.takeShort().slice(-2)).toEqual(['key 0', 'video 40']);
    expect(first.takeShort()).toEqual(['video 40']);
    relay.flush();
    expect(second.take()).toEqual([]);
  });

  test('shares the bytes of the frames', () => {
    const relay = relayOf([...START, keyFrame(0)]);
    const large = frame(40, 5_000);
    const pieces: Buffer[] = [];
    const sink = new TestSink();
    relay.subscribe(sink);
    sink.send = (encoded) => pieces.push(...encoded.pieces);
    push(relay, large);
    expect(pieces.some((piece) => piece.buffer === large.body.buffer)).toBe(true);
  });
});

describe('the cache', () => {
  test('is given up when it takes too many bytes, until the next key frame', () => {
    const relay = relayOf([...START, keyFrame(0, 500), frame(40, 600)], { gopBytes: 1000 });
    expect(relay.cachedBytes).toBe(0);
    const { sink } = join(relay);
    push(relay, frame(80), keyFrame(120));
    expect(sink.takeShort().slice(3)).toEqual(['key 0']);
  });

  test('counts what it takes to hold frames, however small they are', () => {
    const tiny = Array.from({ length: 100 }, (_, i) => frame(i % 2, 1));
    const relay = relayOf([...START, keyFrame(0), ...tiny], { gopBytes: 10_000 });
    expect(relay.cachedBytes).toBe(0);
  });

  test('is given up when it takes too long', () => {
    const relay = relayOf([...START, keyFrame(0), frame(9_000), frame(18_000), frame(20_001)]);
    expect(relay.cachedBytes).toBe(0);
  });

  test('holds one GOP however long the stream runs', () => {
    const relay = relayOf(START);
    for (let i = 0; i < 1000; i++) push(relay, keyFrame(i * 2000), frame(i * 2000 + 1000));
    expect(relay.cachedBytes).toBe(25 + 15);
  });
});

describe('sound alone', () => {
  test('begins at once, with the last second at most', () => {
    const relay = relayOf([audioHeader(), ...Array.from({ length: 600 }, (_, i) => sound(i * 20))]);
    const { sink } = join(relay);
    const sounds = sink.takeShort().filter((text) => text.startsWith('audio '));
    expect(sounds.slice(0, 2)).toEqual(['audio header 0', 'audio 0']);
    expect(sounds.at(-1)).toBe('audio 1000');
    push(relay, sound(12_000));
    expect(sink.takeShort()).toEqual(['audio 1020']);
  });

  test('begins with the first sound, for who came before it', () => {
    const relay = relayOf([audioHeader()]);
    const { sink } = join(relay);
    sink.take();
    push(relay, sound(500), sound(520));
    expect(sink.takeShort()).toEqual(['audio 0', 'audio 20']);
  });

  test('is one encoding for all who have the same times', () => {
    const relay = relayOf([audioHeader(), sound(0)]);
    const sinks = [join(relay).sink, join(relay).sink];
    const sent: Buffer[][] = sinks.map(() => []);
    sinks.forEach((sink, i) => (sink.send = ({ pieces }) => sent[i]?.push(...pieces)));
    push(relay, sound(20));
    expect(sent[0]?.[0]?.buffer).toBe(sent[1]?.[0]?.buffer);
  });

  test('does not wait for a picture that is gone', () => {
    const relay = relayOf([...START, keyFrame(0), ...Array.from({ length: 30 }, (_, i) => sound(i * 1000))]);
    const { sink } = join(relay);
    expect(sink.takeShort().slice(3)).toEqual(['audio 0', 'audio 1000']);
    push(relay, frame(29_100), keyFrame(29_200));
    expect(sink.takeShort()).toEqual(['key 1200']);
  });
});

describe('headers that change', () => {
  const LARGER = Buffer.concat([AVC_HEADER, Buffer.of(1)]);

  test('reach those who play', () => {
    const relay = relayOf([...START, keyFrame(0)]);
    const { sink } = join(relay);
    sink.take();
    push(relay, videoHeader(LARGER), keyFrame(40));
    const [header, key] = sink.take();
    expect(header).toMatchObject({ type: MessageType.video, body: LARGER });
    expect(key?.timestamp).toBe(40);
  });

  test('reach those who come later, and the ones before fit to the frames', () => {
    const relay = relayOf([...START, keyFrame(0), videoHeader(LARGER)]);
    const between = join(relay)
      .sink.take()
      .filter(({ type }) => type === MessageType.video);
    expect(between.map(({ body }) => body)).toEqual([AVC_HEADER, keyFrame(0).body, LARGER]);
    push(relay, keyFrame(40));
    const after = join(relay)
      .sink.take()
      .filter(({ type }) => type === MessageType.video);
    expect(after.map(({ body }) => body)).toEqual([LARGER, keyFrame(40).body]);
  });

  test('are not sent again if they are the same', () => {
    const relay = relayOf([...START, keyFrame(0)]);
    const { sink } = join(relay);
    sink.take();
    push(relay, videoHeader(), audioHeader(), keyFrame(40));
    expect(sink.takeShort()).toEqual(['key 40']);
  });

  test('are kept for each track and variant', () => {
    const tracks = ['96 00 61766331 00', '96 00 61766331 01', '94 68766331 02'];
    const headers = tracks.map((text) => videoHeader(Buffer.from(text.replace(/\s/g, ''), 'hex')));
    const relay = relayOf([...headers, audioHeader()]);
    const bodies = join(relay).sink.take().slice(1);
    expect(bodies.map(({ body }) => body)).toEqual([...headers.map(({ body }) => body), AAC_HEADER]);
  });
});

describe('metadata', () => {
  const read = (message: Message | undefined) => {
    const [name, value] = parseAmf0(message?.body ?? Buffer.alloc(0));
    return [name, Object.fromEntries(value as Map<string, AmfValue>)];
  };

  test('is what the publisher said, corrected by what its tracks are', () => {
    const relay = relayOf([
      metadata({ videocodecid: 2, audiocodecid: 2, encoder: 'x', width: 320 }, '@setDataFrame'),
      videoHeader(Buffer.from('9068766331', 'hex')),
      audioHeader(),
    ]);
    expect(read(join(relay).sink.take()[0])).toEqual([
      'onMetaData',
      {
        videocodecid: 1_752_589_105,
        audiocodecid: 10,
        encoder: 'x',
        width: 320,
        audiosamplerate: 44_100,
        audiochannels: 2,
      },
    ]);
  });

  test('is taken with and without @setDataFrame, and in AMF3', () => {
    const { body } = metadata({ a: 1 });
    const amf3 = {
      type: MessageType.dataAmf3,
      timestamp: 0,
      streamId: 1,
      body: Buffer.concat([Buffer.of(0), body]),
    };
    for (const message of [metadata({ a: 1 }), metadata({ a: 1 }, '@setDataFrame'), amf3]) {
      expect(read(join(relayOf([message])).sink.take()[0])).toEqual(['onMetaData', { a: 1 }]);
    }
  });

  test('reaches those who play when it changes', () => {
    const relay = relayOf([...START, keyFrame(0)]);
    const { sink } = join(relay);
    sink.take();
    push(relay, metadata({ title: 'new' }));
    expect(read(sink.take()[0])).toEqual(['onMetaData', expect.objectContaining({ title: 'new' })]);
  });

  test('of more than 32 KiB, too deep, or broken is ignored', () => {
    const large = metadata(
      Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`k${i}`, 'x'.repeat(2000)])),
    );
    const deep = metadata({ a: { b: { c: { d: 1 } } } });
    const broken = { ...metadata({ a: 1 }), body: metadata({ a: 1 }).body.subarray(0, 20) };
    const relay = relayOf([metadata({ good: true }), large, deep, broken]);
    expect(read(join(relay).sink.take()[0])).toEqual(['onMetaData', { good: true }]);
  });

  test('can be taken back', () => {
    const clear = {
      type: MessageType.data,
      timestamp: 0,
      streamId: 1,
      body: serializeAmf0(['@clearDataFrame', 'onMetaData']),
    };
    expect(join(relayOf([metadata({ a: 1 }), clear])).sink.take()).toEqual([]);
    const other = { ...clear, body: serializeAmf0(['@clearDataFrame', 'onTextData']) };
    expect(join(relayOf([metadata({ a: 1 }), other])).sink.takeShort()).toEqual(['onMetaData 0']);
  });

  test.each([[[]], [['@setDataFrame']]])('other data goes to those who play, after %j', (first) => {
    const relay = relayOf([...START, keyFrame(1000)]);
    const { sink } = join(relay);
    sink.take();
    const body = serializeAmf0(['onTextData', { text: 'x' }]);
    const sent = Buffer.concat([serializeAmf0(first), body]);
    push(relay, { type: MessageType.data, timestamp: 1000, streamId: 1, body: sent });
    expect(sink.take()).toEqual([{ type: MessageType.data, timestamp: 0, streamId: 1, body }]);
  });
});

test('an aggregate is taken apart, on its own timeline', () => {
  const relay = relayOf(START);
  const { sink } = join(relay);
  sink.take();
  const body = Buffer.concat(
    [keyFrame(5_000), sound(5_010), frame(5_040)].map((message) => serializeFlvTag(message)),
  );
  push(relay, { type: MessageType.aggregate, timestamp: 100, streamId: 1, body });
  expect(sink.takeShort()).toEqual(['key 0', 'audio 10', 'video 40']);
});

test('empty audio, player commands and messages of other types are ignored', () => {
  const relay = relayOf(START);
  const { sink } = join(relay);
  sink.take();
  const other = (type: number, body: string) => ({
    type,
    timestamp: 0,
    streamId: 1,
    body: Buffer.from(body, 'hex'),
  });
  push(
    relay,
    other(8, ''),
    other(9, ''),
    other(9, '5700'),
    other(99, 'aa'),
    other(18, 'ff'),
    other(22, 'aa'),
  );
  expect(sink.take()).toEqual([]);
  expect(relay.frames).toBe(5);
});

describe.each([0xff_fff0, 0xffff_fff0, 0x7fff_fff0])('a publisher that begins at %d', (begin) => {
  test('is played from 0 on, without a gap', () => {
    const at = (time: number) => (begin + time) % 2 ** 32;
    const relay = relayOf([...START, keyFrame(at(0))]);
    const { sink } = join(relay);
    for (let time = 5; time <= 60; time += 5)
      push(relay, time % 10 === 0 ? frame(at(time)) : sound(at(time)));
    expect(
      sink
        .take()
        .slice(3)
        .map(({ timestamp }) => timestamp),
    ).toEqual([0, 5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55, 60]);
  });
});

test('a player of more than 4 hours 39 minutes gets extended times, in large frames too', () => {
  const relay = relayOf([...START, keyFrame(0)]);
  const { sink } = join(relay);
  sink.take();
  for (let time = 9_000; time < 0xff_ffff; time += 9_000) relay.push(keyFrame(time));
  relay.flush();
  sink.take();
  push(relay, keyFrame(0x100_0000, 200_000), sound(0x100_0005));
  expect(sink.take()).toEqual([keyFrame(0x100_0000, 200_000), sound(0x100_0005)]);
});

describe('a slow player', () => {
  const LIMITS = { lagBytes: 1000, audioLagBytes: 2000, recoverBytes: 100 };

  function slow() {
    const relay = relayOf([...START, keyFrame(0)], LIMITS);
    const { sink, subscription } = join(relay);
    sink.take();
    push(relay, frame(40));
    sink.take();
    return { relay, sink, subscription };
  }

  test('gets no video until it has caught up and a key frame comes', () => {
    const { relay, sink, subscription } = slow();
    sink.backlog = 1001;
    push(relay, frame(80), sound(90));
    expect(sink.takeShort()).toEqual(['audio 90']);
    expect(subscription.isLagging).toBe(true);
    sink.backlog = 500;
    push(relay, keyFrame(120), sound(130));
    expect(sink.takeShort()).toEqual(['audio 130']);
    sink.backlog = 99;
    push(relay, frame(160), sound(170));
    expect(sink.takeShort()).toEqual(['audio 170']);
    push(relay, frame(200), keyFrame(240), frame(280));
    expect(sink.takeShort()).toEqual(['key 240', 'video 280']);
    expect(subscription.isLagging).toBe(false);
    expect(subscription.droppedFrames).toBe(4);
  });

  test('gets no sound either when it is far behind', () => {
    const { relay, sink } = slow();
    sink.backlog = 2001;
    push(relay, frame(80), sound(90), keyFrame(100));
    expect(sink.takeShort()).toEqual([]);
  });

  test('still gets headers and metadata', () => {
    const { relay, sink } = slow();
    sink.backlog = 1500;
    push(relay, videoHeader(Buffer.concat([AVC_HEADER, Buffer.of(2)])), metadata({ a: 1 }), frame(80));
    expect(sink.takeShort()).toEqual(['video header 40', 'onMetaData 40']);
  });

  test('does not slow the others', () => {
    const { relay, sink } = slow();
    const other = join(relay).sink;
    other.take();
    sink.backlog = 5000;
    push(relay, frame(80), sound(90));
    expect(other.takeShort()).toEqual(['video 80', 'audio 90']);
  });

  test('may take its time with what it began with', () => {
    const relay = relayOf([...START, keyFrame(0, 5000)], LIMITS);
    const sink = new TestSink();
    const send = sink.send.bind(sink);
    sink.send = (encoded) => {
      send(encoded);
      sink.backlog = 5000;
    };
    const { subscription } = join(relay, sink);
    sink.backlog = 5500;
    push(relay, frame(40));
    expect(sink.takeShort().slice(-2)).toEqual(['key 0', 'video 40']);
    sink.backlog = 6001;
    push(relay, frame(80));
    expect(subscription.isLagging).toBe(true);
  });

  test('of sound alone gets it again when it has caught up', () => {
    const relay = relayOf([audioHeader(), sound(0)], LIMITS);
    const { sink, subscription } = join(relay);
    sink.take();
    sink.backlog = 2001;
    push(relay, sound(20));
    expect(sink.take()).toEqual([]);
    sink.backlog = 0;
    push(relay, sound(40));
    expect(sink.takeShort()).toEqual(['audio 40']);
    expect(subscription.isLagging).toBe(false);
  });
});

test('a player that pauses gets nothing, and goes on with a key frame', () => {
  const relay = relayOf([...START, keyFrame(0)]);
  const { sink, subscription } = join(relay);
  sink.take();
  subscription.isPaused = true;
  push(relay, frame(40), sound(50), keyFrame(80));
  expect(sink.take()).toEqual([]);
  subscription.isPaused = false;
  push(relay, frame(120), keyFrame(160));
  expect(sink.takeShort()).toEqual(['key 160']);
});

describe('many players', () => {
  test('get what comes within a moment together', () => {
    const relay = relayOf([...START, keyFrame(0)], { gatherFrom: 2, gatherMs: 40 });
    const sinks = [join(relay).sink, join(relay).sink];
    for (const sink of sinks) sink.take();
    const sends = sinks[0]?.sends ?? 0;
    push(relay, frame(40));
    push(relay, sound(45));
    expect(sinks[0]?.sends).toBe(sends);
    vi.advanceTimersByTime(40);
    expect(sinks.map((sink) => sink.takeShort())).toEqual([
      ['video 40', 'audio 45'],
      ['video 40', 'audio 45'],
    ]);
    expect(sinks[0]?.sends).toBe(sends + 1);
  });

  test('get much at once', () => {
    const relay = relayOf([...START, keyFrame(0)], { gatherFrom: 1 });
    const { sink } = join(relay);
    sink.take();
    push(relay, frame(40, 70_000));
    expect(sink.take()).toHaveLength(1);
  });

  test('leave no timer behind when the publisher leaves', () => {
    const relay = relayOf([...START, keyFrame(0)], { gatherFrom: 1 });
    const { sink } = join(relay);
    push(relay, frame(40));
    relay.close('gone');
    expect(sink.takeShort().at(-1)).toBe('video 40');
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('the end', () => {
  test('is told to players, after all that was sent', () => {
    const relay = relayOf([...START, keyFrame(0)]);
    const { sink } = join(relay);
    const reasons: string[] = [];
    relay.on('closed', (reason) => reasons.push(reason));
    relay.push(frame(40));
    relay.close('gone');
    relay.close('again');
    expect(sink.takeShort().at(-1)).toBe('video 40');
    expect(sink.closedReason).toBe('gone');
    expect(reasons).toEqual(['gone']);
    expect(relay.subscribers.size).toBe(0);
  });

  test('is told at once to who comes after it', () => {
    const relay = relayOf([...START, keyFrame(0)]);
    relay.close('gone');
    expect(join(relay).sink.closedReason).toBe('closed');
  });

  test('is not told to a player who left', () => {
    const relay = relayOf([...START, keyFrame(0)]);
    const { sink, subscription } = join(relay);
    sink.take();
    subscription.close();
    push(relay, frame(40));
    relay.close('gone');
    expect(sink.take()).toEqual([]);
    expect(sink.closedReason).toBeUndefined();
  });
});

describe('what a listing shows', () => {
  test('tracks, as they show themselves', () => {
    const relay = new Relay();
    const seen: string[] = [];
    relay.on('track', ({ kind, codec, sampleRate }) => seen.push(`${kind} ${codec} ${sampleRate ?? ''}`));
    push(relay, ...START, keyFrame(0), sound(0), audioHeader(Buffer.from('af001190', 'hex')));
    expect(seen).toEqual(['video H264 ', 'audio AAC 44100', 'audio AAC 48000']);
    expect(relay.tracks).toMatchObject([
      { kind: 'video', codec: 'H264', codecId: 7, id: 0 },
      { kind: 'audio', codec: 'AAC', codecId: 10, id: 0, sampleRate: 48_000, channels: 2 },
    ]);
  });

  test('bytes, bitrate and the length of a GOP', () => {
    const relay = relayOf(START);
    for (let time = 0; time <= 5000; time += 100) {
      relay.push(time % 2000 === 0 ? keyFrame(time, 995) : frame(time, 995), time);
    }
    expect(relay.gopLength).toBe(2000);
    // The publisher's clock was set back a little.
    relay.push(keyFrame(3900, 995), 5000);
    expect(relay.gopLength).toBe(2000);
    expect(relay.bytesReceived).toBeGreaterThan(50_000);
    expect(relay.bytesPerSecond).toBeCloseTo(10_000, -3);
  });
});
