import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type CryptoKey, exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { selfSignedCertificate } from './certificate.ts';

export interface SigningKey {
  kid: string;
  algorithm: string;
  privateKey: CryptoKey;
  jwk: Record<string, unknown>;
}

export async function signingKey(kid: string, algorithm = 'RS256'): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair(algorithm, { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), kid, alg: algorithm, use: 'sig' };
  return { kid, algorithm, privateKey, jwk };
}

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** An identity provider on loopback: its key set and its discovery document over TLS. */
export class KeyServer {
  readonly #certificate = selfSignedCertificate();
  #server: Server | undefined;
  #port = 0;
  /** The published keys. */
  keys: Record<string, unknown>[] = [];
  /** How often the key set was asked for. */
  requests = 0;
  /** Answers instead of the key set. */
  answer: Answer | undefined;
  /** `issuer` of the discovery document, if it is to be wrong. */
  discoveredIssuer: string | undefined;

  async start(): Promise<void> {
    this.#server = createServer(this.#certificate, (request, response) => {
      this.#handle(request, response);
    });
    this.#server.listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  }

  get ca(): string {
    return this.#certificate.cert;
  }

  get domain(): string {
    return `localhost:${this.#port}`;
  }

  get issuer(): string {
    return `https://${this.domain}/`;
  }

  #handle(request: IncomingMessage, response: ServerResponse): void {
    if (request.url === '/.well-known/openid-configuration') {
      const issuer = this.discoveredIssuer ?? this.issuer;
      response.end(JSON.stringify({ issuer, jwks_uri: `${this.issuer}keys` }));
      return;
    }
    this.requests++;
    if (this.answer) this.answer(request, response);
    else response.end(JSON.stringify({ keys: this.keys }));
  }
}

export interface TokenParts {
  key: SigningKey;
  claims?: JWTPayload;
  header?: Record<string, unknown>;
  /** Of the header, if it differs from the key's. */
  kid?: string | undefined;
}

/** Signs an access token; claims that are undefined are left out. */
export async function providerToken({ key, claims = {}, header = {}, ...more }: TokenParts): Promise<string> {
  const kid = 'kid' in more ? more.kid : key.kid;
  return new SignJWT(claims)
    .setProtectedHeader({ alg: key.algorithm, typ: 'JWT', ...(kid === undefined ? {} : { kid }), ...header })
    .sign(key.privateKey);
}
