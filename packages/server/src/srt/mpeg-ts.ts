// MPEG transport streams as far as it takes to start in the midst of one. ISO/IEC 13818-1

/** Bytes of a packet. §2.4.3.2 */
export const TS_PACKET_BYTES = 188;
export const PAT_PID = 0;

/** A view of a packet that is known to begin with the sync byte. */
export interface TsPacket {
  bytes: Buffer;
  pid: number;
  /** Whether a PES packet or a table begins in it. */
  isUnitStart: boolean;
  /** Whether decoding may begin here, by what the encoder says. §2.4.3.4 */
  isRandomAccess: boolean;
  continuityCounter: number;
  /** Behind the header and the adaptation field. */
  payload: Buffer;
}

/** The PID of the packet that begins there. */
export function pidAt(bytes: Buffer, at: number): number {
  return bytes.readUInt16BE(at + 1) & 0x1fff;
}

/** The packet that begins there; undefined if it is damaged. §2.4.3.2 */
export function readPacket(bytes: Buffer, at: number): TsPacket | undefined {
  const packet = bytes.subarray(at, at + TS_PACKET_BYTES);
  const word = packet.readUInt32BE(0);
  if ((word & 0x0080_0000) !== 0) return undefined;
  const hasAdaptation = (word & 0x20) !== 0;
  const adaptationLength = hasAdaptation ? packet.readUInt8(4) : 0;
  const payloadAt = hasAdaptation ? 5 + adaptationLength : 4;
  if (payloadAt > TS_PACKET_BYTES) return undefined;
  return {
    bytes: packet,
    pid: (word >>> 8) & 0x1fff,
    isUnitStart: (word & 0x0040_0000) !== 0,
    isRandomAccess: adaptationLength > 0 && (packet.readUInt8(5) & 0x40) !== 0,
    continuityCounter: word & 0x0f,
    payload: (word & 0x10) !== 0 ? packet.subarray(payloadAt) : packet.subarray(TS_PACKET_BYTES),
  };
}

/** How a video stream shows where decoding may begin. */
export type VideoCodec = 'mpeg2' | 'h264' | 'hevc' | 'vvc' | 'other';

/** An elementary stream: its video codec, or undefined if it is no video. */
export type Streams = ReadonlyMap<number, VideoCodec | undefined>;

/** PIDs of the program map tables. §2.4.4.3 */
export function parsePat(section: Buffer): number[] {
  const pids = new Set<number>();
  for (let at = 8; at + 4 <= section.length - 4; at += 4) {
    // Program 0 is the network's own table.
    if (section.readUInt16BE(at) !== 0) pids.add(section.readUInt16BE(at + 2) & 0x1fff);
  }
  return [...pids];
}

/** The streams of a program by PID. §2.4.4.8 */
export function parsePmt(section: Buffer): Streams {
  const streams = new Map<number, VideoCodec | undefined>();
  const end = section.length - 4;
  if (end < 12) return streams;
  let at = 12 + (section.readUInt16BE(10) & 0x0fff);
  while (at + 5 <= end) {
    const descriptorsAt = at + 5;
    const next = descriptorsAt + (section.readUInt16BE(at + 3) & 0x0fff);
    if (next > end) break;
    const descriptors = section.subarray(descriptorsAt, next);
    streams.set(section.readUInt16BE(at + 1) & 0x1fff, videoCodec(section.readUInt8(at), descriptors));
    at = next;
  }
  return streams;
}

/** Stream types that are video. Table 2-34 */
const VIDEO_TYPES = new Map<number, VideoCodec>([
  [0x01, 'mpeg2'],
  [0x02, 'mpeg2'],
  [0x10, 'other'],
  [0x1b, 'h264'],
  [0x21, 'other'],
  [0x24, 'hevc'],
  [0x33, 'vvc'],
  [0x42, 'other'],
  [0xd1, 'other'],
  [0xea, 'other'],
]);
const PRIVATE_DATA = 0x06;
/** Video in private data, by its registration. */
const VIDEO_REGISTRATIONS = new Map<string, VideoCodec>([
  ['AV01', 'other'],
  ['VP09', 'other'],
  ['HEVC', 'hevc'],
]);

function videoCodec(type: number, descriptors: Buffer): VideoCodec | undefined {
  return type === PRIVATE_DATA
    ? VIDEO_REGISTRATIONS.get(registrationOf(descriptors) ?? '')
    : VIDEO_TYPES.get(type);
}

/** §2.6.8 */
function registrationOf(descriptors: Buffer): string | undefined {
  for (let at = 0; at + 2 <= descriptors.length; at += 2 + descriptors.readUInt8(at + 1)) {
    if (descriptors.readUInt8(at) === 0x05) return descriptors.toString('latin1', at + 2, at + 6);
  }
  return undefined;
}

const PES_HEADER_BYTES = 9;

/**
 * Whether decoding may begin with the PES packet that this packet begins. If the encoder does not say so, the video does:
 * what precedes a key frame, its parameter sets, comes so early that this packet holds it.
 */
export function isVideoStart({ isUnitStart, isRandomAccess, payload }: TsPacket, codec: VideoCodec): boolean {
  if (!isUnitStart) return false;
  if (isRandomAccess) return true;
  if (codec === 'other' || payload.length < PES_HEADER_BYTES) return false;
  const from = PES_HEADER_BYTES + payload.readUInt8(PES_HEADER_BYTES - 1);
  for (let at = from; at + 5 <= payload.length; at++) {
    if (payload[at] !== 0 || payload[at + 1] !== 0 || payload[at + 2] !== 1) continue;
    if (isStartUnit(payload.readUInt16BE(at + 3), codec)) return true;
  }
  return false;
}

/** By what follows a start code: parameter sets, and pictures that refer to no earlier one. */
function isStartUnit(header: number, codec: Exclude<VideoCodec, 'other'>): boolean {
  switch (codec) {
    // ISO/IEC 13818-2 §6.2.1: sequence_header_code
    case 'mpeg2':
      return header >>> 8 === 0xb3;
    // ITU-T H.264 Table 7-1: IDR, SPS
    case 'h264':
      return [5, 7].includes((header >>> 8) & 0x1f);
    // ITU-T H.265 Table 7-1: IRAP, VPS, SPS
    case 'hevc': {
      const type = (header >>> 9) & 0x3f;
      return (type >= 16 && type <= 21) || type === 32 || type === 33;
    }
    // ITU-T H.266 Table 5: IDR, CRA, VPS, SPS
    case 'vvc':
      return [7, 8, 9, 14, 15].includes((header >>> 3) & 0x1f);
  }
}
