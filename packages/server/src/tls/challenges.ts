import { once } from 'node:events';
import type { Server } from 'node:http';
import type { Logger } from '../log/logger.ts';
import { errorText } from '../util/errors.ts';
import type { ChallengeAnswers } from './acme.ts';
import { createServer } from '../util/node-http.ts';

/** Below it an authority looks for what proves that a host is ours (RFC 8555 §8.3). */
export const CHALLENGE_PREFIX = '/.well-known/acme-challenge/';

/** Where authorities come to look, if nothing on the way sends them elsewhere. */
const HTTP_PORT = 80;

/** The answers to the challenges that are open. While there are some, they are also given on port 80 if it is free. */
export class Challenges implements ChallengeAnswers {
  readonly #log: Logger;
  readonly #contents = new Map<string, string>();

  constructor(log: Logger) {
    this.#log = log;
  }

  /** What to answer to a request for that path; undefined if it is none for a challenge that is open. */
  answer(path: string): string | undefined {
    return path.startsWith(CHALLENGE_PREFIX)
      ? this.#contents.get(path.slice(CHALLENGE_PREFIX.length))
      : undefined;
  }

  async publish(token: string, content: string): Promise<() => Promise<void>> {
    this.#contents.set(token, content);
    const server = await this.#listen();
    return async () => {
      this.#contents.delete(token);
      server?.close();
      server?.closeAllConnections();
      if (server) await once(server, 'close');
    };
  }

  async #listen(): Promise<Server | undefined> {
    const server = createServer({ requestTimeout: 10_000, headersTimeout: 10_000 }, (request, response) => {
      const content = this.answer(request.url ?? '');
      response.writeHead(content === undefined ? 404 : 200, { 'content-type': 'text/plain' }).end(content);
    });
    try {
      await once(server.listen(HTTP_PORT), 'listening');
      return server;
    } catch (error) {
      this.#log.debug('Port 80 is not available', { error: errorText(error) });
      return undefined;
    }
  }
}
