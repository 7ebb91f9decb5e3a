import { ChunkStreamId, MessageType, UserControl, userControl } from './message.ts';
import { type Status, serializeCommand } from './commands.ts';
import { STREAM_ID } from './encode.ts';
import type { OutgoingMessage } from './transport.ts';

/** A command on the stream of the connection. */
export function commandMessage(body: Buffer): OutgoingMessage {
  return { type: MessageType.command, body, chunkStreamId: ChunkStreamId.command };
}

/** `onStatus` of the one stream that a connection has. */
export function streamStatus(
  level: Status['level'],
  code: string,
  description: string,
  transaction = 0,
): OutgoingMessage {
  return {
    type: MessageType.command,
    body: serializeCommand('onStatus', transaction, null, { level, code, description }),
    chunkStreamId: ChunkStreamId.status,
    streamId: STREAM_ID,
  };
}

/** `onStatus` of the connection. */
export function connectionStatus(level: Status['level'], code: string, description: string): OutgoingMessage {
  return commandMessage(serializeCommand('onStatus', 0, null, { level, code, description }));
}

/** Stream Begin or Stream EOF. */
export function streamEvent(
  event: keyof Pick<typeof UserControl, 'streamBegin' | 'streamEof'>,
  streamId: number,
): OutgoingMessage {
  return { type: MessageType.userControl, body: userControl(UserControl[event], streamId) };
}
