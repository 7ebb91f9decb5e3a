/** How many connections there may be at a time; more are closed before the handshake. */
export interface ConnectionLimits {
  readonly total: number;
  /** Of one peer address. */
  readonly perAddress: number;
  /** That were never granted to publish or play. */
  readonly pending: number;
  readonly pendingPerAddress: number;
}

export const DEFAULT_CONNECTION_LIMITS: ConnectionLimits = {
  total: 10_000,
  perAddress: 5_000,
  pending: 1_024,
  pendingPerAddress: 512,
};

interface Count {
  all: number;
  pending: number;
}

/** One connection, counted. */
export interface Counted {
  /** It may publish or play: it no longer counts as pending. */
  granted(): void;
  closed(): void;
}

/** Counts connections, all and by the address of the peer, so that none can take the place of the others. */
export class Census {
  readonly #limits: ConnectionLimits;
  readonly #total: Count = { all: 0, pending: 0 };
  readonly #byAddress = new Map<string, Count>();

  constructor(limits: ConnectionLimits) {
    this.#limits = limits;
  }

  /** Counts a new connection, unless there are too many. */
  admit(address: string): Counted | undefined {
    const { total, perAddress, pending, pendingPerAddress } = this.#limits;
    const own = this.#byAddress.get(address) ?? { all: 0, pending: 0 };
    if (this.#total.all >= total || this.#total.pending >= pending) return undefined;
    if (own.all >= perAddress || own.pending >= pendingPerAddress) return undefined;
    this.#byAddress.set(address, own);
    const counts = [this.#total, own];
    for (const count of counts) {
      count.all++;
      count.pending++;
    }
    let isPending = true;
    const granted = () => {
      if (isPending) for (const count of counts) count.pending--;
      isPending = false;
    };
    return {
      granted,
      closed: () => {
        granted();
        for (const count of counts) count.all--;
        if (own.all === 0) this.#byAddress.delete(address);
      },
    };
  }
}
