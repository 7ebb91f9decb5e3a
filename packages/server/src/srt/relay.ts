import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import {
  type CallerRequest,
  type Connection,
  Listener,
  REJECTION,
  RejectionError,
  type Remote,
  rejectionName,
} from '@millrace/srt';
import type { SessionName, Viewer } from '../media/host.ts';
import type { Link } from '../media/link.ts';
import type { StreamHost, StreamName } from '../media/streams.ts';
import {
  type Counted,
  type Counters,
  SAMPLE_INTERVAL,
  Traffic,
  publisherSession,
  viewerSession,
} from '../media/traffic.ts';
import { hostAndPort, splitListenAddress } from '../util/address.ts';
import { CoreError, errorText } from '../util/errors.ts';
import { type Refusal, type Wish, checkCaller, checkResource } from './access.ts';
import { Channel } from './channel.ts';
import type { SrtOptions, SrtStatus } from './interface.ts';
import { ProtocolLog } from './protocol-log.ts';
import { Repeats } from './repeats.ts';

/** Of the kernel, for what arrives while this thread is busy: 0.6 seconds of 100 Mbit/s. */
const SOCKET_BUFFER_BYTES = 8 * 1024 * 1024;

/** A connection that was let in. */
interface Client extends Wish {
  connection: Connection;
  /** `ip:port`. */
  remote: string;
  counted: Counted;
}

interface Stream {
  channel: Channel<Connection>;
  publisher: Client;
}

/** The SRT server: decides about callers, and passes on what publishers send to those who ask for it. */
export class Relay {
  readonly #host: Link<StreamHost>;
  readonly #protocol = new ProtocolLog();
  readonly #streams = new Map<string, Stream>();
  readonly #clients = new Map<number, Client>();
  readonly #refusals = new Repeats();
  readonly #traffic: Traffic;
  #options: SrtOptions = { address: '', token: '', passphrase: '', topics: [] };
  #listener: Listener | undefined;
  #counter: NodeJS.Timeout | undefined;

  constructor(host: Link<StreamHost>) {
    this.#host = host;
    this.#traffic = new Traffic(host);
  }

  /** Rejects with `unavailable` if the address cannot be listened on. */
  async start(options: SrtOptions): Promise<void> {
    this.configure(options);
    const listener = await this.#listen(options.address);
    this.#listener = listener;
    this.#counter = setInterval(() => {
      this.#traffic.sample();
    }, SAMPLE_INTERVAL);
    this.#log('Server started');
    this.#checkBuffer(listener.receiveBufferBytes);
  }

  /** Those who are connected stay so; the secrets are for those who come. */
  configure(options: SrtOptions): void {
    this.#options = options;
    this.#protocol.configure(options.topics);
  }

  /** See `SrtPlane`. */
  async move(address: string): Promise<void> {
    const present = this.#options;
    // What is no address of this machine is found out before anything ends.
    await this.#listen(address, { port: 0 }).then((listener) => listener.close());
    await this.close();
    try {
      await this.start({ ...present, address });
    } catch (error) {
      await this.start(present).catch((cause: unknown) => {
        this.#host.tell('log', 'error', 'Server failed', {
          address: present.address,
          error: errorText(cause),
        });
      });
      throw error;
    }
  }

  async close(): Promise<void> {
    const listener = this.#listener;
    if (listener === undefined) return;
    this.#listener = undefined;
    this.#log('Stopping ...');
    clearInterval(this.#counter);
    await listener.close();
    this.#log('Server exited');
  }

  status(): SrtStatus {
    return {
      streams: [...this.#streams].map(([name, { channel, publisher }]) => ({
        name,
        publisher: publisher.connection.id,
        subscribers: channel.subscribers.map(({ id }) => id),
      })),
      connections: [...this.#clients.values()].map(({ connection }) => ({
        id: connection.id,
        statistics: connection.statistics(),
        events: this.#protocol.eventsOf(connection.id),
      })),
      events: this.#protocol.eventsOf(0),
    };
  }

  kick(id: number): boolean {
    const client = this.#clients.get(id);
    client?.connection.close();
    return client !== undefined;
  }

  /** @param other than what the address says. */
  async #listen(address: string, other: { port?: number } = {}): Promise<Listener> {
    const listener = new Listener((request) => this.#decide(request), { log: this.#protocol.sink });
    listener.on('fault', (error) => {
      this.#host.tell('log', 'error', 'Internal error', { address, error: errorText(error) });
    });
    listener.on('refused', ({ remote, streamId, code }) => {
      // All others have been through our own hands.
      if (streamId !== undefined) return;
      const message = `handshake refused: ${rejectionName(code) ?? String(code)}`;
      this.#logRefusal(remote, { status: 'INVALID', resource: '', message });
    });
    try {
      await listener.bind({ ...(await toBindOptions(address)), ...other });
    } catch (error) {
      throw new CoreError('unavailable', `SRT server: can't listen on ${address}: ${errorText(error)}`);
    }
    return listener;
  }

  async #decide(request: CallerRequest): Promise<void> {
    const { streamId, handshakeVersion, isEncrypted } = request;
    const remote = toText(request.remote);
    const wish = checkCaller({ streamId, handshakeVersion, isEncrypted, address: remote }, this.#options);
    if ('code' in wish) {
      this.#refuse(request, wish);
      return;
    }
    const refusal = (await this.#unlock(request, wish)) ?? this.#checkResource(wish);
    if (refusal !== undefined) this.#refuse(request, refusal);
    else if (wish.mode === 'publish') this.#publish(request, wish);
    else await this.#admit(request, wish);
  }

  async #unlock(request: CallerRequest, { resource }: Wish): Promise<Refusal | undefined> {
    const { passphrase } = this.#options;
    if (passphrase === '') return undefined;
    try {
      await request.unlock(passphrase);
      return undefined;
    } catch (error) {
      if (!(error instanceof RejectionError)) throw error;
      const { code } = error;
      const message =
        code === REJECTION.badSecret ? 'keywrap: failed to unwrap key' : 'too many passphrases to check';
      return { status: 'FORBIDDEN', resource, message, code };
    }
  }

  #checkResource(wish: Wish): Refusal | undefined {
    return checkResource(wish, this.#streams.has(wish.resource));
  }

  #publish(request: CallerRequest, wish: Wish): void {
    const { resource } = wish;
    const stream: StreamName = { name: resource, reference: resource, remote: toText(request.remote) };
    const client = this.#accept(request, wish, publisherSession(stream, request.remote.address));
    const { connection } = client;
    const channel = new Channel<Connection>();
    this.#streams.set(resource, { channel, publisher: client });
    connection.on('payload', (payload) => {
      channel.relay(payload);
    });
    this.#host.tell('published', stream);
    connection.once('closed', () => {
      this.#streams.delete(resource);
      channel.close();
      this.#host.tell('unpublished', stream);
    });
  }

  async #admit(request: CallerRequest, wish: Wish): Promise<void> {
    const { resource } = wish;
    const viewer = { remote: toText(request.remote), client: request.remote.address };
    const session = viewerSession({ name: resource, reference: resource }, viewer, this.#bitrateOf(resource));
    const limit = await this.#host.call('admit', session);
    if (limit !== undefined) {
      const message = `no room for another viewer (${limit})`;
      this.#refuse(request, { status: 'FORBIDDEN', resource, message, code: REJECTION.overload });
      return;
    }
    // The publisher may have left in the meantime, or the caller have waited too long.
    const refusal = this.#checkResource(wish);
    if (refusal === undefined && !request.isDecided) {
      this.#subscribe(request, wish, session);
    } else {
      this.#host.tell('end', [session.id]);
      if (refusal !== undefined) this.#refuse(request, refusal);
    }
  }

  #subscribe(request: CallerRequest, wish: Wish, session: Viewer): void {
    const channel = this.#streams.get(wish.resource)?.channel;
    if (channel === undefined) return;
    const { connection } = this.#accept(request, wish, session);
    channel.add(connection);
    connection.once('closed', () => {
      channel.remove(connection);
    });
  }

  #accept(request: CallerRequest, wish: Wish, session: SessionName): Client {
    const connection = request.accept();
    const remote = toText(connection.remote);
    const handler = wish.mode === 'publish' ? 'PUBLISH' : 'SUBSCRIBE';
    const fields = { handler, resource: wish.resource, client: remote };
    this.#protocol.write('connection:new', 0, `${toHex(connection.id)} (${wish.resource}) ${handler}`);
    this.#log('', { ...fields, status: 'START' });
    const counted = this.#traffic.open(session, countersOf(connection));
    const client: Client = { ...wish, connection, remote, counted };
    this.#clients.set(connection.id, client);
    connection.once('closed', (reason) => {
      counted.close();
      this.#clients.delete(connection.id);
      this.#log('', { ...fields, status: 'STOP', reason });
    });
    return client;
  }

  #refuse(request: CallerRequest, refusal: Refusal): void {
    this.#logRefusal(request.remote, refusal);
    request.reject(refusal.code);
  }

  #logRefusal(remote: Remote, { status, resource, message }: Omit<Refusal, 'code'>): void {
    const repeated = this.#refusals.take([remote.address, resource, message].join(' '));
    if (repeated === undefined) return;
    const fields = { handler: 'CONNECT', status, resource, client: toText(remote) };
    this.#log(message, { ...fields, ...(repeated > 0 && { repeated }) });
  }

  /** Bit/s that came in during the last second; 0 if nobody publishes there. */
  #bitrateOf(resource: string): number {
    return this.#streams.get(resource)?.publisher.counted.rxBitrate ?? 0;
  }

  #checkBuffer(bytes: number): void {
    if (bytes >= SOCKET_BUFFER_BYTES) return;
    const { address } = this.#options;
    const fields = { address, bytes, wanted: SOCKET_BUFFER_BYTES, setting: 'net.core.rmem_max' };
    this.#host.tell('log', 'warn', 'The kernel limits the receive buffer', fields);
  }

  #log(message: string, fields: Record<string, unknown> = {}): void {
    this.#host.tell('log', 'info', message, { address: this.#options.address, ...fields });
  }
}

function countersOf(connection: Connection): Counters {
  return {
    get bytesReceived() {
      return connection.statistics().recvBytes;
    },
    get bytesSent() {
      return connection.statistics().sentBytes;
    },
  };
}

/** A host name is looked up: sockets are bound to addresses. */
async function toBindOptions(address: string) {
  const { host, port } = splitListenAddress(address);
  return {
    ...(host !== '' && { address: isIP(host) === 0 ? (await lookup(host)).address : host }),
    port,
    receiveBufferBytes: SOCKET_BUFFER_BYTES,
    sendBufferBytes: SOCKET_BUFFER_BYTES,
  };
}

function toText({ address, port }: Remote): string {
  return hostAndPort(address, port);
}

function toHex(id: number): string {
  return `0x${id.toString(16).padStart(8, '0')}`;
}
