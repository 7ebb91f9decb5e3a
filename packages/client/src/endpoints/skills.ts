import type { Skills } from '../api.ts';
import type { CallOptions } from '../http.ts';
import type { Transport } from '../transport.ts';

/** What the installed FFmpeg can do. */
export class FfmpegSkills {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  get(options?: CallOptions): Promise<Skills> {
    return this.#transport.call('GET /api/v3/skills', {}, options);
  }

  /** Looks again, say after another FFmpeg was installed. */
  reload(options?: CallOptions): Promise<Skills> {
    return this.#transport.call('GET /api/v3/skills/reload', {}, options);
  }
}
