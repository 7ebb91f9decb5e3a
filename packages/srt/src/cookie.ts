import { createHmac, randomBytes } from 'node:crypto';

const MINUTE = 60_000;

/**
 * Makes and checks handshake cookies: a keyed hash of the caller's address and the minute, so that nothing is kept of
 * a caller who has not shown that it receives at the address it sends from. draft-sharabayko-srt-01 §4.3.1.1
 */
export class Cookies {
  readonly #secret = randomBytes(32);

  /** @param now ms of a monotonic clock. */
  issue(address: string, port: number, now: number): number {
    return this.#compute(address, port, Math.floor(now / MINUTE));
  }

  /** Whether it was issued to this address within the current or the previous minute. */
  isValid(cookie: number, address: string, port: number, now: number): boolean {
    const minute = Math.floor(now / MINUTE);
    return (
      cookie === this.#compute(address, port, minute) || cookie === this.#compute(address, port, minute - 1)
    );
  }

  /** Never 0, which stands for no cookie. */
  #compute(address: string, port: number, minute: number): number {
    const digest = createHmac('sha256', this.#secret).update(`${minute} ${port} ${address}`).digest();
    return digest.readUInt32BE(0) || 1;
  }
}
