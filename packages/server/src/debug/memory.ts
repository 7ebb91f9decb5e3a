import type { Component, PreparedChange } from '../components.ts';
import { simpleChange } from '../components.ts';
import { collectGarbage } from '../util/garbage.ts';

export interface MemoryHints {
  /** Time between collections of garbage that are forced; 0 for none. */
  forceIntervalMs: number;
  /** Resident memory above which garbage is collected more often than it would be; 0 for no limit. */
  softLimitBytes: number;
}

/** How often the memory is compared with its limit, in milliseconds. */
const WATCH_INTERVAL = 10_000;
const MAX_TIMER = 2 ** 31 - 1;

/** Follows the hints of the configuration about memory. V8 decides by itself otherwise. */
export class MemoryKeeper implements Component {
  #hints: MemoryHints;
  #timers: NodeJS.Timeout[] = [];

  constructor(hints: MemoryHints) {
    this.#hints = hints;
  }

  start(): Promise<void> {
    this.#arm();
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.#disarm();
    return Promise.resolve();
  }

  prepare(hints: MemoryHints): PreparedChange {
    return simpleChange(() => {
      this.#hints = hints;
      this.#arm();
    });
  }

  #arm(): void {
    this.#disarm();
    const { forceIntervalMs, softLimitBytes } = this.#hints;
    if (forceIntervalMs > 0) {
      this.#every(forceIntervalMs, collectGarbage);
    }
    if (softLimitBytes > 0) {
      this.#every(WATCH_INTERVAL, () => {
        if (process.memoryUsage.rss() > softLimitBytes) collectGarbage();
      });
    }
  }

  #every(ms: number, act: () => void): void {
    this.#timers.push(setInterval(act, Math.min(ms, MAX_TIMER)).unref());
  }

  #disarm(): void {
    for (const timer of this.#timers) clearInterval(timer);
    this.#timers = [];
  }
}
