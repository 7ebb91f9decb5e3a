// The handshake's control information and its extensions. draft-sharabayko-srt-01 §3.2.1
import { ByteReader } from './byte-reader.ts';
import { isIPv4 } from 'node:net';
import { ProtocolError } from './protocol-error.ts';
import { words } from './packet.ts';

export const HANDSHAKE_BYTES = 48;
/** Marks, in the extension field of an induction answer, a peer that knows version 5. */
export const SRT_MAGIC = 0x4a17;
/** The extension field of version 4: a socket for datagrams. */
export const UDT_DATAGRAM = 2;
export const MAX_STREAM_ID_BYTES = 512;

/** draft-sharabayko-srt-01 Table 4; 1000 and above are rejections. */
export const HANDSHAKE_TYPE = {
  wavehand: 0,
  induction: 1,
  conclusion: 0xffff_ffff,
  agreement: 0xffff_fffe,
  done: 0xffff_fffd,
} as const;

/** What the extension field of a conclusion says follows. draft-sharabayko-srt-01 Table 3 */
export const EXTENSION_FLAG = { hs: 1, km: 2, config: 4 } as const;

/** draft-sharabayko-srt-01 Table 5 */
export const EXTENSION_TYPE = {
  hsreq: 1,
  hsrsp: 2,
  kmreq: 3,
  kmrsp: 4,
  streamId: 5,
  congestion: 6,
  filter: 7,
  group: 8,
} as const;

/** draft-sharabayko-srt-01 Table 6 */
export const HS_FLAG = {
  tsbpdSender: 0x01,
  tsbpdReceiver: 0x02,
  crypt: 0x04,
  tooLateDrop: 0x08,
  periodicNak: 0x10,
  retransmitFlag: 0x20,
  stream: 0x40,
  packetFilter: 0x80,
} as const;

/** What the live mode of this library can do. */
export const LIVE_FLAGS = 0x3f;

export interface Handshake {
  version: number;
  /** 0 none or not told, 2, 3, 4 = AES with 128, 192, 256 bits. */
  encryption: number;
  extensionField: number;
  initialSequence: number;
  mss: number;
  /** Packets. */
  flowWindow: number;
  type: number;
  socketId: number;
  cookie: number;
  /** The address that the sender sees the receiver at. Informational. */
  peerAddress: Buffer;
}

/** Content of HSREQ and HSRSP. draft-sharabayko-srt-01 §3.2.1.1 */
export interface HsExtension {
  /** Of the library: 0x010501 is 1.5.1. */
  version: number;
  flags: number;
  /** ms */
  receiverDelay: number;
  /** ms */
  senderDelay: number;
}

export interface Extensions {
  hsreq?: HsExtension;
  hsrsp?: HsExtension;
  /** Key material as it is on the wire. */
  kmreq?: Buffer;
  kmrsp?: Buffer;
  streamId?: string;
  congestion?: string;
}

/**
 * Reads the fixed part of a handshake. What follows it stays unread: it is for {@link parseExtensions} once the
 * cookie proved to be ours.
 *
 * @throws ProtocolError if it is too short.
 */
export function parseHandshake(body: Buffer): Handshake {
  const reader = new ByteReader(body);
  return {
    version: reader.uint32(),
    encryption: reader.uint16(),
    extensionField: reader.uint16(),
    initialSequence: reader.uint32() & 0x7fff_ffff,
    mss: reader.uint32(),
    flowWindow: reader.uint32(),
    type: reader.uint32(),
    socketId: reader.uint32(),
    cookie: reader.uint32(),
    peerAddress: reader.bytes(16),
  };
}

/**
 * Reads the extensions behind the fixed part. Unknown ones are skipped.
 *
 * @throws ProtocolError if one is cut off, appears twice, or its content is broken.
 */
export function parseExtensions(body: Buffer): Extensions {
  const reader = new ByteReader(body.subarray(HANDSHAKE_BYTES));
  const extensions: Extensions = {};
  while (reader.remaining > 0) {
    const type = reader.uint16();
    const content = reader.bytes(reader.uint16() * 4);
    switch (type) {
      case EXTENSION_TYPE.hsreq:
        setOnce(extensions, 'hsreq', parseHsExtension(content));
        break;
      case EXTENSION_TYPE.hsrsp:
        setOnce(extensions, 'hsrsp', parseHsExtension(content));
        break;
      case EXTENSION_TYPE.kmreq:
        setOnce(extensions, 'kmreq', content);
        break;
      case EXTENSION_TYPE.kmrsp:
        setOnce(extensions, 'kmrsp', content);
        break;
      case EXTENSION_TYPE.streamId:
        setOnce(extensions, 'streamId', parseText(content, MAX_STREAM_ID_BYTES));
        break;
      case EXTENSION_TYPE.congestion:
        setOnce(extensions, 'congestion', parseText(content, 32));
        break;
    }
  }
  return extensions;
}

function setOnce<K extends keyof Extensions>(
  extensions: Extensions,
  name: K,
  value: Required<Extensions>[K],
) {
  if (extensions[name] !== undefined) throw new ProtocolError(`handshake extension ${name} twice`);
  extensions[name] = value;
}

/** draft-sharabayko-srt-01 §3.2.1.1; also the body of the HSREQ and HSRSP messages of version 4. */
export function parseHsExtension(content: Buffer): HsExtension {
  const reader = new ByteReader(content);
  return {
    version: reader.uint32(),
    flags: reader.uint32(),
    receiverDelay: reader.uint16(),
    senderDelay: reader.uint16(),
  };
}

export function serializeHsExtension({ version, flags, receiverDelay, senderDelay }: HsExtension): Buffer {
  return words(version, flags, (receiverDelay << 16) | senderDelay);
}

/** Texts are padded with zeros to whole words, whose bytes are in reverse order. draft-sharabayko-srt-01 §3.2.1.3 */
function parseText(content: Buffer, maxBytes: number): string {
  if (content.length > maxBytes) throw new ProtocolError(`text of ${content.length} bytes`);
  const bytes = Buffer.from(content).swap32();
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0) end--;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes.subarray(0, end));
  } catch (error) {
    throw new ProtocolError('text is not UTF-8', { cause: error });
  }
}

function serializeText(text: string): Buffer {
  const bytes = Buffer.from(text);
  const padded = Buffer.alloc(Math.ceil(bytes.length / 4) * 4);
  bytes.copy(padded);
  return padded.swap32();
}

/** The whole control information. */
export function serializeHandshake(handshake: Handshake, extensions: Extensions = {}): Buffer {
  const { version, encryption, extensionField, initialSequence, mss, flowWindow, type, socketId, cookie } =
    handshake;
  const parts = [
    words(
      version,
      (encryption << 16) | extensionField,
      initialSequence,
      mss,
      flowWindow,
      type,
      socketId,
      cookie,
    ),
    handshake.peerAddress,
  ];
  const { hsreq, hsrsp, kmreq, kmrsp, streamId, congestion } = extensions;
  if (hsreq) parts.push(...block(EXTENSION_TYPE.hsreq, serializeHsExtension(hsreq)));
  if (hsrsp) parts.push(...block(EXTENSION_TYPE.hsrsp, serializeHsExtension(hsrsp)));
  if (kmreq) parts.push(...block(EXTENSION_TYPE.kmreq, kmreq));
  if (kmrsp) parts.push(...block(EXTENSION_TYPE.kmrsp, kmrsp));
  if (streamId) parts.push(...block(EXTENSION_TYPE.streamId, serializeText(streamId)));
  if (congestion) parts.push(...block(EXTENSION_TYPE.congestion, serializeText(congestion)));
  return Buffer.concat(parts);
}

function block(type: number, content: Buffer): [Buffer, Buffer] {
  return [words((type << 16) | (content.length / 4)), content];
}

/** The peer's address field: IPv4 in reverse order and zeros, IPv6 as four words, each in reverse order. */
export function serializeAddress(address: string): Buffer {
  const buffer = Buffer.alloc(16);
  const mapped = /^::ffff:([\d.]+)$/i.exec(address)?.[1] ?? address;
  if (isIPv4(mapped)) {
    mapped.split('.').forEach((part, index) => {
      buffer[3 - index] = Number(part);
    });
    return buffer;
  }
  const [head = '', tail] = (address.split('%')[0] ?? '').split('::');
  const groups = (text: string) => (text === '' ? [] : text.split(':'));
  groups(head).forEach((group, index) => buffer.writeUInt16BE(parseInt(group, 16), index * 2));
  groups(tail ?? '').forEach((group, index, all) =>
    buffer.writeUInt16BE(parseInt(group, 16), 16 - (all.length - index) * 2),
  );
  return buffer.swap32();
}
