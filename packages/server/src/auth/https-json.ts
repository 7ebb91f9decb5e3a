import { readFile } from 'node:fs/promises';
import { Agent, request } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { getCACertificates } from 'node:tls';
import { CoreError } from '../util/errors.ts';

export interface HttpsOptions {
  /** Certificates in PEM of authorities to trust beside the system's. */
  ca?: string | undefined;
  /** Where the proxy comes from (`HTTPS_PROXY` and `NO_PROXY`), and a file of more authorities (`SSL_CERT_FILE`). */
  env?: Readonly<Record<string, string | undefined>> | undefined;
}

export interface JsonAnswer {
  value: unknown;
  /** `max-age` of the answer in seconds, if it has one. */
  maxAge: number | undefined;
}

const TIMEOUT_MS = 5_000;
const MAX_BYTES = 256 * 1024;
const MAX_REDIRECTS = 3;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/** Fetches small JSON documents over TLS from servers that need not be well-meaning. */
export class HttpsJson {
  readonly #options: HttpsOptions;
  #agent: Agent | undefined;

  constructor(options: HttpsOptions) {
    this.#options = options;
  }

  /** The document at an `https` address, within 5 s; redirects are followed within the same origin only. */
  async get(address: string, signal: AbortSignal): Promise<JsonAnswer> {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]);
    let url = secureUrl(address);
    for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
      const response = await this.#send(url, limit);
      const { statusCode = 0, headers } = response;
      if (REDIRECTS.has(statusCode) && headers.location !== undefined) {
        response.destroy();
        const target = new URL(headers.location, url);
        if (target.origin !== url.origin) throw new CoreError('protocol', `${address} redirects elsewhere`);
        url = target;
        continue;
      }
      if (statusCode !== 200) {
        response.destroy();
        throw new CoreError('protocol', `${address} answers with status ${statusCode}`);
      }
      return { value: await readJson(response, address), maxAge: maxAgeOf(headers['cache-control']) };
    }
    throw new CoreError('protocol', `${address} redirects too often`);
  }

  close(): void {
    this.#agent?.destroy();
    this.#agent = undefined;
  }

  async #send(url: URL, signal: AbortSignal): Promise<IncomingMessage> {
    const { ca, env = {} } = this.#options;
    this.#agent ??= new Agent({ ca: await trusted(ca, env['SSL_CERT_FILE']), proxyEnv: env });
    const options = { agent: this.#agent, signal, headers: { accept: 'application/json' } };
    return new Promise((resolve, reject) => {
      request(url, options, resolve).on('error', reject).end();
    });
  }
}

function secureUrl(address: string): URL {
  const url = URL.parse(address);
  if (url?.protocol !== 'https:') throw new CoreError('invalid', `${address} is no https address`);
  return url;
}

async function trusted(ca: string | undefined, file: string | undefined): Promise<string[]> {
  const all = new Set([...getCACertificates('default'), ...getCACertificates('system')]);
  if (ca !== undefined) all.add(ca);
  if (file) all.add(await readFile(file, 'utf8'));
  return [...all];
}

async function readJson(response: IncomingMessage, address: string): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BYTES)
      throw new CoreError('protocol', `${address} answers with more than ${MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString());
  } catch (error) {
    throw new CoreError('protocol', `${address} does not answer with JSON`, { cause: error });
  }
}

function maxAgeOf(cacheControl: string | undefined): number | undefined {
  const match = /(?:^|,)\s*max-age=(\d{1,9})\s*(?:,|$)/i.exec(cacheControl ?? '');
  return match === null ? undefined : Number(match[1]);
}
