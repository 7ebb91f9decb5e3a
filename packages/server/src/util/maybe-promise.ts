/** What is there at once, or only later. */
export type MaybePromise<T> = T | Promise<T>;

/**
 * Goes on with a value: at once if it is there. To await what is there already costs as much as the rest of a short
 * request, so this is for what happens with each of them.
 */
export function andThen<T, R>(value: MaybePromise<T>, next: (value: T) => MaybePromise<R>): MaybePromise<R> {
  return value instanceof Promise ? value.then(next) : next(value);
}
