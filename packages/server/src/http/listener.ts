import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Component, PreparedChange } from '../components.ts';
import type { Logger } from '../log/logger.ts';
import { CoreError, errorText } from '../util/errors.ts';

/** What answers the requests; it can be exchanged while connections stay open. */
export interface RequestHandler {
  handle(request: IncomingMessage, response: ServerResponse): void;
}

const MAX_HEADER_BYTES = 65_536;
const HEADERS_TIMEOUT_MS = 10_000;
const KEEP_ALIVE_TIMEOUT_MS = 120_000;
/** How long a closing listener waits for answers under way. */
const CLOSE_TIMEOUT_MS = 5_000;

/** A listening HTTP socket. */
export class Listener implements Component {
  readonly #log: Logger;
  #address: string;
  #handler: RequestHandler;
  #server: Server | undefined;

  /** @param address `host:port` or `:port`, the latter on all interfaces; port 0 takes a free one. */
  constructor(address: string, handler: RequestHandler, log: Logger) {
    this.#address = address;
    this.#handler = handler;
    this.#log = log;
  }

  async start(): Promise<void> {
    this.#server = await this.#listen(this.#address);
    this.#log.info('Server started', { address: this.#address });
  }

  /** The port in use. Throws if the listener is not open. */
  get port(): number {
    const address = this.#server?.address() as AddressInfo | null | undefined;
    if (!address) throw new Error('the listener is not open');
    return address.port;
  }

  /** Moves to another handler, and to another address if it differs; that socket is open before the old one closes. */
  async prepare(address: string, handler: RequestHandler): Promise<PreparedChange> {
    const server = address === this.#address ? this.#server : await this.#listen(address);
    return {
      commit: async () => {
        const previous = this.#server;
        this.#handler = handler;
        this.#address = address;
        this.#server = server;
        if (previous !== server && previous) await closeServer(previous);
      },
      abort: async () => {
        if (server && server !== this.#server) await closeServer(server);
      },
    };
  }

  async close(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server) await closeServer(server);
  }

  async #listen(address: string): Promise<Server> {
    const answer = (request: IncomingMessage, response: ServerResponse) => {
      this.#handler.handle(request, response);
    };
    const server = createServer({
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: HEADERS_TIMEOUT_MS,
      keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
      // Uploads last as long as a stream does.
      requestTimeout: 0,
      noDelay: true,
    });
    server.on('request', answer);
    // Without this listener Node would ask for the body before the guards have seen the request.
    server.on('checkContinue', answer);
    server.on('checkExpectation', answer);
    server.on('clientError', refuseMalformed);

    const { host, port } = splitAddress(address);
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) => {
        reject(
          new CoreError('unavailable', `can't listen on ${address}: ${errorText(error)}`, { cause: error }),
        );
      });
      server.listen({ port, ...(host === '' ? {} : { host }) }, resolve);
    });
    server.removeAllListeners('error');
    server.on('error', (error) => {
      this.#log.error('Server failed', { address, error: errorText(error) });
    });
    return server;
  }
}

function splitAddress(address: string): { host: string; port: number } {
  const colon = address.lastIndexOf(':');
  return { host: address.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(address.slice(colon + 1)) };
}

/** Answers what is not HTTP in plain text and closes the connection. */
function refuseMalformed(error: Error & { code?: string }, socket: Socket | { writable: boolean }): void {
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
}

async function closeServer(server: Server): Promise<void> {
  await new Promise<void>((resolve) => {
    const cutOff = setTimeout(() => {
      server.closeAllConnections();
    }, CLOSE_TIMEOUT_MS);
    server.close(() => {
      clearTimeout(cutOff);
      resolve();
    });
    server.closeIdleConnections();
  });
}
