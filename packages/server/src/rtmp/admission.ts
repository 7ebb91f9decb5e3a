import type { Viewer } from '../media/host.ts';
import type { Link } from '../media/link.ts';
import type { RtmpHost } from './interface.ts';
import type { SessionName } from '../media/traffic.ts';

/**
 * Asks whether there is room for a player, one after the other: whoever is admitted counts before the next one is asked
 * about, however many come at once.
 */
export class Admission {
  readonly #host: Link<RtmpHost>;
  #last: Promise<unknown> = Promise.resolve();

  constructor(host: Link<RtmpHost>) {
    this.#host = host;
  }

  /** Opens the session of a player; why that cannot be, otherwise. */
  admit(session: SessionName, viewer: Viewer): Promise<string | undefined> {
    const decision = this.#last.then(async () => {
      const refusal = await this.#host.call('refusal', viewer);
      if (refusal === undefined) this.#host.tell('count', [{ ...session, rxBytes: 0, txBytes: 0 }]);
      return refusal;
    });
    this.#last = decision.catch(() => undefined);
    return decision;
  }
}
