import { TS_PACKET_BYTES } from '../../packages/server/src/srt/mpeg-ts.ts';
import { crc32 } from '../../packages/server/src/srt/section.ts';

export const PMT_PID = 0x1000;
export const VIDEO = 0x100;
export const AUDIO = 0x101;
export const AAC = 0x0f;
export const H264 = 0x1b;

/** Makes the packets of a transport stream, with its counters. */
export class TsMultiplexer {
  readonly #counters = new Map<number, number>();

  /** One unit, in as many packets as it takes. */
  unit(pid: number, bytes: Buffer, isRandomAccess = false): Buffer {
    const packets: Buffer[] = [];
    let isFirst = true;
    for (let at = 0; isFirst || at < bytes.length; isFirst = false) {
      const room = TS_PACKET_BYTES - 4 - (isFirst && isRandomAccess ? 2 : 0);
      const part = bytes.subarray(at, at + room);
      at += part.length;
      packets.push(this.#packet(pid, part, isFirst, isFirst && isRandomAccess));
    }
    return Buffer.concat(packets);
  }

  #packet(pid: number, payload: Buffer, isFirst: boolean, isRandomAccess: boolean): Buffer {
    const counter = ((this.#counters.get(pid) ?? -1) + 1) & 0x0f;
    this.#counters.set(pid, counter);
    const adaptationBytes = TS_PACKET_BYTES - 4 - payload.length;
    const packet = Buffer.alloc(TS_PACKET_BYTES, 0xff);
    packet.writeUInt8(0x47, 0);
    packet.writeUInt16BE((isFirst ? 0x4000 : 0) | pid, 1);
    packet.writeUInt8((adaptationBytes > 0 ? 0x30 : 0x10) | counter, 3);
    if (adaptationBytes > 0) packet.writeUInt8(adaptationBytes - 1, 4);
    if (adaptationBytes > 1) packet.writeUInt8(isRandomAccess ? 0x40 : 0, 5);
    payload.copy(packet, TS_PACKET_BYTES - payload.length);
    return packet;
  }

  table(pid: number, section: Buffer, before: Buffer = Buffer.alloc(0)): Buffer {
    return this.unit(pid, Buffer.concat([Buffer.from([before.length]), before, section]));
  }

  pat(...pmtPids: number[]): Buffer {
    return this.table(0, pat(...pmtPids));
  }

  pmt(streams: readonly Stream[], pid = PMT_PID): Buffer {
    return this.table(pid, pmt(streams));
  }

  pes(pid: number, content: Buffer, isRandomAccess = false): Buffer {
    // 90 bytes of header as encoders may have it.
    const header = Buffer.from([0, 0, 1, 0xe0, 0, 0, 0x80, 0x80, 5, 1, 2, 3, 4, 5]);
    return this.unit(pid, Buffer.concat([header, content]), isRandomAccess);
  }
}

export type Stream = readonly [type: number, pid: number, descriptors?: Buffer];

function section(tableId: number, id: number, body: Buffer, flags = 0xc1): Buffer {
  const head = Buffer.from([tableId, 0, 0, 0, 0, flags, 0, 0]);
  head.writeUInt16BE(0xb000 | (body.length + 9), 1);
  head.writeUInt16BE(id, 3);
  const bytes = Buffer.concat([head, body]);
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32BE(crc32(bytes));
  return Buffer.concat([bytes, checksum]);
}

function pat(...pmtPids: number[]): Buffer {
  const body = Buffer.alloc(pmtPids.length * 4);
  pmtPids.forEach((pid, index) => {
    body.writeUInt16BE(index + 1, index * 4);
    body.writeUInt16BE(0xe000 | pid, index * 4 + 2);
  });
  return section(0, 1, body);
}

export function pmt(streams: readonly Stream[], flags = 0xc1): Buffer {
  const entries = streams.map(([type, pid, descriptors = Buffer.alloc(0)]) => {
    const head = Buffer.from([type, 0, 0, 0, 0]);
    head.writeUInt16BE(0xe000 | pid, 1);
    head.writeUInt16BE(0xf000 | descriptors.length, 3);
    return Buffer.concat([head, descriptors]);
  });
  return section(2, 1, Buffer.concat([Buffer.from([0xe1, 0, 0xf0, 0]), ...entries]), flags);
}

/** Units of a video stream behind their start codes. */
export function units(...headers: (number | readonly number[])[]): Buffer {
  return Buffer.concat(headers.map((header) => Buffer.from([0, 0, 0, 1, ...[header].flat(), 0x55, 0x55])));
}

export const KEY_FRAME = units(9, 0x67, 0x68, 6, 0x65);
export const OTHER_FRAME = units(9, 0x41);
