import { once } from 'node:events';
import { createServer as createTcpServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { SecureContext } from 'node:tls';
import { Census, type Counted, DEFAULT_CONNECTION_LIMITS } from '@millrace/rtmp';
import type { PemSet } from '../tls/certificates.ts';
import { hostAndPort, splitListenAddress } from '../util/address.ts';
import { CoreError, errorText } from '../util/errors.ts';
import { MIN_TLS_VERSION, nodeTls } from '../util/node-tls.ts';
import type { RtmpPlaneOptions } from './interface.ts';
import type { Protocol } from './stream.ts';

/** How long a client may take for the handshake of TLS, in milliseconds. */
const TLS_HANDSHAKE_TIMEOUT = 10_000;
/** Of either protocol. Connections that the system has accepted but we have not wait in it. */
const BACKLOG = 511;

/** One that is wanted: two with the same place are the same. */
interface Place {
  protocol: Protocol;
  address: string;
}

/** The sockets that RTMP and RTMPS are listened on. Streams outlive a change of the address. */
export class Listeners {
  readonly #accept: (socket: Socket, protocol: Protocol) => void;
  readonly #onError: (protocol: Protocol, error: Error) => void;
  /** By place, in the order in which they were opened. */
  readonly #open = new Map<string, { place: Place; server: Server }>();
  /** Of the connections that are to be encrypted: who only begins with that takes a place, too. */
  readonly #census = new Census(DEFAULT_CONNECTION_LIMITS);
  #certificates: PemSet = { main: undefined, byHost: new Map() };
  #contexts: ReadonlyMap<string, SecureContext> = new Map();

  /**
   * @param accept given each connection, those of RTMPS once they are encrypted.
   * @param onError told what goes wrong with a socket that has been opened.
   */
  constructor(
    accept: (socket: Socket, protocol: Protocol) => void,
    onError: (protocol: Protocol, error: Error) => void,
  ) {
    this.#accept = accept;
    this.#onError = onError;
  }

  /** Opens what is not open yet; rejects with `unavailable` if that fails, and then all is as it was. */
  async open(options: RtmpPlaneOptions): Promise<void> {
    if (this.#certificates.main === undefined) this.useCertificates(options.certificates);
    const wanted = placesOf(options);
    const opened: string[] = [];
    try {
      for (const place of wanted) {
        const key = keyOf(place);
        if (this.#open.has(key)) continue;
        await this.#listenInstead(place, wanted);
        opened.push(key);
      }
    } catch (error) {
      for (const key of opened) this.#close(key);
      throw error;
    }
  }

  /** Closes what these options do not need. Who is connected stays. */
  keep(options: RtmpPlaneOptions): void {
    const wanted = new Set(placesOf(options).map(keyOf));
    for (const key of this.#open.keys()) if (!wanted.has(key)) this.#close(key);
  }

  closeAll(): void {
    for (const key of this.#open.keys()) this.#close(key);
  }

  /** New connections see these. */
  useCertificates(certificates: PemSet): void {
    this.#certificates = certificates;
    this.#contexts = new Map(
      Array.from(certificates.byHost, ([host, pem]) => [
        host,
        nodeTls().createSecureContext(toContextOptions(pem)),
      ]),
    );
    for (const { server, place } of this.#open.values()) {
      if (place.protocol === 'rtmps' && server instanceof nodeTls().Server)
        server.setSecureContext(toContextOptions(certificates.main));
    }
  }

  /** The port in use. */
  port(protocol: Protocol): number | undefined {
    const found = [...this.#open.values()].find(({ place }) => place.protocol === protocol);
    return (found?.server.address() as AddressInfo | null | undefined)?.port;
  }

  /** Where the port is taken by a listener of ours that is not wanted any more, that one gives way. */
  async #listenInstead(place: Place, wanted: readonly Place[]): Promise<void> {
    try {
      await this.#listen(place);
    } catch (error) {
      const keys = new Set(wanted.map(keyOf));
      const obsolete = [...this.#open].filter(
        ([key, old]) => !keys.has(key) && portOf(old.place) === portOf(place),
      );
      if (obsolete.length === 0) throw error;
      for (const [key] of obsolete) this.#close(key);
      try {
        await this.#listen(place);
      } catch (failure) {
        for (const [, { place: old }] of obsolete) await this.#listen(old);
        throw failure;
      }
    }
  }

  async #listen(place: Place): Promise<void> {
    const { protocol, address } = place;
    const server = protocol === 'rtmp' ? this.#createPlain() : this.#createSecure();
    const { host, port } = splitListenAddress(address);
    try {
      server.listen({ port, backlog: BACKLOG, ...(host === '' ? {} : { host }) });
      await once(server, 'listening');
    } catch (error) {
      const name = protocol === 'rtmp' ? 'RTMP' : 'RTMPS';
      throw new CoreError('unavailable', `${name} server: can't listen on ${address}: ${errorText(error)}`, {
        cause: error,
      });
    }
    server.on('error', (error) => {
      this.#onError(protocol, error);
    });
    this.#open.set(keyOf(place), { place, server });
  }

  #createPlain(): Server {
    return createTcpServer({ noDelay: true }, (socket) => {
      this.#accept(socket, 'rtmp');
    });
  }

  #createSecure(): Server {
    const server = nodeTls().createServer({
      ...toContextOptions(this.#certificates.main),
      handshakeTimeout: TLS_HANDSHAKE_TIMEOUT,
      noDelay: true,
      SNICallback: (name, done) => {
        done(null, this.#contexts.get(name.toLowerCase()));
      },
    });
    const handshaking = new Map<string, Counted>();
    server.prependListener('connection', (socket: Socket) => {
      const counted = this.#census.admit(socket.remoteAddress ?? '');
      if (counted === undefined) {
        socket.destroy();
        return;
      }
      const peer = peerOf(socket);
      handshaking.set(peer, counted);
      socket.once('close', () => {
        handshaking.delete(peer);
        counted.closed();
      });
    });
    server.on('secureConnection', (socket) => {
      handshaking.get(peerOf(socket))?.granted();
      this.#accept(socket, 'rtmps');
    });
    server.on('tlsClientError', (_error, socket) => socket.destroy());
    return server;
  }

  /** Only the socket that listens: connections go on. */
  #close(key: string): void {
    this.#open.get(key)?.server.close();
    this.#open.delete(key);
  }
}

/** What tells the connections of a listener apart. */
function peerOf({ remoteAddress = '', remotePort = 0 }: Socket): string {
  return hostAndPort(remoteAddress, remotePort);
}

function toContextOptions(pem: { cert: string; key: string } | undefined) {
  return { ...pem, minVersion: MIN_TLS_VERSION } as const;
}

function placesOf({ address, addressTls }: RtmpPlaneOptions): Place[] {
  return [
    { protocol: 'rtmp', address },
    ...(addressTls === undefined ? [] : [{ protocol: 'rtmps' as const, address: addressTls }]),
  ];
}

function keyOf({ protocol, address }: Place): string {
  return `${protocol} ${address}`;
}

function portOf({ address }: Place): number {
  return splitListenAddress(address).port;
}
