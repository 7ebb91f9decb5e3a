/** Message types: RTMP 1.0 §5.4, §6.1, §7.1. */
export const MessageType = {
  setChunkSize: 1,
  abort: 2,
  acknowledgement: 3,
  userControl: 4,
  windowAcknowledgementSize: 5,
  setPeerBandwidth: 6,
  audio: 8,
  video: 9,
  dataAmf3: 15,
  commandAmf3: 17,
  data: 18,
  command: 20,
  aggregate: 22,
} as const;

/** User control events: RTMP 1.0 §7.1.7. */
export const UserControl = {
  streamBegin: 0,
  streamEof: 1,
  streamDry: 2,
  setBufferLength: 3,
  pingRequest: 6,
  pingResponse: 7,
} as const;

/** Chunk streams that we send on. Anything from 2 on would do; control messages belong on 2. */
export const ChunkStreamId = { control: 2, command: 3, status: 5, data: 5, audio: 6, video: 7 } as const;

/** A whole message as it came. */
export interface Message {
  readonly type: number;
  /** Milliseconds modulo 2^32. */
  readonly timestamp: number;
  readonly streamId: number;
  readonly body: Buffer;
}

/** The body of a control message that is one number. */
export function u32(value: number): Buffer {
  const body = Buffer.allocUnsafe(4);
  body.writeUInt32BE(value >>> 0);
  return body;
}

/** The body of Set Peer Bandwidth with the limit type "dynamic": RTMP 1.0 §5.4.5. */
export function peerBandwidth(bytes: number): Buffer {
  return Buffer.concat([u32(bytes), Buffer.of(2)]);
}

/** The body of a user control message. */
export function userControl(event: number, ...values: number[]): Buffer {
  return Buffer.concat([Buffer.of(event >> 8, event & 0xff), ...values.map(u32)]);
}

export interface UserControlEvent {
  event: number;
  /** The first number of its data, 0 if there is none. */
  value: number;
}

/** Reads a user control message; one that is too short to name an event is undefined. */
export function parseUserControl(body: Buffer): UserControlEvent | undefined {
  if (body.length < 2) return undefined;
  return { event: body.readUInt16BE(0), value: body.length >= 6 ? body.readUInt32BE(2) : 0 };
}
