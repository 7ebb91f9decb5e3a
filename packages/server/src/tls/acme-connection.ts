import { type KeyObject, createPrivateKey } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { type IncomingHttpHeaders } from 'node:http';
import { Agent, request } from 'node:https';
import { getCACertificates } from 'node:tls';
import { FlattenedSign, type JWK, calculateJwkThumbprint, exportJWK } from 'jose';
import { CoreError } from '../util/errors.ts';

/** Where and as whom an authority is asked for certificates. */
export interface AcmeOptions {
  /** The address of its directory (RFC 8555 §7.1.1). */
  directoryUrl: string;
  /** A file in PEM with an authority to trust for that address beside the system's; empty for none. */
  caFile: string;
  /** The account's key in PEM, of the elliptic curve P-256 or P-384. */
  accountKey: string;
  /** Where a proxy comes from (`HTTPS_PROXY` and `NO_PROXY`). */
  env: Readonly<Record<string, string | undefined>>;
}

/** An answer of the authority. The body is JSON, or a text where it is something else. */
export interface AcmeAnswer {
  location: string;
  body: unknown;
}

const REQUEST_TIMEOUT_MS = 30_000;
const MAX_ANSWER_BYTES = 256 * 1024;
const MAX_NONCE_RETRIES = 5;
const BAD_NONCE = 'urn:ietf:params:acme:error:badNonce';

interface RawAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  body: unknown;
}

/** Signed requests to an authority (RFC 8555 §6). All reject when the signal is aborted. */
export class AcmeConnection {
  readonly #options: AcmeOptions;
  readonly #signal: AbortSignal;
  readonly #key: KeyObject;
  #agent: Agent | undefined;
  #directory: Record<string, unknown> | undefined;
  #nonce: string | undefined;
  /** The account's address, once it is known (RFC 8555 §6.2). */
  #account: string | undefined;

  constructor(options: AcmeOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
    this.#key = createPrivateKey(options.accountKey);
  }

  close(): void {
    this.#agent?.destroy();
    this.#agent = undefined;
  }

  /** Makes the account, or finds it if it exists (RFC 8555 §7.3). */
  async register(email: string): Promise<void> {
    const account = { termsOfServiceAgreed: true, contact: [`mailto:${email}`] };
    const { location } = await this.post(await this.resource('newAccount'), account);
    this.#account = location;
  }

  /** The address of a resource of the directory, such as `newOrder`. */
  async resource(name: string): Promise<string> {
    this.#directory ??= (await this.#send('GET', this.#options.directoryUrl)).body as Record<string, unknown>;
    const address = this.#directory[name];
    if (typeof address !== 'string') throw new CoreError('protocol', `the directory has no ${name}`);
    return address;
  }

  /** What the file of a challenge must hold (RFC 8555 §8.1). */
  async keyAuthorization(token: string): Promise<string> {
    return `${token}.${await calculateJwkThumbprint(await this.#publicKey())}`;
  }

  /** @param payload left out, it asks for what is there (POST-as-GET, RFC 8555 §6.3). */
  async post(url: string, payload?: object): Promise<AcmeAnswer> {
    for (let attempt = 0; ; attempt++) {
      const { status, headers, body } = await this.#send('POST', url, await this.#sign(url, payload));
      if (status < 400) return { location: headers.location ?? '', body };
      const { type = '', detail = '' } = body as { type?: string; detail?: string };
      if (type === BAD_NONCE && attempt < MAX_NONCE_RETRIES) continue;
      throw new CoreError('protocol', `the authority answers with status ${status}: ${detail || type}`);
    }
  }

  async #sign(url: string, payload: object | undefined): Promise<string> {
    const jwk = await this.#publicKey();
    const identity = this.#account === undefined ? { jwk } : { kid: this.#account };
    const text = payload === undefined ? '' : JSON.stringify(payload);
    const nonce = await this.#takeNonce();
    const signed = await new FlattenedSign(Buffer.from(text))
      .setProtectedHeader({ alg: jwk.crv === 'P-384' ? 'ES384' : 'ES256', nonce, url, ...identity })
      .sign(this.#key);
    return JSON.stringify(signed);
  }

  /** RFC 8555 §7.2 */
  async #takeNonce(): Promise<string> {
    if (this.#nonce === undefined) await this.#send('HEAD', await this.resource('newNonce'));
    const nonce = this.#nonce;
    this.#nonce = undefined;
    if (nonce === undefined) throw new CoreError('protocol', 'the authority gives no nonce');
    return nonce;
  }

  async #publicKey(): Promise<JWK> {
    const { kty, crv, x, y } = await exportJWK(this.#key);
    return { kty, crv, x, y } as JWK;
  }

  async #send(method: string, address: string, body?: string): Promise<RawAnswer> {
    const url = URL.parse(address);
    if (url?.protocol !== 'https:') throw new CoreError('protocol', `${address} is no https address`);
    this.#agent ??= new Agent({ ca: await authorities(this.#options.caFile), proxyEnv: this.#options.env });
    const options = {
      method,
      agent: this.#agent,
      signal: AbortSignal.any([this.#signal, AbortSignal.timeout(REQUEST_TIMEOUT_MS)]),
      headers: {
        'user-agent': 'millrace',
        ...(body !== undefined && {
          'content-type': 'application/jose+json',
          'content-length': Buffer.byteLength(body),
        }),
      },
    };
    return new Promise((resolve, reject) => {
      const outgoing = request(url, options, (response) => {
        const { statusCode: status = 0, headers } = response;
        const nonce = headers['replay-nonce'];
        if (typeof nonce === 'string') this.#nonce = nonce;
        readBody(response).then((text) => {
          resolve({ status, headers, body: parse(text, headers['content-type']) });
        }, reject);
      });
      const fail = (error: Error & { code?: string }) => {
        // Where several addresses were tried, the text is empty.
        const reason = error.message || error.code;
        reject(new CoreError('unavailable', `can't reach ${url.host}: ${reason}`, { cause: error }));
      };
      outgoing.on('error', fail).end(body);
    });
  }
}

async function authorities(file: string): Promise<string[]> {
  const trusted = new Set([...getCACertificates('default'), ...getCACertificates('system')]);
  if (file !== '') trusted.add(await readFile(file, 'utf8'));
  return [...trusted];
}

async function readBody(response: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response) {
    size += chunk.length;
    if (size > MAX_ANSWER_BYTES) throw new CoreError('protocol', 'the authority answers with too much');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

/** The body of an answer: an object whatever came, unless it is a text. */
function parse(text: string, type = ''): unknown {
  if (!/^application\/(?:problem\+)?json\b/.test(type)) return text;
  try {
    return (JSON.parse(text) as unknown) ?? {};
  } catch (error) {
    throw new CoreError('protocol', 'the authority does not answer with JSON', { cause: error });
  }
}
