import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  PIECE_SIZES,
  type SentMessage,
  basicHeader,
  cut,
  mutate,
  readChunks,
  seeded,
  writeChunks,
} from '../test/feed.ts';
import { serializeMessage } from './chunk-writer.ts';
import { ProtocolError } from './errors.ts';
import type { Message } from './message.ts';

const hex = (text: string) => Buffer.from(text.replace(/\s/g, ''), 'hex');
const body = (size: number, start = 0) =>
  Buffer.from(Array.from({ length: size }, (_, i) => (start + i) & 0xff));
const message = (timestamp: number, bytes: Buffer, type = 9, chunkStreamId = 6): SentMessage => ({
  chunkStreamId,
  type,
  timestamp,
  streamId: 1,
  body: bytes,
});
const received = (messages: SentMessage[]): Message[] =>
  messages.map(({ type, timestamp, streamId, body }) => ({ type, timestamp, streamId, body }));
const setChunkSize = (size: number) =>
  hex(`02 000000 000004 01 00000000 ${size.toString(16).padStart(8, '0')}`);

interface Vector {
  name: string;
  bytes: Buffer;
  messages: [timestamp: number, type: number, body: string, streamId?: number][];
}

const VECTORS: Vector[] = [
  {
    name: 'a whole header',
    bytes: hex('06 000010 000002 09 01000000 aabb'),
    messages: [[16, 9, 'aabb']],
  },
  {
    name: 'a message without a body',
    bytes: hex('04 000010 000000 08 01000000'),
    messages: [[16, 8, '']],
  },
  {
    name: 'deltas with and without a length, and a chunk that repeats the last header',
    bytes: hex(`06 000010 000001 09 01000000 a1
                46 000005 000002 08 a2a3
                86 000003 a4a5
                c6 a6a7`),
    messages: [
      [16, 9, 'a1'],
      [21, 8, 'a2a3'],
      [24, 8, 'a4a5'],
      [27, 8, 'a6a7'],
    ],
  },
  {
    name: 'a repeated whole header, whose time is not added again',
    bytes: hex('06 000010 000001 09 01000000 a1  c6 a2  c6 a3'),
    messages: [
      [16, 9, 'a1'],
      [16, 9, 'a2'],
      [16, 9, 'a3'],
    ],
  },
  {
    name: 'ids of chunk streams in two and three bytes',
    bytes: hex(
      '00 06 000001 000001 08 01000000 a1  01 0601 000002 000001 08 01000000 a2  40 06 000001 000001 08 a3',
    ),
    messages: [
      [1, 8, 'a1'],
      [2, 8, 'a2'],
      [2, 8, 'a3'],
    ],
  },
  {
    name: 'messages that interleave',
    bytes: Buffer.concat([
      setChunkSize(2),
      hex('06 000001 000004 09 01000000 a1a2'),
      hex('04 000002 000003 08 01000000 b1b2'),
      hex('c6 a3a4'),
      hex('c4 b3'),
    ]),
    messages: [
      [1, 9, 'a1a2a3a4'],
      [2, 8, 'b1b2b3'],
    ],
  },
  {
    name: 'an extended time that is repeated',
    bytes: Buffer.concat([
      setChunkSize(2),
      hex('06 ffffff 000005 09 01000000 01000000 a1a2 c6 01000000 a3a4 c6 01000000 a5'),
    ]),
    messages: [[0x0100_0000, 9, 'a1a2a3a4a5']],
  },
  {
    name: 'an extended time that is not repeated, as of old librtmp',
    bytes: Buffer.concat([setChunkSize(2), hex('06 ffffff 000005 09 01000000 01000000 a1a2 c6 a3a4 c6 a5')]),
    messages: [[0x0100_0000, 9, 'a1a2a3a4a5']],
  },
  {
    name: 'an extended delta, and one below zero',
    bytes: hex('06 000010 000001 09 01000000 a1  86 ffffff 01000000 a2  86 ffffff fffffff0 a3'),
    messages: [
      [0x10, 9, 'a1'],
      [0x0100_0010, 9, 'a2'],
      [0x0100_0000, 9, 'a3'],
    ],
  },
  {
    name: 'a time that wraps',
    bytes: hex('06 ffffff 000001 09 01000000 fffffff0 a1  86 000020 a2'),
    messages: [
      [0xffff_fff0, 9, 'a1'],
      [0x10, 9, 'a2'],
    ],
  },
  {
    name: 'a new message that cuts an incomplete one off',
    bytes: Buffer.concat([
      setChunkSize(2),
      hex('06 000001 000004 09 01000000 a1a2  06 000002 000002 09 01000000 b1b2'),
    ]),
    messages: [[2, 9, 'b1b2']],
  },
  {
    name: 'an abort message',
    bytes: Buffer.concat([
      setChunkSize(2),
      hex('06 000001 000004 09 01000000 a1a2'),
      hex('02 000000 000004 02 00000000 0000 c2 0006'),
      hex('c6 b1b2 c6 b3b4'),
    ]),
    messages: [[1, 9, 'b1b2b3b4']],
  },
];

describe.each(VECTORS)('$name', ({ bytes, messages }) => {
  const expected = messages.map(([timestamp, type, text, streamId = 1]) => ({
    timestamp,
    type,
    streamId,
    body: hex(text),
  }));

  test.each(PIECE_SIZES)('in pieces of %d bytes', (size) => {
    expect(readChunks(cut(bytes, size))).toEqual(expected);
  });
});

describe.each([1, 2, 127, 128, 129, 4096, 65_536, 5 * 1024 * 1024])('chunks of %d bytes', (chunkSize) => {
  const messages = [
    message(0xff_fff0, body(1, 3)),
    message(0xff_ffff, body(300)),
    message(0xffff_fff0, body(20_000)),
    message(3, body(130), 8, 4),
    message(5, body(3), 18, 70),
    message(6, body(70_000), 9, 400),
  ];

  test.each([true, false])('with extended times repeated: %s', (repeatsExtended) => {
    const bytes = Buffer.concat([
      setChunkSize(chunkSize),
      writeChunks(messages, { chunkSize, repeatsExtended }),
    ]);
    for (const size of chunkSize === 1 ? [4096, 1] : [1, 4096, Infinity]) {
      expect(readChunks(cut(bytes, size))).toEqual(received(messages));
    }
  });
});

test('what our writer writes is read back, wherever it is cut', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.record({
          timestamp: fc.oneof(fc.nat(0xffff_ffff), fc.constantFrom(0, 0xff_fffe, 0xff_ffff, 0x100_0000)),
          body: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
          type: fc.constantFrom(8, 9, 18, 20),
          chunkStreamId: fc.integer({ min: 3, max: 63 }),
          streamId: fc.nat(0x7fff_ffff),
        }),
      ),
      fc.infiniteStream(fc.integer({ min: 1, max: 200 })),
      (messages, sizes) => {
        const bytes = Buffer.concat([
          setChunkSize(65_536),
          ...messages.map(({ body, timestamp, ...heading }) => serializeMessage(heading, timestamp, body)),
        ]);
        const pieces: Buffer[] = [];
        let start = 0;
        for (const size of sizes) {
          if (start >= bytes.length) break;
          pieces.push(Buffer.from(bytes.subarray(start, start + size)));
          start += size;
        }
        expect(readChunks(pieces)).toEqual(received(messages));
      },
    ),
  );
});

test('a body that lies whole in what was received is not copied if it is large', () => {
  const large = message(1, body(30_000));
  const bytes = Buffer.concat([
    setChunkSize(65_536),
    writeChunks([large], { chunkSize: 65_536, repeatsExtended: true }),
  ]);
  expect(readChunks([bytes])).toEqual(received([large]));
});

test('a message that ends with the first bytes of an extended time does not wait for more', () => {
  const bytes = Buffer.concat([setChunkSize(2), hex('06 ffffff 000003 09 01000000 01020304 a1a2 c6 05')]);
  expect(readChunks([bytes])).toEqual([
    { type: 9, timestamp: 0x0102_0304, streamId: 1, body: hex('a1a205') },
  ]);
});

describe('breaks of the protocol', () => {
  test.each([
    ['a chunk size of 0', setChunkSize(0)],
    ['a chunk size with the top bit', hex('02 000000 000004 01 00000000 80000080')],
    ['a chunk size without bytes', hex('02 000000 000000 01 00000000')],
    ['a first header without a time', hex('46 000005 000002 08 a2a3')],
    ['a first chunk without a header', hex('c6 a2a3')],
    ['a video message that is too long', hex('06 000000 ffffff 09 01000000')],
    ['a command that is too long', hex('03 000000 100001 14 00000000')],
  ])('%s', (_name, bytes) => {
    expect(() => readChunks([bytes])).toThrow(ProtocolError);
    expect(() => readChunks(cut(bytes, 1))).toThrow(ProtocolError);
  });

  test('too many chunk streams', () => {
    const open = (id: number) => Buffer.concat([basicHeader(0, id), hex('000000 000000 08 01000000')]);
    const all = (count: number) => Array.from({ length: count }, (_, i) => open(3 + i));
    expect(readChunks(all(64))).toHaveLength(64);
    expect(() => readChunks(all(65))).toThrow('too many chunk streams');
  });

  test('too much in incomplete messages', () => {
    const partial = (id: number) =>
      Buffer.concat([basicHeader(0, id), hex('000000 001000 09 01000000'), body(128)]);
    const limits = { partialBytes: 1000 };
    expect(
      readChunks(
        Array.from({ length: 7 }, (_, i) => partial(3 + i)),
        limits,
      ),
    ).toEqual([]);
    expect(() =>
      readChunks(
        Array.from({ length: 8 }, (_, i) => partial(3 + i)),
        limits,
      ),
    ).toThrow(ProtocolError);
  });

  test('messages that were cut off no longer count as incomplete', () => {
    const partial = Buffer.concat([basicHeader(0, 6), hex('000000 001000 09 01000000'), body(128)]);
    const pieces = Array.from({ length: 50 }, () => Buffer.from(partial));
    expect(readChunks(pieces, { partialBytes: 1000 })).toEqual([]);
  });
});

test('a length costs nothing until the bytes come', () => {
  const pieces = Array.from({ length: 60 }, (_, i) =>
    Buffer.concat([basicHeader(0, 3 + i), hex('000000 7fffff 09 01000000'), Buffer.of(1)]),
  );
  pieces.unshift(setChunkSize(1));
  const before = process.memoryUsage().arrayBuffers;
  readChunks(pieces, { mediaMessageBytes: 0x7f_ffff });
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1024 * 1024);
});

test('mutated bytes lead to messages or protocol errors, and to nothing else', () => {
  const random = seeded(1);
  const bytes = Buffer.concat([
    setChunkSize(200),
    ...VECTORS.map((vector) => vector.bytes),
    writeChunks([message(0xffff_fff0, body(2_000)), message(1, body(500), 8, 4)], {
      chunkSize: 2,
      repeatsExtended: true,
    }),
  ]);
  for (let i = 0; i < 2_000; i++) {
    const mutated = mutate(bytes, random);
    try {
      readChunks(cut(mutated, 1 + Math.floor(random() * 400)));
    } catch (error) {
      expect(error).toBeInstanceOf(ProtocolError);
    }
  }
});
