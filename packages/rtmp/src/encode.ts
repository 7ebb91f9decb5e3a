import { type Encoded, type RelayMessage, timeFrom } from './batch.ts';
import { type Heading, headerBytes, separatorBytes, writeHeader, writeSeparator } from './chunk-writer.ts';
import { ChunkStreamId, MessageType } from './message.ts';

/** The stream id of everything that is published or played here: every connection has one stream. */
export const STREAM_ID = 1;

const HEADINGS = {
  audio: { chunkStreamId: ChunkStreamId.audio, type: MessageType.audio, streamId: STREAM_ID },
  video: { chunkStreamId: ChunkStreamId.video, type: MessageType.video, streamId: STREAM_ID },
  data: { chunkStreamId: ChunkStreamId.data, type: MessageType.data, streamId: STREAM_ID },
} as const satisfies Record<RelayMessage['kind'], Heading>;

/** Messages as chunks. Everything that is not a body lies in one allocation. */
export function encodeRtmp(messages: readonly RelayMessage[], base: number): Encoded {
  let overhead = 0;
  for (const message of messages) {
    const time = timeFrom(base, message);
    overhead += headerBytes(time) + (message.parts.length - 1) * separatorBytes(time);
  }
  const headers = Buffer.allocUnsafe(overhead);
  const pieces: Buffer[] = [];
  let bytes = overhead;
  let start = 0;
  for (const message of messages) {
    const heading = HEADINGS[message.kind];
    const time = timeFrom(base, message);
    bytes += message.body.length;
    let end = writeHeader(headers, start, heading, time, message.body.length);
    for (const [i, part] of message.parts.entries()) {
      if (i > 0) end = writeSeparator(headers, start, heading.chunkStreamId, time);
      pieces.push(headers.subarray(start, end), part);
      start = end;
    }
  }
  return { pieces, bytes };
}
