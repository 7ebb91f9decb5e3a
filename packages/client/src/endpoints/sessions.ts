import type { SessionsActive, SessionsSummary } from '../api.ts';
import type { CallOptions } from '../http.ts';
import type { Transport } from '../transport.ts';

/** Viewers and senders, by collector: `hls`, `hlsingress`, `rtmp`, `srt`, `http`, `ffmpeg`. */
export class Sessions {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Those that are there, of all collectors or only some. */
  active(collectors?: readonly string[], options?: CallOptions): Promise<SessionsActive> {
    return this.#transport.call('GET /api/v3/session/active', { query: { collectors } }, options);
  }

  /** Those that are there and what those before amount to, of all collectors or only some. */
  summary(collectors?: readonly string[], options?: CallOptions): Promise<SessionsSummary> {
    return this.#transport.call('GET /api/v3/session', { query: { collectors } }, options);
  }
}
