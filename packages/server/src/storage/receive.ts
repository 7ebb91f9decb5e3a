import { type Readable, finished } from 'node:stream';

/**
 * Hands over each chunk as it arrives, and resolves at the end of the source. Faster than iterating, which stops and
 * starts the socket again and again, and so fit for what takes the chunks without waiting.
 *
 * @throws what `take` throws, with the source paused but whole; what the source fails with.
 */
export function receive(source: Readable, take: (chunk: Buffer) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const stopWatching = finished(source, { writable: false }, (error) => {
      source.off('data', onData);
      if (error) reject(error);
      else resolve();
    });
    const onData = (chunk: Buffer) => {
      try {
        take(chunk);
      } catch (error) {
        stopWatching();
        source.off('data', onData).pause();
        reject(error instanceof Error ? error : new Error(String(error)));
      }
    };
    source.on('data', onData);
  });
}
