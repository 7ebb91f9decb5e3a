// The public face of the library. A package has one of these; inside, files import each other.
export type { AcceptOptions } from './caller-request.ts';
export { CallerRequest } from './caller-request.ts';
export { type ConnectOptions, connect } from './caller.ts';
export { type CloseReason, Connection } from './connection.ts';
export { MAX_PASSPHRASE_BYTES, MIN_PASSPHRASE_BYTES, checkPassphrase } from './crypto.ts';
export { MAX_STREAM_ID_BYTES } from './handshake.ts';
export type { KeyLength } from './key-material.ts';
export type { KeyRefresh } from './keys.ts';
export {
  type ConnectionLimits,
  DEFAULT_CONNECTION_LIMITS,
  DEFAULT_LISTENER_LIMITS,
  type ListenerLimits,
} from './limits.ts';
export { Listener, type ListenerOptions, type RefusedCaller, type RequestHandler } from './listener.ts';
export { type Log, type LogTopic, createLog } from './log.ts';
export type { BindOptions } from './multiplexer.ts';
export { MAX_PAYLOAD_BYTES } from './packet.ts';
export { ProtocolError } from './protocol-error.ts';
export { REJECTION, RejectionError, type RejectionName, rejectionName } from './rejection.ts';
export { DEFAULT_LATENCY, type EndpointOptions } from './settings.ts';
export type { Statistics } from './statistics.ts';
export { type StreamId, parseStreamId, serializeStreamId } from './stream-id.ts';
export type { Remote } from './wire.ts';
