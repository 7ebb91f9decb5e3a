import { expect, test } from 'vitest';
import { PIECE_SIZES, cut, mutate, seeded } from '../test/feed.ts';
import { TestSink, audioHeader, frame, keyFrame, sound, videoHeader } from '../test/streams.ts';
import { ByteCursor } from './byte-cursor.ts';
import { ProtocolError } from './errors.ts';
import { FLV_HEADER, encodeFlv, flvHeader, readFlv, serializeFlvTag, splitAggregate } from './flv.ts';
import { type Message, MessageType } from './message.ts';
import { Relay } from './relay.ts';

function read(pieces: Buffer[], maxTagBytes = 1_000_000): Message[] {
  const messages: Message[] = [];
  const input = new ByteCursor();
  const parser = readFlv(input, (message) => messages.push(message), maxTagBytes);
  parser.next();
  for (const piece of pieces) {
    input.push(piece);
    parser.next();
  }
  return messages;
}

const MESSAGES = [videoHeader(), audioHeader(), keyFrame(0, 3000), sound(0xff_ffff), frame(0xffff_fff0)];
const FILE = Buffer.concat([FLV_HEADER, ...MESSAGES.map((message) => serializeFlvTag(message))]);

test('a tag has the form of the specification', () => {
  const tag = serializeFlvTag({ type: 9, timestamp: 0x0a0b0c0d, body: Buffer.from('aabb', 'hex') });
  expect(tag.toString('hex')).toBe('09' + '000002' + '0b0c0d' + '0a' + '000000' + 'aabb' + '0000000d');
});

test.each<[string, ('audio' | 'video')[], number]>([
  ['audio', ['audio'], 4],
  ['video', ['video'], 1],
  ['both', ['video', 'audio'], 5],
  ['both, while nothing is known', [], 5],
])('a header announces what there is: %s', (_, kinds, flags) => {
  expect(flvHeader(kinds.map((kind) => ({ kind })))[4]).toBe(flags);
});

test.each(PIECE_SIZES)('what is written is read in pieces of %d bytes', (size) => {
  expect(read(cut(FILE, size))).toEqual(MESSAGES.map((message) => ({ ...message, streamId: 0 })));
});

test('a relay can be subscribed to as FLV', () => {
  const relay = new Relay();
  for (const message of [videoHeader(), audioHeader(), keyFrame(1000, 3000), sound(1010), frame(1040)]) {
    relay.push(message);
  }
  const pieces: Buffer[] = [];
  relay.subscribe({
    encoder: encodeFlv,
    backlog: 0,
    send: (encoded) => {
      pieces.push(...encoded.pieces);
      expect(encoded.bytes).toBe(encoded.pieces.reduce((sum, piece) => sum + piece.length, 0));
    },
    relayClosed: () => undefined,
  });
  const [, ...messages] = read([FLV_HEADER, ...pieces].map((piece) => Buffer.from(piece)));
  expect(messages).toEqual(
    [
      videoHeader(),
      audioHeader(),
      { ...keyFrame(1000, 3000), timestamp: 0 },
      { ...sound(1010), timestamp: 10 },
      { ...frame(1040), timestamp: 40 },
    ].map((message) => ({ ...message, streamId: 0 })),
  );
});

test('both forms can be subscribed to at once', () => {
  const relay = new Relay();
  const rtmp = new TestSink();
  relay.subscribe(rtmp);
  let flvBytes = 0;
  relay.subscribe({
    encoder: encodeFlv,
    backlog: 0,
    send: ({ bytes }) => (flvBytes += bytes),
    relayClosed: () => undefined,
  });
  relay.push(keyFrame(0));
  relay.flush();
  expect(rtmp.takeShort()).toEqual(['key 0']);
  expect(flvBytes).toBe(11 + 25 + 4);
});

test.each([
  ['something else', Buffer.from('<html></html>')],
  ['a header size that is too small', Buffer.from('464c56010500000008', 'hex')],
  ['a header size that is too large', Buffer.from('464c560105ffffffff', 'hex')],
  ['a tag that is too large', Buffer.concat([FLV_HEADER, Buffer.from('09ffffff00000000000000', 'hex')])],
])('%s is a protocol error', (_name, bytes) => {
  expect(() => read([bytes])).toThrow(ProtocolError);
});

test('an aggregate that is cut off gives what is whole', () => {
  const tags = Buffer.concat([keyFrame(10), frame(50)].map((message) => serializeFlvTag(message)));
  const aggregate = { type: MessageType.aggregate, timestamp: 1000, streamId: 1, body: tags };
  expect(splitAggregate(aggregate).map(({ timestamp }) => timestamp)).toEqual([1000, 1040]);
  expect(splitAggregate({ ...aggregate, body: tags.subarray(0, 50) })).toHaveLength(1);
  expect(splitAggregate({ ...aggregate, body: tags.subarray(0, 10) })).toHaveLength(0);
});

test('an aggregate does not contain aggregates', () => {
  const inner = {
    type: MessageType.aggregate,
    timestamp: 0,
    streamId: 1,
    body: serializeFlvTag(keyFrame(0)),
  };
  const body = serializeFlvTag(inner);
  expect(splitAggregate({ ...inner, body })).toEqual([]);
});

test('mutated files are messages or protocol errors, and nothing else', () => {
  const random = seeded(4);
  for (let i = 0; i < 1000; i++) {
    try {
      read(cut(mutate(FILE, random), 1 + Math.floor(random() * 2000)));
    } catch (error) {
      expect(error).toBeInstanceOf(ProtocolError);
    }
  }
});
