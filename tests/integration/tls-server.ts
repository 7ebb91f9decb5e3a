import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type OutgoingHttpHeaders,
  connect,
} from 'node:http2';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { connect as connectTls } from 'node:tls';
import type { ConfigStatus } from '@millrace/api';
import { expect } from 'vitest';
import { freePort } from '../support/ports.ts';
import { type TestServer, startServer } from '../support/server.ts';
import { selfSignedCertificate } from './certificate.ts';

/** Who may write below `/memfs`. */
export const BASIC = `Basic ${Buffer.from('mem:secret').toString('base64')}`;

/** What came back over HTTP/2. */
export interface Http2Answer {
  status: number;
  headers: Record<string, unknown>;
  text: string;
}

/** A server with a certificate of its own, over which two clients can talk in different versions of HTTP. */
export class TlsServer implements AsyncDisposable {
  readonly folder: string;
  port: number;
  readonly server: TestServer;
  readonly #sessions: ClientHttp2Session[] = [];

  private constructor(folder: string, port: number, server: TestServer) {
    this.folder = folder;
    this.port = port;
    this.server = server;
  }

  /** Starts one whose settings of TLS are in its file. */
  static async start({ env = {}, isEnabled = true } = {}): Promise<TlsServer> {
    const folder = await mkdtemp(path.join(tmpdir(), 'millrace-tls-'));
    await writeCertificate(folder);
    const port = await freePort();
    const tls = {
      enable: isEnabled,
      address: `127.0.0.1:${port}`,
      cert_file: path.join(folder, 'cert.pem'),
      key_file: path.join(folder, 'key.pem'),
    };
    await writeFile(path.join(folder, 'config.json'), JSON.stringify({ version: 3, tls }));
    const server = await startServer({
      folder,
      env: {
        CORE_STORAGE_MEMORY_AUTH_ENABLE: 'true',
        CORE_STORAGE_MEMORY_AUTH_USERNAME: 'mem',
        CORE_STORAGE_MEMORY_AUTH_PASSWORD: 'secret',
        CORE_LOG_LEVEL: 'debug',
        ...env,
      },
    });
    return new TlsServer(folder, port, server);
  }

  /** A connection of HTTP/2. */
  session(): ClientHttp2Session {
    const session = connect(`https://localhost:${this.port}`, { rejectUnauthorized: false });
    session.on('error', () => undefined);
    this.#sessions.push(session);
    return session;
  }

  /** The fingerprint of the certificate that a new connection is shown. */
  async fingerprint(): Promise<string> {
    const socket = connectTls({ port: this.port, host: '127.0.0.1', rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    const { fingerprint256 } = socket.getPeerCertificate();
    socket.destroy();
    return fingerprint256;
  }

  /** Changes settings of TLS. Returns why that failed; empty if it did not. */
  async change(settings: Record<string, unknown>): Promise<string> {
    const put = await this.server.api('PUT', '/v3/config', { version: 3, tls: settings });
    expect(put.body).toBe('OK');
    await this.server.app.reload();
    const { body } = await this.server.api('GET', '/v3/config/status');
    const address = settings['address'];
    const { error = '' } = (body as ConfigStatus).reload ?? {};
    if (typeof address === 'string' && error === '') this.port = Number(address.replace(/.*:/, ''));
    return error;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const session of this.#sessions) session.destroy();
    await this.server.close();
    await rm(this.folder, { recursive: true });
  }
}

/** Puts a new certificate, `cert.pem`, and its key, `key.pem`, into a folder. */
export async function writeCertificate(folder: string): Promise<void> {
  const { cert, key } = selfSignedCertificate();
  await writeFile(path.join(folder, 'cert.pem'), cert);
  await writeFile(path.join(folder, 'key.pem'), key);
}

/** The whole answer to a request over HTTP/2. */
export async function answerOf(stream: ClientHttp2Stream): Promise<Http2Answer> {
  const [headers] = (await once(stream, 'response')) as [Record<string, unknown>];
  let text = '';
  stream.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  await once(stream, 'end');
  return { status: Number(headers[':status']), headers, text };
}

/** One request over HTTP/2. */
export async function ask(
  session: ClientHttp2Session,
  headers: OutgoingHttpHeaders,
  body?: string | Buffer,
): Promise<Http2Answer> {
  const stream = session.request(headers, { endStream: body === undefined });
  if (body !== undefined) stream.end(body);
  return answerOf(stream);
}
