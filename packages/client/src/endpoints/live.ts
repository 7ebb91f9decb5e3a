import type { RtmpChannel, SrtChannels } from '../api.ts';
import { isMillraceError } from '../error.ts';
import type { CallOptions } from '../http.ts';
import type { Transport } from '../transport.ts';

/** The RTMP server. */
export class Rtmp {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Lists the streams that are being published. */
  channels(options?: CallOptions): Promise<RtmpChannel[]> {
    return this.#transport.call('GET /api/v3/rtmp', {}, options);
  }

  /** Disconnects the publisher of a stream, such as `/live/cam`. Millrace only. */
  async kick(path: string, options?: CallOptions): Promise<void> {
    try {
      await this.#transport.call('DELETE /api/v3/rtmp/{path*}', { path: { path } }, options);
    } catch (error) {
      // The first answer got lost, not the first request.
      if (!isMillraceError(error, 404) || error.attempts === 1) throw error;
    }
  }
}

/** The SRT server. */
export class Srt {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** The streams that are being published and played, with the counters of their connections. */
  channels(options?: CallOptions): Promise<SrtChannels> {
    return this.#transport.call('GET /api/v3/srt', {}, options);
  }
}
