// The two kinds of packets and their header. draft-sharabayko-srt-01 §3
import { ByteReader } from './byte-reader.ts';
import { type SequenceRange, parseLossList, serializeLossList } from './loss-list.ts';
import { ProtocolError } from './protocol-error.ts';
import { MESSAGE_MASK, SEQUENCE_MASK } from './sequence.ts';

export const HEADER_BYTES = 16;
/** IPv4 and UDP headers, which the MSS includes, whatever the address family is. */
export const UDP_OVERHEAD_BYTES = 28;
export const MAX_MSS = 1500;
export const MIN_MSS = 76;
/** The largest payload that an MSS of 1500 leaves. */
export const MAX_PAYLOAD_BYTES = MAX_MSS - UDP_OVERHEAD_BYTES - HEADER_BYTES;

/** Which key a payload is encrypted with: none, the even or the odd one. 3 occurs in key material only. */
export type KeyFlag = 0 | 1 | 2 | 3;

export interface PacketHeader {
  /** µs since the sender's socket started, modulo 2^32. */
  timestamp: number;
  /** Socket id of the receiver; 0 for a handshake with a listener. */
  destination: number;
}

/** draft-sharabayko-srt-01 §3.1 */
export interface DataPacket extends PacketHeader {
  kind: 'data';
  sequence: number;
  /** 3 = a message of one packet, 2 its first, 1 its last, 0 one in between. */
  position: number;
  isOrdered: boolean;
  key: KeyFlag;
  isRetransmitted: boolean;
  /** 0 marks a packet of the packet filter. */
  message: number;
  payload: Buffer;
}

/** What a full ACK tells besides the position. draft-sharabayko-srt-01 §3.2.4 */
export interface AckReport {
  /** µs */
  rtt: number;
  /** µs */
  rttVariance: number;
  /** Packets. */
  availableBuffer: number;
  /** Packets/s; undefined in a small ACK, as the next two. */
  receiveRate?: number | undefined;
  /** Packets/s. */
  linkCapacity?: number | undefined;
  /** Byte/s. */
  receiveByteRate?: number | undefined;
}

interface ControlFields {
  handshake: { body: Buffer };
  keepalive: object;
  /** `sequence` is the first not received. Light ACKs have number 0 and no report. */
  ack: { number: number; sequence: number; report: AckReport | undefined };
  nak: { losses: readonly SequenceRange[] };
  congestion: object;
  shutdown: object;
  ackack: { number: number };
  /** Message 0 = unknown. */
  dropreq: { message: number } & SequenceRange;
  peererror: { code: number };
  hsreq: { body: Buffer };
  hsrsp: { body: Buffer };
  kmreq: { body: Buffer };
  kmrsp: { body: Buffer };
  unknown: { type: number; subtype: number };
}

export type ControlKind = Exclude<keyof ControlFields, 'unknown'>;
export type ControlPacket = {
  [K in keyof ControlFields]: { kind: K } & ControlFields[K] & PacketHeader;
}[keyof ControlFields];
export type Packet = DataPacket | ControlPacket;

const USER_TYPE = 0x7fff;

/** First word of a control packet: its type, and the subtype of user-defined ones. draft-sharabayko-srt-01 §3.2 */
const CONTROL_WORDS: Record<ControlKind, number> = {
  handshake: 0x8000_0000,
  keepalive: 0x8001_0000,
  ack: 0x8002_0000,
  nak: 0x8003_0000,
  congestion: 0x8004_0000,
  shutdown: 0x8005_0000,
  ackack: 0x8006_0000,
  dropreq: 0x8007_0000,
  peererror: 0x8008_0000,
  hsreq: 0xffff_0001,
  hsrsp: 0xffff_0002,
  kmreq: 0xffff_0003,
  kmrsp: 0xffff_0004,
};

const KINDS = new Map<number, ControlKind>(
  (Object.keys(CONTROL_WORDS) as ControlKind[]).map((kind) => [CONTROL_WORDS[kind], kind]),
);

const EMPTY = Buffer.alloc(0);

/** First words from here on are those of control packets. */
export const CONTROL_START = 0x8000_0000;

/** What kind of control packet has this first word; undefined if it is none that is known. */
export function controlKind(word0: number): ControlKind | undefined {
  return KINDS.get(word0);
}

/** The first word of a control packet. */
export function controlWord(kind: ControlKind): number {
  return CONTROL_WORDS[kind];
}

/** The second word of a data packet that is a message of its own. draft-sharabayko-srt-01 §3.1 */
export function messageWord(message: number, key: KeyFlag, isRetransmitted: boolean): number {
  return (0xc000_0000 | (key << 27) | (isRetransmitted ? 0x0400_0000 : 0) | (message & MESSAGE_MASK)) >>> 0;
}

/**
 * Reads a datagram. The payload or body is a view of it.
 *
 * @throws ProtocolError if it is too short, too long or its control information is broken.
 */
export function parsePacket(datagram: Buffer): Packet {
  if (datagram.length < HEADER_BYTES) throw new ProtocolError(`packet of ${datagram.length} bytes`);
  if (datagram.length > HEADER_BYTES + MAX_PAYLOAD_BYTES) {
    throw new ProtocolError(`packet of ${datagram.length} bytes`);
  }
  const word0 = datagram.readUInt32BE(0);
  const word1 = datagram.readUInt32BE(4);
  const timestamp = datagram.readUInt32BE(8);
  const destination = datagram.readUInt32BE(12);
  const body = datagram.subarray(HEADER_BYTES);
  if (word0 < CONTROL_START) {
    return {
      kind: 'data',
      sequence: word0,
      position: word1 >>> 30,
      isOrdered: (word1 & 0x2000_0000) !== 0,
      key: ((word1 >>> 27) & 3) as KeyFlag,
      isRetransmitted: (word1 & 0x0400_0000) !== 0,
      message: word1 & MESSAGE_MASK,
      timestamp,
      destination,
      payload: body,
    };
  }
  return parseControl(word0, word1, body, { timestamp, destination });
}

function parseControl(word0: number, word1: number, body: Buffer, header: PacketHeader): ControlPacket {
  const type = (word0 >>> 16) & 0x7fff;
  // Only user-defined types have a subtype; the field of the others is reserved.
  const kind = KINDS.get(type === USER_TYPE ? word0 : (word0 & 0xffff_0000) >>> 0);
  switch (kind) {
    case undefined:
      return { kind: 'unknown', type, subtype: word0 & 0xffff, ...header };
    case 'ack':
      return { kind, number: word1, ...parseAck(body), ...header };
    case 'nak':
      return { kind, losses: parseLossList(body), ...header };
    case 'ackack':
      return { kind, number: word1, ...header };
    case 'dropreq':
      return { kind, message: word1, ...parseDropRequest(body), ...header };
    case 'peererror':
      return { kind, code: word1, ...header };
    case 'keepalive':
    case 'congestion':
    case 'shutdown':
      return { kind, ...header };
    case 'handshake':
    case 'hsreq':
    case 'hsrsp':
    case 'kmreq':
    case 'kmrsp':
      return { kind, body, ...header };
  }
}

/** draft-sharabayko-srt-01 §3.2.4: light (4 bytes), small (16 bytes) or full (28 bytes). */
function parseAck(body: Buffer): { sequence: number; report: AckReport | undefined } {
  const reader = new ByteReader(body);
  const sequence = reader.uint32() & SEQUENCE_MASK;
  if (reader.remaining === 0) return { sequence, report: undefined };
  const report: AckReport = {
    rtt: reader.uint32(),
    rttVariance: reader.uint32(),
    availableBuffer: reader.uint32(),
  };
  if (reader.remaining > 0) report.receiveRate = reader.uint32();
  if (reader.remaining > 0) report.linkCapacity = reader.uint32();
  if (reader.remaining > 0) report.receiveByteRate = reader.uint32();
  return { sequence, report };
}

/** draft-sharabayko-srt-01 §3.2.9 */
function parseDropRequest(body: Buffer): SequenceRange {
  const reader = new ByteReader(body);
  return { first: reader.uint32() & SEQUENCE_MASK, last: reader.uint32() & SEQUENCE_MASK };
}

/** The type-specific second word and the control information of a control packet. */
export function serializeControl(packet: ControlPacket): { word1: number; body: Buffer } {
  switch (packet.kind) {
    case 'ack':
      return { word1: packet.number, body: serializeAck(packet.sequence, packet.report) };
    case 'nak':
      return { word1: 0, body: serializeLossList(packet.losses) };
    case 'ackack':
      return { word1: packet.number, body: EMPTY };
    case 'dropreq':
      return { word1: packet.message, body: words(packet.first, packet.last) };
    case 'peererror':
      return { word1: packet.code, body: EMPTY };
    case 'keepalive':
    case 'congestion':
    case 'shutdown':
    case 'unknown':
      return { word1: 0, body: EMPTY };
    case 'handshake':
    case 'hsreq':
    case 'hsrsp':
    case 'kmreq':
    case 'kmrsp':
      return { word1: 0, body: packet.body };
  }
}

/** The control information of an ACK. draft-sharabayko-srt-01 §3.2.4 */
export function serializeAck(sequence: number, report: AckReport | undefined): Buffer {
  if (report === undefined) return words(sequence);
  const { rtt, rttVariance, availableBuffer, receiveRate, linkCapacity, receiveByteRate } = report;
  const small = [sequence, rtt, rttVariance, availableBuffer];
  if (receiveRate === undefined) return words(...small);
  return words(...small, receiveRate, linkCapacity ?? 0, receiveByteRate ?? 0);
}

/** The whole packet as a datagram. */
export function serializePacket(packet: Packet): Buffer {
  if (packet.kind === 'data') {
    const word1 = messageWord(packet.message, packet.key, packet.isRetransmitted) & 0x3fff_ffff;
    const flags = (packet.position << 30) | (packet.isOrdered ? 0x2000_0000 : 0);
    return join(packet.sequence, (word1 | flags) >>> 0, packet, packet.payload);
  }
  const { word1, body } = serializeControl(packet);
  const word0 =
    packet.kind === 'unknown'
      ? (0x8000_0000 | (packet.type << 16) | packet.subtype) >>> 0
      : CONTROL_WORDS[packet.kind];
  return join(word0, word1, packet, body);
}

function join(word0: number, word1: number, header: PacketHeader, body: Buffer): Buffer {
  return Buffer.concat([words(word0, word1, header.timestamp, header.destination), body]);
}

/** Unsigned 32-bit integers, big-endian. */
export function words(...values: number[]): Buffer {
  const buffer = Buffer.allocUnsafe(values.length * 4);
  let end = 0;
  for (const value of values) end = buffer.writeUInt32BE(value >>> 0, end);
  return buffer;
}
