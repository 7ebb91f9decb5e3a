import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TS_PACKET_BYTES } from './mpeg-ts.ts';
import { StartPoint } from './start-point.ts';
import {
  AAC,
  AUDIO,
  H264,
  KEY_FRAME,
  OTHER_FRAME,
  PMT_PID,
  type Stream,
  TsMultiplexer,
  VIDEO,
  pmt,
  units,
} from '../../../../tests/support/transport-stream.ts';

/** Where in a payload a player can begin. */
function startOf(point: StartPoint, payload: Buffer): number | undefined {
  const bytes = point.read(payload);
  return bytes && payload.length - bytes.length;
}

test('a player begins at the first packet of a key frame, with the tables before it', () => {
  const mux = new TsMultiplexer();
  const point = new StartPoint();
  const [first, second] = [
    mux.pat(PMT_PID),
    mux.pmt([
      [H264, VIDEO],
      [AAC, AUDIO],
    ]),
  ];
  expect(startOf(point, Buffer.concat([first, second, mux.pes(VIDEO, OTHER_FRAME)]))).toBeUndefined();
  const payload = Buffer.concat([
    mux.pes(AUDIO, KEY_FRAME),
    mux.pes(VIDEO, KEY_FRAME),
    mux.pes(AUDIO, KEY_FRAME),
  ]);
  expect(startOf(point, payload)).toBe(TS_PACKET_BYTES);
  expect(point.tables).toEqual(Buffer.concat([first, second]));
});

describe('packets that were cut anywhere', () => {
  const mux = new TsMultiplexer();
  const tables = Buffer.concat([mux.pat(PMT_PID), mux.pmt([[H264, VIDEO]])]);
  const others = () => Array.from({ length: 30 }, () => mux.pes(VIDEO, OTHER_FRAME));
  const before = Buffer.concat([tables, ...others()]);
  const stream = Buffer.concat([before, mux.pes(VIDEO, KEY_FRAME), ...others()]);

  /** What a player gets of a stream in pieces first, and how much of the stream there has been then. */
  function firstOf(point: StartPoint, size: number, lost = -1): [Buffer, number] | undefined {
    for (let at = 0, piece = 0; at < stream.length; at += size, piece++) {
      const bytes = piece === lost ? undefined : point.read(stream.subarray(at, at + size));
      if (bytes !== undefined) return [bytes, at + size];
    }
    return undefined;
  }

  test.each([565, 1000, 1317, 1456])('are put together from pieces of %i bytes', (size) => {
    const point = new StartPoint();
    const [bytes, end] = firstOf(point, size) ?? [];
    expect(bytes).toEqual(stream.subarray(before.length, end));
    expect(point.tables).toEqual(tables);
  });

  test('are found again after a piece that is missing', () => {
    const point = new StartPoint();
    const [bytes, end] = firstOf(point, 1000, 2) ?? [];
    expect(bytes).toEqual(stream.subarray(before.length, end));
  });
});

test('nowhere before the tables are known', () => {
  const mux = new TsMultiplexer();
  const point = new StartPoint();
  expect(startOf(point, mux.pes(VIDEO, KEY_FRAME, true))).toBeUndefined();
  expect(startOf(point, mux.pmt([[H264, VIDEO]]))).toBeUndefined();
  expect(startOf(point, mux.pat(PMT_PID))).toBeUndefined();
  expect(startOf(point, mux.pes(VIDEO, KEY_FRAME, true))).toBeUndefined();
  expect(point.tables).toHaveLength(TS_PACKET_BYTES);
  expect(startOf(point, mux.pmt([[H264, VIDEO]]))).toBeUndefined();
  expect(startOf(point, mux.pes(VIDEO, KEY_FRAME, true))).toBe(0);
  expect(point.tables).toHaveLength(2 * TS_PACKET_BYTES);
});

describe('a key frame is known by what the encoder says, or by its parameter sets:', () => {
  const AV1 = Buffer.from('\u0005\u0004AV01', 'latin1');
  test.each<[string, Stream, Buffer, boolean, boolean]>([
    ['MPEG-2, sequence header', [0x02, VIDEO], units(0xb3, 0xb8, 0), false, true],
    ['MPEG-2, picture', [0x02, VIDEO], units(0), false, false],
    ['H.264, marked', [H264, VIDEO], OTHER_FRAME, true, true],
    ['H.264, SPS', [H264, VIDEO], KEY_FRAME, false, true],
    ['H.264, IDR', [H264, VIDEO], units(9, 0x65), false, true],
    ['H.264, start codes of three bytes', [H264, VIDEO], KEY_FRAME.subarray(1), false, true],
    ['H.264, other picture', [H264, VIDEO], OTHER_FRAME, false, false],
    ['HEVC, VPS', [0x24, VIDEO], units([0x46, 1], [0x40, 1]), false, true],
    ['HEVC, CRA', [0x24, VIDEO], units([0x46, 1], [21 << 1, 1]), false, true],
    ['HEVC, other picture', [0x24, VIDEO], units([0x46, 1], [2, 1]), false, false],
    ['VVC, SPS', [0x33, VIDEO], units([0, 15 << 3]), false, true],
    ['VVC, other picture', [0x33, VIDEO], units([0, 1]), false, false],
    ['AV1, marked', [0x06, VIDEO, AV1], Buffer.alloc(20), true, true],
    ['AV1', [0x06, VIDEO, AV1], KEY_FRAME, false, false],
  ])('%s', (_case, stream, content, isMarked, isStart) => {
    const mux = new TsMultiplexer();
    const point = new StartPoint();
    point.read(Buffer.concat([mux.pat(PMT_PID), mux.pmt([stream, [AAC, AUDIO]])]));
    expect(startOf(point, mux.pes(AUDIO, Buffer.alloc(20), true))).toBeUndefined();
    expect(startOf(point, mux.pes(VIDEO, content, isMarked))).toBe(isStart ? 0 : undefined);
  });
});

test('without video any frame will do, but not its middle', () => {
  const mux = new TsMultiplexer();
  const point = new StartPoint();
  point.read(Buffer.concat([mux.pat(PMT_PID), mux.pmt([[AAC, AUDIO]])]));
  const frame = mux.pes(AUDIO, Buffer.alloc(400));
  expect(startOf(point, frame.subarray(TS_PACKET_BYTES))).toBeUndefined();
  expect(startOf(point, frame)).toBe(0);
});

test('tables that take several packets', () => {
  const mux = new TsMultiplexer();
  const point = new StartPoint();
  const language = Buffer.from([0x0a, 4, 0x65, 0x6e, 0x67, 0]);
  const streams = Array.from({ length: 40 }, (_, index): Stream => [AAC, 0x200 + index, language]);
  const tables = [mux.pat(PMT_PID), mux.pmt([[H264, VIDEO], ...streams])];
  const all = Buffer.concat(tables);
  expect(all).toHaveLength(4 * TS_PACKET_BYTES);
  for (let at = 0; at < all.length; at += TS_PACKET_BYTES) {
    expect(startOf(point, all.subarray(at, at + TS_PACKET_BYTES))).toBeUndefined();
  }
  expect(point.tables).toEqual(all);
  expect(startOf(point, mux.pes(VIDEO, KEY_FRAME))).toBe(0);
});

test('a table that begins where the one before ends', () => {
  const mux = new TsMultiplexer();
  const point = new StartPoint();
  const streams = Array.from({ length: 40 }, (_, index): Stream => [AAC, 0x200 + index]);
  const long = pmt([[H264, VIDEO], ...streams]);
  const bytes = Buffer.concat([Buffer.from([0]), long]);
  const head = mux.unit(PMT_PID, bytes.subarray(0, 184));
  const tail = mux.table(PMT_PID, pmt([[H264, VIDEO]]), bytes.subarray(184));
  point.read(Buffer.concat([mux.pat(PMT_PID), head, tail]));
  expect(point.tables.subarray(TS_PACKET_BYTES)).toEqual(tail);
});

test('a table counts only if it is undamaged and in force', () => {
  const mux = new TsMultiplexer();
  const point = new StartPoint();
  const damaged = pmt([[H264, VIDEO]]);
  damaged.writeUInt8(damaged.readUInt8(12) ^ 1, 12);
  point.read(Buffer.concat([mux.pat(PMT_PID), mux.table(PMT_PID, damaged)]));
  point.read(mux.table(PMT_PID, pmt([[H264, VIDEO]], 0xc0)));
  expect(point.tables).toHaveLength(TS_PACKET_BYTES);
  expect(startOf(point, mux.pes(VIDEO, KEY_FRAME))).toBeUndefined();
});

test('a table with a gap in it is not put together', () => {
  const mux = new TsMultiplexer();
  const point = new StartPoint();
  const streams = Array.from({ length: 80 }, (_, index): Stream => [AAC, 0x200 + index]);
  point.read(mux.pat(PMT_PID));
  const packets = mux.pmt([[H264, VIDEO], ...streams]);
  point.read(packets.subarray(0, TS_PACKET_BYTES));
  point.read(packets.subarray(2 * TS_PACKET_BYTES));
  expect(point.tables).toHaveLength(TS_PACKET_BYTES);
  point.read(mux.pmt([[H264, VIDEO]]));
  expect(point.tables).toHaveLength(2 * TS_PACKET_BYTES);
});

test('a change of the tables is followed', () => {
  const mux = new TsMultiplexer();
  const point = new StartPoint();
  point.read(Buffer.concat([mux.pat(PMT_PID), mux.pmt([[H264, VIDEO]])]));
  const next = Buffer.concat([mux.pat(0x300), mux.pmt([[AAC, AUDIO]], 0x300)]);
  point.read(next);
  expect(point.tables).toEqual(next);
  expect(startOf(point, mux.pes(VIDEO, KEY_FRAME))).toBeUndefined();
  expect(startOf(point, mux.pes(AUDIO, KEY_FRAME))).toBe(0);
});

test('several programs', () => {
  const mux = new TsMultiplexer();
  const point = new StartPoint();
  const tables = [mux.pat(0x300, 0x400), mux.pmt([[AAC, AUDIO]], 0x300), mux.pmt([[H264, VIDEO]], 0x400)];
  point.read(Buffer.concat(tables));
  expect(point.tables).toEqual(Buffer.concat(tables));
  expect(startOf(point, mux.pes(AUDIO, KEY_FRAME))).toBeUndefined();
  expect(startOf(point, mux.pes(VIDEO, KEY_FRAME))).toBe(0);
});

test.each([
  ['empty', Buffer.alloc(0)],
  ['text', Buffer.from('hello')],
  ['as long as packets are', Buffer.alloc(TS_PACKET_BYTES)],
  ['packets that do not begin where they should', Buffer.alloc(1316).fill(0x47, 0, 1)],
])('what is no transport stream begins anywhere: %s', (_case, payload) => {
  const point = new StartPoint();
  expect(startOf(point, payload)).toBe(0);
  expect(point.tables).toHaveLength(0);
});

test('nothing that looks like a transport stream makes it fail or grow', () => {
  const point = new StartPoint();
  const packet = fc
    .tuple(fc.uint8Array({ minLength: 187, maxLength: 187 }), fc.constantFrom(0, PMT_PID, VIDEO, undefined))
    .map(([bytes, pid]) => {
      const packet = Buffer.concat([Buffer.from([0x47]), bytes]);
      if (pid !== undefined) packet.writeUInt16BE((packet.readUInt16BE(1) & 0x6000) | pid, 1);
      return packet;
    });
  const mux = new TsMultiplexer();
  point.read(Buffer.concat([mux.pat(PMT_PID), mux.pmt([[H264, VIDEO]])]));
  fc.assert(
    fc.property(fc.array(packet, { minLength: 1, maxLength: 7 }), (packets) => {
      const payload = Buffer.concat(packets);
      const start = startOf(point, payload);
      if (start !== undefined) expect(start % TS_PACKET_BYTES).toBe(0);
      expect(point.tables.length).toBeLessThanOrEqual(2 * 6 * TS_PACKET_BYTES);
    }),
    { numRuns: 300 },
  );
});
