export { type AmfInput, type AmfValue, parseAmf0, serializeAmf0 } from './amf0.ts';
export { Batch, type Encoded, type Encoder, type RelayMessage } from './batch.ts';
export { ByteCursor, type Parser } from './byte-cursor.ts';
export { type ClientAddress, parseClientAddress } from './client-address.ts';
export { Census, type ConnectionLimits, type Counted, DEFAULT_CONNECTION_LIMITS } from './census.ts';
export {
  ClientConnection,
  type ClientOptions,
  type OpenedClient,
  RtmpStatusError,
  openClient,
} from './client-connection.ts';
export type { Command, Status } from './commands.ts';
export { ProtocolError } from './errors.ts';
export { FlvPlayer, type FlvPlayerOptions } from './flv-player.ts';
export { FLV_HEADER, encodeFlv, flvHeader, readFlv, serializeFlvTag } from './flv.ts';
export { DEFAULT_LIMITS, type Limits } from './limits.ts';
export { type MediaInfo, type MediaRole, classifyAudio, classifyVideo } from './media.ts';
export { type Message, MessageType } from './message.ts';
export type { Metadata, Track } from './metadata.ts';
export { DEFAULT_RELAY_OPTIONS, Relay, type RelayOptions } from './relay.ts';
export { type ConnectionState, ServerConnection } from './server-connection.ts';
export { type AcceptedSocket, RtmpServer, type RtmpServerOptions } from './server.ts';
export { type StreamAddress, type StreamName, parseStreamAddress, toPath } from './stream-address.ts';
export { type Refusal, type StreamHandler, type StreamRequest, refuse } from './stream-handler.ts';
export { type Sink, Subscription } from './subscription.ts';
export { Sweep, type Swept } from './sweep.ts';
export type { CloseReason } from './transport.ts';
