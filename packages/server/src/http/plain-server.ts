import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Server as TcpServer, Socket } from 'node:net';
import { createServer } from '../util/node-http.ts';

/** What answers the requests; it can be exchanged while connections stay open. */
export interface RequestHandler {
  handle(request: IncomingMessage, response: ServerResponse): void;
}

/** Answers one request. */
export type Answer = RequestHandler['handle'];

/** A server whose connections can be ended: what Node's HTTP server is. */
export type WebServer = TcpServer & { closeIdleConnections(): void; closeAllConnections(): void };

/** The limits of a connection, in bytes and milliseconds. */
export const HTTP1_LIMITS = {
  maxHeaderSize: 65_536,
  headersTimeout: 10_000,
  // Node looks only every 30 seconds for those that are late.
  connectionsCheckingInterval: 1_000,
  keepAliveTimeout: 120_000,
  // Uploads last as long as a stream does.
  requestTimeout: 0,
  // Node's own refusal does not say what is missing: `requireHost` does.
  requireHostHeader: false,
  // Who sends no body is not waited for to end it: a tenth of what Node takes for a request.
  optimizeEmptyRequests: true,
};

/** How long a client may take to read why it was refused. */
const LINGER_MS = 2_000;

/** Refuses requests of HTTP/1.1 that name no host (RFC 9112 §3.2) before they are answered. */
export function requireHost(answer: Answer): Answer {
  return (request, response) => {
    if (request.headers.host !== undefined || request.httpVersion !== '1.1') {
      answer(request, response);
      return;
    }
    const headers = { 'content-type': 'text/plain; charset=utf-8', connection: 'close' };
    response.writeHead(400, headers).end('400 Bad Request: missing required Host header');
  };
}

/** A server of clear text, which does not listen yet. */
export function createPlainServer(application: Answer): WebServer {
  const server = createServer({ ...HTTP1_LIMITS, noDelay: true });
  const answer = requireHost(application);
  server.on('request', answer);
  // Without this listener Node would ask for the body before the guards have seen the request.
  server.on('checkContinue', answer);
  server.on('checkExpectation', answer);
  server.on('clientError', refuseMalformed);
  return server;
}

/** Answers what is not HTTP in plain text and closes the connection. */
export function refuseMalformed(
  error: Error & { code?: string },
  socket: Socket | { writable: boolean },
): void {
  // What still arrives behind it is wrong as well.
  if ('writableEnded' in socket && socket.writableEnded) return;
  if (!('end' in socket) || !socket.writable || error.code === 'ECONNRESET') {
    if ('destroy' in socket) socket.destroy();
    return;
  }
  const status =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? '431 Request Header Fields Too Large'
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? '408 Request Timeout'
        : '400 Bad Request';
  socket.end(
    `HTTP/1.1 ${status}\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n${status}`,
  );
  // Closing at once would reset the connection, and the answer would be lost.
  const timer = setTimeout(() => socket.destroy(), LINGER_MS).unref();
  socket.once('close', () => {
    clearTimeout(timer);
  });
}
