import type { ListenerLimits } from './limits.ts';
import { REJECTION } from './rejection.ts';
import { Tally } from './tally.ts';

/** Counts the callers of a listener, in all and by address, and says when there are too many. */
export class Admission {
  readonly #limits: ListenerLimits;
  readonly #waiting = new Tally();
  readonly #connected = new Tally();
  /** Within the present second. */
  readonly #secrets = new Tally();
  #secondStartedAt = 0;

  constructor(limits: ListenerLimits) {
    this.#limits = limits;
  }

  /** The code to refuse one more caller from this address with; undefined if there is room for it. */
  refusal(address: string): number | undefined {
    const { connections, connectionsPerAddress, pending, pendingPerAddress } = this.#limits;
    const [waiting, waitingHere] = [this.#waiting.total, this.#waiting.count(address)];
    if (waiting >= pending || waitingHere >= pendingPerAddress) return REJECTION.backlog;
    // Those who wait may all be let in.
    const isFull =
      this.#connected.total + waiting >= connections ||
      this.#connected.count(address) + waitingHere >= connectionsPerAddress;
    return isFull ? REJECTION.resource : undefined;
  }

  /** A caller waits for a decision. */
  arrived(address: string): void {
    this.#waiting.increment(address);
  }

  /** It waits no longer. */
  decided(address: string): void {
    this.#waiting.decrement(address);
  }

  /** It was let in. */
  connected(address: string): void {
    this.#connected.increment(address);
  }

  /** Its connection has ended. */
  left(address: string): void {
    this.#connected.decrement(address);
  }

  /** Whether one more passphrase may be checked for this address now. */
  takeSecret(address: string): boolean {
    this.#secrets.increment(address);
    return this.#secrets.count(address) <= this.#limits.secretsPerSecondPerAddress;
  }

  tick(now: number): void {
    if (now - this.#secondStartedAt < 1000) return;
    this.#secondStartedAt = now;
    this.#secrets.clear();
  }
}
