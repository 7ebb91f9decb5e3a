import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Server as TcpServer, type AddressInfo, type Socket } from 'node:net';
import { simpleChange, type Component, type PreparedChange } from '../components.ts';
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
const CLOSE_SWEEP_MS = 100;

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

  /**
   * Moves to another handler, and to another address if it differs. That socket is open before the old one closes; only
   * where both cannot be open at a time, the old one gives way, and comes back if the change fails.
   */
  async prepare(address: string, handler: RequestHandler): Promise<PreparedChange> {
    const previous = this.#server;
    if (address === this.#address || previous === undefined) {
      return simpleChange(() => {
        this.#handler = handler;
      });
    }
    const { port } = this;
    const comeBack = () => this.#resume(previous, withPort(this.#address, port));
    const server = await this.#openBeside(previous, address, comeBack);
    return {
      commit: () => {
        this.#handler = handler;
        this.#address = address;
        this.#server = server;
        stopAccepting(previous);
        this.#log.info('Server started', { address });
      },
      settle: () => closeServer(previous),
      abort: async () => {
        await closeServer(server);
        await comeBack();
      },
    };
  }

  async close(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server) await closeServer(server);
  }

  async #openBeside(previous: Server, address: string, comeBack: () => Promise<void>): Promise<Server> {
    try {
      return await this.#listen(address);
    } catch (error) {
      if (splitAddress(address).port !== this.port) throw error;
    }
    stopAccepting(previous);
    try {
      return await this.#listen(address);
    } catch (error) {
      await comeBack();
      throw error;
    }
  }

  /** Accepts connections again, if it does not do so any more. */
  async #resume(server: Server, address: string): Promise<void> {
    if (server.listening) return;
    try {
      await bind(server, address);
    } catch (error) {
      this.#log.error('Server failed', { address, error: errorText(error) });
    }
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
    await bind(server, address);
    server.on('error', (error) => {
      this.#log.error('Server failed', { address, error: errorText(error) });
    });
    return server;
  }
}

/** Throws `unavailable` if the address cannot be listened on. */
async function bind(server: Server, address: string): Promise<void> {
  const { host, port } = splitAddress(address);
  try {
    server.listen({ port, ...(host === '' ? {} : { host }) });
    await once(server, 'listening');
  } catch (error) {
    throw new CoreError('unavailable', `can't listen on ${address}: ${errorText(error)}`, { cause: error });
  }
}

/** Gives the address free but leaves the connections open, which the close of an HTTP server would not. */
function stopAccepting(server: Server): void {
  TcpServer.prototype.close.call(server);
}

function withPort(address: string, port: number): string {
  return `${address.slice(0, address.lastIndexOf(':'))}:${port}`;
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
    // A connection that has got its last answer would otherwise be kept for another request.
    const sweep = setInterval(() => {
      server.closeIdleConnections();
    }, CLOSE_SWEEP_MS);
    server.close(() => {
      clearTimeout(cutOff);
      clearInterval(sweep);
      resolve();
    });
  });
}
