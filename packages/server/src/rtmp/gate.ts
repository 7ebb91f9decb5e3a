import { isLoopback } from '../util/address.ts';

/** How many may be connected at a time. */
export interface GateLimits {
  /** In all. */
  connections: number;
  /** Of one address. */
  perAddress: number;
  /** That have not been granted anything yet. */
  strangers: number;
  strangersPerAddress: number;
}

export const GATE_LIMITS: GateLimits = {
  connections: 20_000,
  perAddress: 2_000,
  strangers: 2_000,
  strangersPerAddress: 100,
};

/** A connection that has been let in. */
export interface Visit {
  /** It may publish or play. */
  granted(): void;
  /** It is gone. Idempotent. */
  left(): void;
}

interface Counts {
  connections: number;
  strangers: number;
}

/**
 * Lets connections in as long as there is room, so that nobody who only connects can keep the others out. This machine's own
 * processes count in all, but not by their address.
 */
export class Gate {
  readonly #limits: GateLimits;
  readonly #total: Counts = { connections: 0, strangers: 0 };
  readonly #byAddress = new Map<string, Counts>();

  constructor(limits: GateLimits = GATE_LIMITS) {
    this.#limits = limits;
  }

  /** Undefined if there is no room. */
  enter(address: string): Visit | undefined {
    const limits = this.#limits;
    const total = this.#total;
    if (total.connections >= limits.connections) return undefined;
    const isLocal = isLoopback(address);
    const own = this.#byAddress.get(address) ?? { connections: 0, strangers: 0 };
    if (!isLocal) {
      if (total.strangers >= limits.strangers) return undefined;
      if (own.connections >= limits.perAddress || own.strangers >= limits.strangersPerAddress)
        return undefined;
    }
    this.#byAddress.set(address, own);
    // Only strangers from elsewhere can fill the room of strangers.
    const counts = isLocal ? [own] : [own, total];
    total.connections++;
    own.connections++;
    for (const count of counts) count.strangers++;
    let isStranger = true;
    let isIn = true;
    const granted = () => {
      if (isStranger) for (const count of counts) count.strangers--;
      isStranger = false;
    };
    return {
      granted,
      left: () => {
        granted();
        if (!isIn) return;
        isIn = false;
        total.connections--;
        own.connections--;
        if (own.connections === 0) this.#byAddress.delete(address);
      },
    };
  }
}

/** For how long an address is remembered that has guessed, in milliseconds. */
const MEMORY = 60_000;
const FIRST_DELAY = 100;
const MAX_DELAY = 3_000;
/** Addresses that are remembered at most. Then the oldest are forgotten. */
const MAX_ADDRESSES = 10_000;

/** Makes those wait for their refusal who have guessed before: the first mistake is free. */
export class Guesses {
  readonly #failures = new Map<string, { count: number; at: number }>();

  /** Takes down a wrong guess; how long the answer is to wait, in milliseconds. */
  delay(address: string, now: number): number {
    const known = this.#failures.get(address);
    const count = known !== undefined && now - known.at < MEMORY ? known.count + 1 : 1;
    // The newest at the end.
    this.#failures.delete(address);
    this.#failures.set(address, { count, at: now });
    if (this.#failures.size > MAX_ADDRESSES) {
      for (const oldest of this.#failures.keys()) {
        this.#failures.delete(oldest);
        break;
      }
    }
    return count === 1 ? 0 : Math.min(MAX_DELAY, FIRST_DELAY * 2 ** (count - 2));
  }
}
