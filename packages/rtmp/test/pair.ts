import { duplexPair } from 'node:stream';
import { ClientConnection, type ClientOptions } from '../src/client-connection.ts';
import { Relay } from '../src/relay.ts';
import type { ServerConnection } from '../src/server-connection.ts';
import { type Refusal, type StreamHandler, refuse } from '../src/stream-handler.ts';
import { RtmpServer, type RtmpServerOptions } from '../src/server.ts';
import type { CloseReason } from '../src/transport.ts';

/** A server that keeps its streams by path, and clients that reach it without a network. */
export class TestServer {
  readonly relays = new Map<string, Relay>();
  readonly rtmp: RtmpServer;
  readonly handler: StreamHandler;

  constructor(options: RtmpServerOptions = {}, handler: Partial<StreamHandler> = {}) {
    this.handler = {
      publish: ({ path }) => this.publish(path),
      play: ({ path }) => this.relays.get(path) ?? refuse('not_found', 'no such stream'),
      ...handler,
    };
    this.rtmp = new RtmpServer(this.handler, options);
  }

  publish(path: string): Relay | Refusal {
    if (this.relays.has(path)) return refuse('busy', 'already publishing');
    const relay = new Relay().once('closed', () => this.relays.delete(path));
    this.relays.set(path, relay);
    return relay;
  }

  /** The two ends of a new connection. */
  dial(options: Partial<ClientOptions> = {}): {
    client: ClientConnection;
    server: ServerConnection;
    closed: Promise<CloseReason>;
  } {
    const { raw, server, closed } = this.dialRaw();
    const client = new ClientConnection(raw, { app: 'live', tcUrl: 'rtmp://test/live', ...options });
    return { client, server, closed };
  }

  /** The same without anything that speaks RTMP at the client's end. */
  dialRaw() {
    const [raw, accepted] = duplexPair();
    raw.on('error', () => undefined);
    // As over a network: whoever hangs up is gone for the other end.
    accepted.once('close', () => raw.destroy());
    const server = this.rtmp.accept(accepted);
    if (!server) throw new Error('not accepted');
    const closed = new Promise<CloseReason>((resolve) => server.once('closed', resolve));
    return { raw, server, closed };
  }
}
