import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { CoreError } from '../util/errors.ts';
import { request } from '../util/node-http.ts';

/** What is asked of the player that FFmpeg reads an input with. */
export interface PlayerRequest {
  method: 'GET' | 'PUT';
  /** Such as `/v1/status`. */
  path: string;
  body?: { type: string; bytes: Buffer };
}

export interface PlayerAnswer {
  status: number;
  /** The media type; undefined if it is not told. */
  type: string | undefined;
  body: Buffer;
}

const TIMEOUT = 10_000;
/** More than a picture in any resolution takes. */
const MAX_ANSWER = 32 * 1024 * 1024;

/**
 * Asks the player that listens on a port of this machine. Throws `unavailable` with the reason if there is no answer
 * within 10 seconds, or one of more than 32 MiB.
 */
export async function askPlayer(
  port: number,
  { method, path, body }: PlayerRequest,
  timeout = TIMEOUT,
): Promise<PlayerAnswer> {
  const outgoing = request({
    host: '127.0.0.1',
    port,
    method,
    path,
    agent: false,
    signal: AbortSignal.timeout(timeout),
    headers: body === undefined ? {} : { 'content-type': body.type, 'content-length': body.bytes.length },
  });
  outgoing.on('error', () => {
    // Whoever waits for the answer is told, too.
  });
  try {
    outgoing.end(body?.bytes);
    const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
    return await receive(response);
  } catch (error) {
    // compat: the wording of the reference's HTTP client.
    const verb = method === 'GET' ? 'Get' : 'Put';
    const text = `${verb} "http://127.0.0.1:${port}${path}": ${reasonOf(error, port)}`;
    throw new CoreError('unavailable', text, { cause: error });
  } finally {
    outgoing.destroy();
  }
}

async function receive(response: IncomingMessage): Promise<PlayerAnswer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_ANSWER) throw new Error('the answer is too large');
    chunks.push(chunk);
  }
  return {
    status: response.statusCode ?? 500,
    type: response.headers['content-type'],
    body: Buffer.concat(chunks, size),
  };
}

function reasonOf(error: unknown, port: number): string {
  const { name, code, message } = error as Error & { code?: string };
  if (name === 'AbortError' || name === 'TimeoutError') {
    return 'context deadline exceeded (Client.Timeout exceeded while awaiting headers)';
  }
  if (code === 'ECONNREFUSED') return `dial tcp 127.0.0.1:${port}: connect: connection refused`;
  return code === 'ECONNRESET' ? 'EOF' : message;
}
