import type { IncomingMessage, ServerResponse } from 'node:http';
import { createSecureServer, Http2ServerRequest, type Http2ServerResponse } from 'node:http2';
import type { Socket } from 'node:net';
import type { SecureContext } from 'node:tls';
import { type Answer, HTTP1_LIMITS, type WebServer, refuseMalformed, requireHost } from './plain-server.ts';

/** The certificates a server shows. */
export interface CertificateSource {
  /** For clients that name no server, or one that is not known. PEM; undefined while there is none. */
  readonly main: { readonly cert: string; readonly key: string } | undefined;
  /** For clients that ask for a server of that name; undefined if it has none of its own. */
  contextFor(serverName: string): SecureContext | undefined;
  on(event: 'changed', listener: () => void): unknown;
  off(event: 'changed', listener: () => void): unknown;
}

/** How long a client may take to begin, and to finish the handshake, in milliseconds. */
const HANDSHAKE_TIMEOUT_MS = 10_000;
/** How long the answer to somebody who does not speak TLS may take to be read. */
const LINGER_MS = 2_000;

/** RFC 9113 §6.5.2. Players of low-latency HLS have a few dozen requests under way; nobody needs hundreds. */
const SETTINGS = {
  maxConcurrentStreams: 128,
  maxHeaderListSize: HTTP1_LIMITS.maxHeaderSize,
  enablePush: false,
  // What one upload may send before we have read it: 64 KiB would slow those down that come from afar.
  initialWindowSize: 1024 * 1024,
};

/** The first byte of a TLS connection: a record of type handshake (RFC 8446 §5.1). */
const HANDSHAKE_RECORD = 0x16;
const METHOD = /^[A-Z]$/;

/** A server of TLS that speaks HTTP/2 with those who can, else HTTP/1.1 (RFC 7301). It does not listen yet. */
export function createTlsServer(application: Answer, certificates: CertificateSource): WebServer {
  const server = createSecureServer({
    ...HTTP1_LIMITS,
    allowHTTP1: true,
    Http2ServerRequest: UniformRequest,
    noDelay: true,
    minVersion: 'TLSv1.2',
    handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
    settings: SETTINGS,
    // Acknowledging settings and answering resets costs work that clients get for nothing (RFC 9113 §10.5).
    maxSettings: 32,
    maxOutstandingPings: 10,
    maxSessionInvalidFrames: 100,
    maxSessionRejectedStreams: 100,
    streamResetBurst: 200,
    streamResetRate: 33,
    SNICallback: (name, done) => {
      done(null, certificates.contextFor(name));
    },
  });
  // Not every version of Node takes these from the options for the clients of HTTP/1.1.
  Object.assign(server, HTTP1_LIMITS);
  const answer = requireHost(application);
  const take = (request: Http2ServerRequest, response: Http2ServerResponse) => {
    // Node's compatibility layer has all of what we use.
    answer(request as unknown as IncomingMessage, response as unknown as ServerResponse);
  };
  server.on('request', take);
  server.on('checkContinue', take);
  server.on('checkExpectation', take);
  server.on('clientError', refuseMalformed);
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  server.on('session', (session) => {
    // Who is only silent, as an upload that pauses, may finish.
    session.setTimeout(HTTP1_LIMITS.keepAliveTimeout, () => {
      session.close();
    });
  });
  refuseClearText(server);
  followCertificates(server, certificates);
  return closeable(server);
}

type SecureServer = ReturnType<typeof createSecureServer>;

/** A request over HTTP/2 in the form that requests over HTTP/1.1 have. */
class UniformRequest extends Http2ServerRequest {
  constructor(...args: ConstructorParameters<typeof Http2ServerRequest>) {
    super(...args);
    this.headers.host ??= this.headers[':authority'];
  }

  get headersDistinct(): NodeJS.Dict<string[]> {
    const distinct: NodeJS.Dict<string[]> = {};
    for (let index = 0; index + 1 < this.rawHeaders.length; index += 2) {
      (distinct[this.rawHeaders[index] ?? ''] ??= []).push(this.rawHeaders[index + 1] ?? '');
    }
    return distinct;
  }
}

/** Answers those who speak HTTP without TLS in their own language. */
function refuseClearText(server: SecureServer): void {
  const [accept] = server.listeners('connection') as ((socket: Socket) => void)[];
  server.removeAllListeners('connection');
  server.on('connection', (socket: Socket) => {
    const giveUp = () => socket.destroy();
    const timer = setTimeout(giveUp, HANDSHAKE_TIMEOUT_MS).unref();
    socket.on('error', giveUp);
    socket.once('close', () => {
      clearTimeout(timer);
    });
    socket.once('readable', () => {
      clearTimeout(timer);
      const first = socket.read(1) as Buffer | null;
      if (first === null) {
        giveUp();
        return;
      }
      if (first[0] !== HANDSHAKE_RECORD && METHOD.test(first.toString('latin1'))) {
        sendAway(socket);
        return;
      }
      socket.unshift(first);
      accept?.call(server, socket);
    });
  });
}

function sendAway(socket: Socket): void {
  socket.end('HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n');
  // Closing with something unread would take the answer back.
  socket.resume();
  setTimeout(() => socket.destroy(), LINGER_MS).unref();
}

/** Shows new connections the present certificate, as long as the server listens. */
function followCertificates(server: SecureServer, certificates: CertificateSource): void {
  const update = () => {
    const { main } = certificates;
    if (main) server.setSecureContext({ cert: main.cert, key: main.key, minVersion: 'TLSv1.2' });
  };
  server.on('listening', () => {
    certificates.off('changed', update);
    certificates.on('changed', update);
    update();
  });
  server.on('close', () => {
    certificates.off('changed', update);
  });
}

/** Node's HTTP/2 server cannot end its connections by itself. */
function closeable(server: SecureServer): WebServer {
  const sockets = new Set<Socket>();
  const track = (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  };
  server.on('connection', track);
  server.on('secureConnection', track);
  return Object.assign(server as unknown as WebServer, {
    closeAllConnections: () => {
      for (const socket of sockets) socket.destroy();
    },
  });
}
