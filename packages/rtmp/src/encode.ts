import { type Encoded, PieceWriter, type RelayMessage, timeFrom } from './batch.ts';
import { type Heading, headerBytes, separatorBytes, writeHeader, writeSeparator } from './chunk-writer.ts';
import { ChunkStreamId, MessageType } from './message.ts';

/** The stream id of everything that is published or played here: every connection has one stream. */
export const STREAM_ID = 1;

const HEADINGS = {
  audio: { chunkStreamId: ChunkStreamId.audio, type: MessageType.audio, streamId: STREAM_ID },
  video: { chunkStreamId: ChunkStreamId.video, type: MessageType.video, streamId: STREAM_ID },
  data: { chunkStreamId: ChunkStreamId.data, type: MessageType.data, streamId: STREAM_ID },
} as const satisfies Record<RelayMessage['kind'], Heading>;

/** Messages as chunks. */
export function encodeRtmp(messages: readonly RelayMessage[], base: number): Encoded {
  const pieces = new PieceWriter(messages, (message) => {
    const time = timeFrom(base, message);
    return headerBytes(time) + (message.parts.length - 1) * separatorBytes(time);
  });
  for (const message of messages) {
    const heading = HEADINGS[message.kind];
    const time = timeFrom(base, message);
    pieces.position = writeHeader(pieces.target, pieces.position, heading, time, message.body.length);
    for (const [i, part] of message.parts.entries()) {
      if (i > 0) {
        pieces.position = writeSeparator(pieces.target, pieces.position, heading.chunkStreamId, time);
      }
      pieces.body(part, message.body);
    }
  }
  return pieces.end();
}
