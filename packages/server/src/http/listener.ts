import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Server as TcpServer, type AddressInfo } from 'node:net';
import { simpleChange, type Component, type PreparedChange } from '../components.ts';
import type { Logger } from '../log/logger.ts';
import { splitListenAddress } from '../util/address.ts';
import { CoreError, errorText } from '../util/errors.ts';
import { type Answer, type RequestHandler, type WebServer, createPlainServer } from './plain-server.ts';

/** How long a closing listener waits for answers under way. */
const CLOSE_TIMEOUT_MS = 5_000;
const CLOSE_SWEEP_MS = 100;

/** A listening HTTP socket. */
export class Listener implements Component {
  readonly #log: Logger;
  readonly #create: (answer: Answer) => WebServer | Promise<WebServer>;
  #address: string | undefined;
  #handler: RequestHandler;
  #server: WebServer | undefined;

  /**
   * @param address `host:port` or `:port`, the latter on all interfaces; port 0 takes a free one. Undefined if it does
   *   not listen for now.
   * @param create makes the server behind the socket.
   */
  constructor(
    address: string | undefined,
    handler: RequestHandler,
    log: Logger,
    create: (answer: Answer) => WebServer | Promise<WebServer> = createPlainServer,
  ) {
    this.#address = address;
    this.#handler = handler;
    this.#log = log;
    this.#create = create;
  }

  async start(): Promise<void> {
    if (this.#address === undefined) return;
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
  async prepare(address: string | undefined, handler: RequestHandler): Promise<PreparedChange> {
    if (address === this.#address) {
      return simpleChange(() => {
        this.#handler = handler;
      });
    }
    const previous = this.#server;
    const comeBack = this.#wayBack();
    const server = await this.#openBeside(address, comeBack);
    return {
      commit: () => {
        this.#handler = handler;
        this.#address = address;
        this.#server = server;
        if (previous) stopAccepting(previous);
        if (address === undefined) this.#log.info('Server stopped');
        else this.#log.info('Server started', { address });
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
    await closeServer(server);
  }

  async #openBeside(
    address: string | undefined,
    comeBack: () => Promise<void>,
  ): Promise<WebServer | undefined> {
    if (address === undefined) return undefined;
    const previous = this.#server;
    try {
      return await this.#listen(address);
    } catch (error) {
      if (previous === undefined || splitListenAddress(address).port !== this.port) throw error;
      stopAccepting(previous);
    }
    try {
      return await this.#listen(address);
    } catch (error) {
      await comeBack();
      throw error;
    }
  }

  /** How to accept connections again on the present socket, if it does not do so any more. */
  #wayBack(): () => Promise<void> {
    const [server, address] = [this.#server, this.#address];
    if (server === undefined || address === undefined) return () => Promise.resolve();
    const present = withPort(address, this.port);
    return async () => {
      if (server.listening) return;
      try {
        await bind(server, present);
      } catch (error) {
        this.#log.error('Server failed', { address: present, error: errorText(error) });
      }
    };
  }

  async #listen(address: string): Promise<WebServer> {
    const answer = (request: IncomingMessage, response: ServerResponse) => {
      this.#handler.handle(request, response);
    };
    const server = await this.#create(answer);
    await bind(server, address);
    server.on('error', (error) => {
      this.#log.error('Server failed', { address, error: errorText(error) });
    });
    return server;
  }
}

/** Throws `unavailable` if the address cannot be listened on. */
async function bind(server: WebServer, address: string): Promise<void> {
  const { host, port } = splitListenAddress(address);
  try {
    server.listen({ port, ...(host === '' ? {} : { host }) });
    await once(server, 'listening');
  } catch (error) {
    throw new CoreError('unavailable', `can't listen on ${address}: ${errorText(error)}`, { cause: error });
  }
}

/** Gives the address free but leaves the connections open, which the close of an HTTP server would not. */
function stopAccepting(server: WebServer): void {
  TcpServer.prototype.close.call(server);
}

function withPort(address: string, port: number): string {
  return `${address.slice(0, address.lastIndexOf(':'))}:${port}`;
}

async function closeServer(server: WebServer | undefined): Promise<void> {
  if (server === undefined) return;
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
