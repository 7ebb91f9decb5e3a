import type { IncomingMessage, ServerResponse } from 'node:http';
import { BlockList } from 'node:net';
import type { RequestHandler } from './plain-server.ts';

/** What the listener of clear text does before the application has its turn. */
export interface ClearTextOptions {
  /** What an open challenge of a certificate authority is to be answered with, by the path. */
  challengeAnswer(path: string): string | undefined;
  /** The port to send clients to that could use TLS; undefined to serve them. */
  redirectPort(): number | undefined;
}

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/** Answers challenges, sends clients to TLS if that is wanted, and leaves the rest to the application. */
export class ClearText implements RequestHandler {
  readonly #options: ClearTextOptions;
  readonly #application: RequestHandler;

  constructor(options: ClearTextOptions, application: RequestHandler) {
    this.#options = options;
    this.#application = application;
  }

  handle(request: IncomingMessage, response: ServerResponse): void {
    const { url = '/' } = request;
    const answer = this.#options.challengeAnswer(url);
    if (answer !== undefined) {
      response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(answer);
      return;
    }
    const port = this.#options.redirectPort();
    const target = port === undefined || isExempt(request) ? undefined : secureAddress(request, port);
    if (target === undefined) {
      this.#application.handle(request, response);
      return;
    }
    // A body that may follow is not read: the connection cannot be used again.
    const isOver =
      request.headers['content-length'] === undefined && request.headers['transfer-encoding'] === undefined;
    response.writeHead(308, { location: target, ...(!isOver && { connection: 'close' }) }).end();
  }
}

/** Probes want an answer; programs on this machine, FFmpeg above all, need no encryption to themselves. */
function isExempt({ url = '/', socket }: IncomingMessage): boolean {
  const path = url.replace(/\?.*$/, '');
  if (path === '/ping' || path.startsWith('/.well-known/acme-challenge/')) return true;
  const { remoteAddress = '', remoteFamily, localAddress } = socket;
  return (
    remoteAddress === localAddress || LOOPBACK.check(remoteAddress, remoteFamily === 'IPv6' ? 'ipv6' : 'ipv4')
  );
}

/** The same address behind `https`; undefined if the client names no host that could be in one. */
function secureAddress({ url = '/', headers }: IncomingMessage, port: number): string | undefined {
  if (!url.startsWith('/')) return undefined;
  const host = /^([\w.-]+|\[[\da-fA-F:.]+\])(?::\d*)?$/.exec(headers.host ?? '')?.[1];
  if (host === undefined) return undefined;
  return `https://${host}${port === 443 ? '' : `:${port}`}${url}`;
}
