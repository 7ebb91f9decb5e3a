import type { RtmpChannel, SrtChannels } from '../api.ts';
import { ignoreGone } from '../repeated.ts';
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

  /**
   * Cuts off the publisher of a stream, such as `/live/cam`, or only the player with that remote address. Millrace only.
   */
  async kick(path: string, options: CallOptions & { remote?: string } = {}): Promise<void> {
    const { remote, ...call } = options;
    const input = { path: { path }, query: { remote } };
    await ignoreGone(this.#transport.call('DELETE /api/v3/rtmp/{path*}', input, call));
  }

  /**
   * Plays a stream, such as `/live/cam`, as FLV without an end: read the body as it comes. Millrace only.
   *
   * @param options `token`: the server's `rtmp.token`, if it is set
   */
  play(path: string, options: CallOptions & { token?: string } = {}): Promise<Response> {
    const { token, ...call } = options;
    return this.#transport.open(
      'GET /rtmp/{path*}',
      { path: { path: `${path}.flv` }, query: { token }, isOpen: true },
      call,
    );
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

  /** Cuts off a publisher or a player by the id of its socket. Millrace only. */
  async kick(id: number, options?: CallOptions): Promise<void> {
    await ignoreGone(this.#transport.call('DELETE /api/v3/srt/{id}', { path: { id: String(id) } }, options));
  }
}
