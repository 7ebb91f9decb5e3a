import { createHmac } from 'node:crypto';
import { serializeAmf0 } from '../src/amf0.ts';
import { serializeFlvTag } from '../src/flv.ts';
import { digestOffset } from '../src/handshake.ts';
import { MessageType } from '../src/message.ts';
import { basicHeader } from './feed.ts';
import { AAC_HEADER, AVC_HEADER, frame, keyFrame, sound } from './streams.ts';

type Values = Parameters<typeof serializeAmf0>[0];
type Format = 0 | 1 | 2 | 3;

interface Chunked {
  format: Format;
  id: number;
  /** Absolute for format 0, else the difference; nothing for format 3. */
  time?: number;
  type: number;
  body: Buffer;
}

const hex = (text: string) => Buffer.from(text.replace(/\s/g, ''), 'hex');

/** Writes chunks as old encoders do, with headers of any format. */
export class Encoder {
  readonly #parts: Buffer[] = [];
  chunkSize = 128;
  repeatsExtended = true;

  raw(...bytes: Buffer[]): this {
    this.#parts.push(...bytes);
    return this;
  }

  message({ format, id, time = 0, type, body }: Chunked): this {
    const isExtended = format !== 3 && time >= 0xff_ffff;
    const header = Buffer.alloc([11, 7, 3, 0][format] ?? 0);
    if (format < 3) header.writeUIntBE(Math.min(time, 0xff_ffff), 0, 3);
    if (format < 2) {
      header.writeUIntBE(body.length, 3, 3);
      header[6] = type;
    }
    if (format === 0) header.writeUInt32LE(type === 20 && id === 3 ? 0 : 1, 7);
    const extended = Buffer.alloc(isExtended ? 4 : 0);
    if (isExtended) extended.writeUInt32BE(time);
    this.raw(basicHeader(format, id), header, extended, body.subarray(0, this.chunkSize));
    for (let start = this.chunkSize; start < body.length; start += this.chunkSize) {
      this.raw(basicHeader(3, id));
      if (this.repeatsExtended) this.raw(extended);
      this.raw(body.subarray(start, start + this.chunkSize));
    }
    return this;
  }

  command(format: Format, id: number, values: Values): this {
    return this.message({ format, id, type: MessageType.command, body: serializeAmf0(values) });
  }

  setChunkSize(size: number): this {
    const body = Buffer.alloc(4);
    body.writeUInt32BE(size);
    this.message({ format: 0, id: 2, type: MessageType.setChunkSize, body });
    this.chunkSize = size;
    return this;
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#parts);
  }
}

export const simpleHandshake = Buffer.concat([
  Buffer.of(3),
  Buffer.alloc(8),
  Buffer.alloc(2 * 1536 - 8, 0xa5),
]);

function digestHandshake(base: number): Buffer {
  const c1 = Buffer.alloc(1536, 0x35);
  hex('00000000 80000702').copy(c1);
  const offset = digestOffset(c1, base);
  createHmac('sha256', 'Genuine Adobe Flash Player 001')
    .update(c1.subarray(0, offset))
    .update(c1.subarray(offset + 32))
    .digest()
    .copy(c1, offset);
  return Buffer.concat([Buffer.of(3), c1, Buffer.alloc(1536, 0x77)]);
}

/** Metadata as an ECMA array, whose count is wrong in some encoders. */
function ecmaMetadata(count: number, ...first: string[]): Buffer {
  const object = serializeAmf0([{ width: 320, height: 240, encoder: 'x' }]).subarray(1);
  const head = Buffer.alloc(5);
  head[0] = 8;
  head.writeUInt32BE(count, 1);
  return Buffer.concat([serializeAmf0([...first, 'onMetaData']), head, object]);
}

export const large = keyFrame(0, 9_000).body;
export const connect = (extra: object = {}): Values => [
  'connect',
  1,
  {
    app: 'live',
    type: 'nonprivate',
    flashVer: 'FMLE/3.0 (compatible; FMSc/1.0)',
    swfUrl: 'rtmp://h/live',
    tcUrl: 'rtmp://h/live',
    ...extra,
  },
];

/** All play the same stream: headers, a large key frame, sound at 23 ms, a frame at 40 ms. */
export const PEERS: [name: string, bytes: Buffer][] = [
  [
    'OBS and others with librtmp: simple handshake, chunks of 4096, differences of time',
    new Encoder()
      .raw(simpleHandshake)
      .setChunkSize(4096)
      .command(0, 3, connect())
      .command(1, 3, ['releaseStream', 2, null, 'foo'])
      .command(1, 3, ['FCPublish', 3, null, 'foo'])
      .command(1, 3, ['createStream', 4, null])
      .command(0, 4, ['publish', 5, null, 'foo', 'live'])
      .message({ format: 0, id: 4, type: 18, body: ecmaMetadata(20, '@setDataFrame') })
      .message({ format: 0, id: 4, type: 8, body: AAC_HEADER })
      .message({ format: 1, id: 4, type: 9, body: AVC_HEADER })
      .message({ format: 1, id: 4, type: 9, body: large })
      .message({ format: 1, id: 4, time: 23, type: 8, body: sound(23).body })
      .message({ format: 1, id: 4, time: 17, type: 9, body: frame(40).body }).bytes,
  ],
  [
    'FMLE: digest at 772, default chunks, acknowledgements, headers left out, time beyond 24 bits',
    new Encoder()
      .raw(digestHandshake(772))
      .command(0, 3, connect({ objectEncoding: 0 }))
      .message({ format: 0, id: 2, type: 5, body: hex('00 2625a0') })
      .command(1, 3, ['releaseStream', 2, null, 'foo'])
      .command(1, 3, ['FCPublish', 3, null, 'foo'])
      .command(1, 3, ['createStream', 4, null])
      .command(1, 3, ['_checkbw', 5, null])
      .message({ format: 0, id: 2, type: 3, body: hex('00000bff') })
      .command(0, 8, ['publish', 0, null, 'foo', 'live'])
      .message({ format: 0, id: 8, time: 0x0100_0000, type: 18, body: ecmaMetadata(0, '@setDataFrame') })
      .message({ format: 0, id: 4, time: 0x0100_0000, type: 8, body: AAC_HEADER })
      .message({ format: 0, id: 6, time: 0x0100_0000, type: 9, body: AVC_HEADER })
      .message({ format: 0, id: 6, time: 0x0100_0000, type: 9, body: large })
      .message({ format: 1, id: 4, time: 23, type: 8, body: sound(23).body })
      .message({ format: 1, id: 6, time: 40, type: 9, body: frame(40).body }).bytes,
  ],
  [
    'an old librtmp that does not repeat extended times, and uses a 2-byte chunk stream id',
    ((encoder) => {
      encoder.repeatsExtended = false;
      return encoder
        .raw(simpleHandshake)
        .command(0, 3, connect())
        .command(1, 3, ['createStream', 2, null])
        .command(0, 3, ['publish', 3, null, 'foo', 'live'])
        .message({ format: 0, id: 80, time: 0xffff_fff0, type: 8, body: AAC_HEADER })
        .message({ format: 0, id: 80, time: 0xffff_fff0, type: 9, body: AVC_HEADER })
        .message({ format: 0, id: 80, time: 0xffff_fff0, type: 9, body: large })
        .message({ format: 0, id: 80, time: 7, type: 8, body: sound(23).body })
        .message({ format: 2, id: 80, time: 10, type: 8, body: sound(33).body })
        .message({ format: 0, id: 80, time: 24, type: 9, body: frame(40).body }).bytes;
    })(new Encoder()),
  ],
  [
    'a hardware encoder with AMF3 commands and data, digest at 8, and aggregates',
    new Encoder()
      .raw(digestHandshake(8))
      .message({
        format: 0,
        id: 3,
        type: 17,
        body: Buffer.concat([hex('00'), serializeAmf0(connect({ objectEncoding: 3 }))]),
      })
      .message({
        format: 1,
        id: 3,
        type: 17,
        body: Buffer.concat([hex('00'), serializeAmf0(['FCPublish', 2, null, 'foo'])]),
      })
      .message({ format: 1, id: 3, type: 17, body: serializeAmf0(['createStream', 3, null]) })
      // Name and type as AMF3 strings.
      .message({
        format: 1,
        id: 3,
        type: 17,
        body: Buffer.concat([
          hex('00'),
          serializeAmf0(['publish', 4, null]),
          hex('11 06 07 666f6f 11 06 09 6c697665'),
        ]),
      })
      .message({ format: 0, id: 5, type: 15, body: Buffer.concat([hex('00'), ecmaMetadata(3)]) })
      .message({ format: 0, id: 6, type: 8, body: AAC_HEADER })
      .message({ format: 1, id: 6, type: 9, body: AVC_HEADER })
      .message({
        format: 0,
        id: 6,
        time: 500,
        type: 22,
        body: Buffer.concat(
          [
            { ...keyFrame(70), body: large },
            { ...sound(23), timestamp: 93 },
            { ...frame(40), timestamp: 110 },
          ].map((message) => serializeFlvTag(message)),
        ),
      }).bytes,
  ],
];
