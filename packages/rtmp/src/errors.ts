/** What a peer sent breaks the protocol or a limit: the connection ends, the server lives. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
}
