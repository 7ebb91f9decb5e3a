/** Bytes from the peer that break the protocol. Whoever receives it drops the packet; nothing else is affected. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
}
