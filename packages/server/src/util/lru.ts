import { LRUCache } from 'lru-cache';

/**
 * The entries that were used last, so many at most. A cache with the library's own `max` takes its memory at once, which
 * the start has to wait for; this one takes it as it fills.
 */
export function createLru<K extends string, V extends object | true>(max: number): LRUCache<K, V> {
  return new LRUCache({ maxSize: max, sizeCalculation: () => 1 });
}
