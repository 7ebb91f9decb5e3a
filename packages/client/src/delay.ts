/** Waits. Rejects with the reason of the signal if that comes first. */
export function delay(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(reasonOf(signal));
      return;
    }
    const abort = () => {
      clearTimeout(timer);
      reject(reasonOf(signal));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', abort);
      resolve();
    }, milliseconds);
    signal?.addEventListener('abort', abort, { once: true });
  });
}

/** What a shared promise comes to, unless the signal of one of those that wait comes first. */
export async function orAborted<T>(promise: Promise<T>, signal?: AbortSignal): Promise<T> {
  if (signal === undefined) return promise;
  if (signal.aborted) {
    // Nobody waits for it any more.
    promise.catch(() => undefined);
    throw reasonOf(signal);
  }
  let abort: (() => void) | undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    abort = () => {
      reject(reasonOf(signal));
    };
    signal.addEventListener('abort', abort, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    if (abort) signal.removeEventListener('abort', abort);
  }
}

/** Before the next try, in milliseconds: twice as long each time, and never the same for two clients. */
export function backoff(failures: number, first: number, longest: number): number {
  const full = Math.min(first * 2 ** (failures - 1), longest);
  return full * (0.5 + Math.random() / 2);
}

function reasonOf(signal: AbortSignal | undefined): Error {
  return signal?.reason as Error;
}
