import type { IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { CoreError } from '../util/errors.ts';
import { Agent as HttpAgent, request as httpRequest } from '../util/node-http.ts';

export interface JsonReply {
  status: number;
  /** Undefined if the body is no JSON. */
  body: unknown;
}

export interface PutOptions {
  /** Where the proxy comes from: `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`. */
  env: Readonly<Record<string, string | undefined>>;
  /** Ends the request early. */
  signal: AbortSignal;
  authorization?: string;
}

const TIMEOUT_MS = 5_000;
const MAX_BYTES = 64 * 1024;

/**
 * Sends a JSON value by PUT, or nothing, and reads the JSON answer: within 5 s, up to 64 KiB, without following
 * redirects. Rejects if there is no answer.
 */
export async function putJson(address: string, value: unknown, options: PutOptions): Promise<JsonReply> {
  const url = new URL(address);
  const isTls = url.protocol === 'https:';
  const agent = new (isTls ? HttpsAgent : HttpAgent)({ proxyEnv: options.env });
  const body = value === undefined ? '' : JSON.stringify(value);
  const headers = {
    accept: 'application/json',
    'content-length': Buffer.byteLength(body),
    ...(body !== '' && { 'content-type': 'application/json' }),
    ...(options.authorization !== undefined && { authorization: options.authorization }),
  };
  const signal = AbortSignal.any([options.signal, AbortSignal.timeout(TIMEOUT_MS)]);
  try {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const send = isTls ? httpsRequest : httpRequest;
      send(url, { method: 'PUT', agent, headers, signal }, resolve).on('error', reject).end(body);
    });
    return { status: response.statusCode ?? 0, body: await readJson(response) };
  } finally {
    agent.destroy();
  }
}

async function readJson(response: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MAX_BYTES) throw new CoreError('too_large', `answer of more than ${MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString()) as unknown;
  } catch {
    return undefined;
  }
}
