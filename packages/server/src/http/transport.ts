import type { IncomingMessage } from 'node:http';
import type { ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';

/** Whether a request came over HTTP/2: as one of many streams of its connection, which is not its to end. */
export function isHttp2(request: IncomingMessage): boolean {
  return request.httpVersionMajor === 2;
}

/** Whether a request came over TLS. */
export function isEncrypted(request: IncomingMessage): boolean {
  // Without TLS there is no HTTP/2 here, and the socket of a stream that has ended is unknown.
  return isHttp2(request) || (request.socket as Partial<TLSSocket>).encrypted === true;
}

/** The connection of a request, the same for all that come over it; undefined if it is gone. */
export function connectionOf(request: IncomingMessage): Socket | undefined {
  if (!isHttp2(request)) return request.socket;
  return (request as IncomingMessage & { stream: ServerHttp2Stream }).stream.session?.socket;
}
