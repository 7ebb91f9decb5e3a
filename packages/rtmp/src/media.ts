export type MediaKind = 'audio' | 'video';

/**
 * What a message is to a relay: what a decoder must have first (header), a frame that it can begin with (key), any
 * other frame, or the end of a sequence.
 */
export type MediaRole = 'header' | 'key' | 'frame' | 'end';

export interface MediaInfo {
  role: MediaRole;
  /** Short name as in logs and listings: `H264`, `AAC`, … */
  codec: string;
  /** The number that stands for the codec in metadata: the legacy one, or the FourCC. */
  codecId: number;
  /** Whether the message has the header of Enhanced RTMP. */
  isEnhanced: boolean;
  /** The tracks in it, `0` unless it is multitrack: `1`, or `0,1`. */
  tracks: string;
  /** What tells headers of the same tracks apart: `config`, or what the header is about. */
  variant: 'config' | 'color' | 'channels' | 'ts';
}

/** E.4.3.1 of the FLV specification; 12 and 13 are what encoders used before Enhanced RTMP. */
const VIDEO_CODECS: Record<number, string> = {
  2: 'H263',
  3: 'SCREEN',
  4: 'VP6',
  5: 'VP6A',
  6: 'SCREEN2',
  7: 'H264',
  12: 'HEVC',
  13: 'AV1',
};

/** E.4.2.1 of the FLV specification. */
const AUDIO_CODECS: Record<number, string> = {
  0: 'PCM',
  1: 'ADPCM',
  2: 'MP3',
  3: 'PCM',
  4: 'NELLYMOSER',
  5: 'NELLYMOSER',
  6: 'NELLYMOSER',
  7: 'PCMA',
  8: 'PCMU',
  10: 'AAC',
  11: 'SPEEX',
  14: 'MP3',
};

const FOURCC_NAMES: Record<string, string> = {
  avc1: 'H264',
  hvc1: 'HEVC',
  vvc1: 'VVC',
  av01: 'AV1',
  vp08: 'VP8',
  vp09: 'VP9',
  mp4a: 'AAC',
  Opus: 'OPUS',
  'ac-3': 'AC3',
  'ec-3': 'EAC3',
  fLaC: 'FLAC',
  '.mp3': 'MP3',
};

const CodecId = { avc: 7, hevc: 12, av1: 13, aac: 10 } as const;
const FrameType = { key: 1, command: 5 } as const;

/** Packet types of Enhanced RTMP; video and audio differ from 3 on. */
const VideoPacket = {
  start: 0,
  frames: 1,
  end: 2,
  framesX: 3,
  metadata: 4,
  tsStart: 5,
  multitrack: 6,
  modEx: 7,
};
const AudioPacket = { start: 0, frames: 1, end: 2, channels: 4, multitrack: 5, modEx: 7 };
const EX_AUDIO = 9;
const MANY_CODECS = 2;

/** Classifies the body of a video message; undefined if it has nothing that a player needs. */
export function classifyVideo(body: Buffer): MediaInfo | undefined {
  const first = body[0];
  if (first === undefined) return undefined;
  const frameType = (first >> 4) & 7;
  if (first >= 0x80) {
    const ex = readExHeader(body, VideoPacket.modEx, VideoPacket.multitrack);
    if (!ex || (frameType === FrameType.command && ex.packet !== VideoPacket.metadata)) return undefined;
    return enhanced(ex, videoRole(ex.packet, frameType), videoVariant(ex.packet));
  }
  if (frameType === FrameType.command) return undefined;
  const codecId = first & 0x0f;
  const hasPacketType = codecId === CodecId.avc || codecId === CodecId.hevc || codecId === CodecId.av1;
  const packet = hasPacketType ? body[1] : VideoPacket.frames;
  if (packet === undefined) return undefined;
  return legacy(VIDEO_CODECS[codecId], codecId, videoRole(packet, frameType));
}

/** Classifies the body of an audio message; undefined if it has nothing that a player needs. */
export function classifyAudio(body: Buffer): MediaInfo | undefined {
  const first = body[0];
  if (first === undefined) return undefined;
  const codecId = first >> 4;
  if (codecId === EX_AUDIO) {
    const ex = readExHeader(body, AudioPacket.modEx, AudioPacket.multitrack);
    if (!ex) return undefined;
    return enhanced(ex, audioRole(ex.packet), ex.packet === AudioPacket.channels ? 'channels' : 'config');
  }
  if (body.length < 2) return undefined;
  return legacy(
    AUDIO_CODECS[codecId],
    codecId,
    codecId === CodecId.aac && body[1] === 0 ? 'header' : 'frame',
  );
}

function legacy(codec: string | undefined, codecId: number, role: MediaRole): MediaInfo {
  return {
    role,
    codec: codec ?? `CODEC${codecId}`,
    codecId,
    isEnhanced: false,
    tracks: '0',
    variant: 'config',
  };
}

function enhanced(ex: ExHeader, role: MediaRole, variant: MediaInfo['variant']): MediaInfo {
  const fourCc = ex.fourCc;
  const codec = FOURCC_NAMES[fourCc] ?? fourCc.replace(/[^\w.-]/g, '?').toUpperCase();
  return { role, codec, codecId: toNumber(fourCc), isEnhanced: true, tracks: ex.tracks, variant };
}

function videoRole(packet: number, frameType: number): MediaRole {
  switch (packet) {
    case VideoPacket.start:
    case VideoPacket.metadata:
    case VideoPacket.tsStart:
      return 'header';
    case VideoPacket.end:
      return 'end';
    default:
      return frameType === FrameType.key ? 'key' : 'frame';
  }
}

function videoVariant(packet: number): MediaInfo['variant'] {
  if (packet === VideoPacket.metadata) return 'color';
  return packet === VideoPacket.tsStart ? 'ts' : 'config';
}

function audioRole(packet: number): MediaRole {
  if (packet === AudioPacket.start || packet === AudioPacket.channels) return 'header';
  return packet === AudioPacket.end ? 'end' : 'frame';
}

interface ExHeader {
  /** The packet type behind all modifiers. */
  packet: number;
  fourCc: string;
  tracks: string;
}

/** Enhanced RTMP v2, "Enhanced Video" and "Enhanced Audio": the header of both has the same form. */
function readExHeader(body: Buffer, modEx: number, multitrack: number): ExHeader | undefined {
  let packet = (body[0] ?? 0) & 0x0f;
  let position = 1;
  while (packet === modEx) {
    let size = (body[position++] ?? 0) + 1;
    if (size === 256) {
      if (position + 2 > body.length) return undefined;
      size = body.readUInt16BE(position) + 1;
      position += 2;
    }
    position += size;
    const next = body[position++];
    if (next === undefined) return undefined;
    packet = next & 0x0f;
  }
  if (packet !== multitrack) {
    if (position + 4 > body.length) return undefined;
    return { packet, fourCc: body.toString('latin1', position, position + 4), tracks: '0' };
  }
  const kind = body[position++];
  if (kind === undefined) return undefined;
  return readTracks(body, position, kind >> 4, kind & 0x0f);
}

/** The tracks of a multitrack message; its codec is that of the first one. */
function readTracks(body: Buffer, start: number, type: number, packet: number): ExHeader | undefined {
  let position = start;
  let fourCc = '';
  const ids: number[] = [];
  do {
    if (type === MANY_CODECS || fourCc === '') {
      if (position + 4 > body.length) return undefined;
      fourCc ||= body.toString('latin1', position, position + 4);
      position += 4;
    }
    const id = body[position++];
    if (id === undefined) return undefined;
    ids.push(id);
    if (type === 0) break;
    if (position + 3 > body.length) return undefined;
    position += 3 + body.readUIntBE(position, 3);
  } while (position < body.length);
  return { packet, fourCc, tracks: ids.join() };
}

function toNumber(fourCc: string): number {
  return Buffer.from(fourCc, 'latin1').readUInt32BE();
}

/** What a decoder configuration of AAC says: ISO/IEC 14496-3 §1.6.2.1. */
export interface AacConfig {
  sampleRate: number;
  channels: number;
}

const SAMPLE_RATES = [
  96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350,
];

/** Reads the AudioSpecificConfig of a sequence header (the body of an audio message), as far as listings need it. */
export function parseAacConfig(body: Buffer, offset: number): AacConfig | undefined {
  if (body.length < offset + 2) return undefined;
  const bits = body.readUInt16BE(offset);
  const rate = SAMPLE_RATES[(bits >> 7) & 0x0f];
  // Types of 32 and more, and rates outside of the table, are written in another form: rare enough to leave alone.
  if (bits >> 11 === 31 || rate === undefined) return undefined;
  const channels = (bits >> 3) & 0x0f;
  return { sampleRate: rate, channels: channels === 7 ? 8 : channels };
}
