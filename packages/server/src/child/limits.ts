import type { Usage } from './usage.ts';

/** What a child may take. 0 is no limit. */
export interface Limits {
  /** 100 is all CPUs. */
  cpuPercent: number;
  memoryBytes: number;
  /** How long one of them must have been exceeded without a break; 0 is at the first measurement. */
  waitForMs: number;
}

/** Watches how long a child has been above its limits. */
export class LimitWatch {
  #cpuSince: number | undefined;
  #memorySince: number | undefined;

  reset(): void {
    this.#cpuSince = undefined;
    this.#memorySince = undefined;
  }

  /** @param now milliseconds of a monotonic clock. */
  isExceeded(usage: Usage, limits: Limits, now: number): boolean {
    this.#cpuSince = since(this.#cpuSince, usage.cpuPercent, limits.cpuPercent, now);
    this.#memorySince = since(this.#memorySince, usage.memoryBytes, limits.memoryBytes, now);
    return [this.#cpuSince, this.#memorySince].some((at) => at !== undefined && now - at >= limits.waitForMs);
  }
}

function since(before: number | undefined, value: number, limit: number, now: number): number | undefined {
  return limit > 0 && value > limit ? (before ?? now) : undefined;
}
