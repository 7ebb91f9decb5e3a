import type { MessagePort, Worker } from 'node:worker_threads';
import { CoreError, type ErrorCode } from '../util/errors.ts';

/** What a thread offers another: arguments and results are plain data, or buffers, and copied. */
export type Methods<Interface> = {
  [Name in keyof Interface]: Interface[Name] extends (...args: infer Args) => infer Result
    ? (...args: Args) => Result | Promise<Awaited<Result>>
    : never;
};

export type ArgsOf<Method> = Method extends (...args: infer Args) => unknown ? Args : never;
export type ResultOf<Method> = Method extends (...args: never[]) => infer Result ? Awaited<Result> : never;

/** The other thread: a worker as its parent sees it, or the parent as seen by its worker. */
type Port = Worker | MessagePort;

interface Call {
  kind: 'call';
  /** Undefined if no answer is wanted. */
  id: number | undefined;
  name: string;
  args: unknown[];
}
interface Result {
  kind: 'result';
  id: number;
  value: unknown;
}
interface Failure {
  kind: 'failure';
  id: number;
  message: string;
  code: ErrorCode | undefined;
}
type Message = Call | Result | Failure;

interface Pending {
  resolve: (value: unknown) => void;
  reject: (error: Error) => void;
}

/**
 * Lets two threads call each other: each end offers methods and calls those of the other. Calls arrive in the order in
 * which they were made.
 */
export class Link<Theirs> {
  readonly #port: Port;
  readonly #ours: Readonly<Record<string, (...args: unknown[]) => unknown>>;
  readonly #onError: (error: unknown) => void;
  readonly #pending = new Map<number, Pending>();
  #nextId = 1;
  #closedBy: Error | undefined;

  /**
   * @param ours what the other end may call.
   * @param onError told what a method throws whose result nobody waits for.
   */
  constructor(port: Port, ours: object, onError: (error: unknown) => void) {
    this.#port = port;
    this.#ours = ours as Readonly<Record<string, (...args: unknown[]) => unknown>>;
    this.#onError = onError;
    port.on('message', this.#receive);
  }

  /**
   * Calls a method of the other end.
   *
   * @throws what the method throws: a `CoreError` keeps its code. `unavailable` if the link is or gets closed.
   */
  call<Name extends keyof Theirs & string>(
    name: Name,
    ...args: ArgsOf<Theirs[Name]>
  ): Promise<ResultOf<Theirs[Name]>> {
    if (this.#closedBy !== undefined) return Promise.reject(this.#closedBy);
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve: resolve as Pending['resolve'], reject });
      this.#post({ kind: 'call', id, name, args });
    });
  }

  /** Calls a method of the other end without waiting for its result. Does nothing once the link is closed. */
  tell<Name extends keyof Theirs & string>(name: Name, ...args: ArgsOf<Theirs[Name]>): void {
    if (this.#closedBy === undefined) this.#post({ kind: 'call', id: undefined, name, args });
  }

  /** Ends the link: nothing is taken any more, and calls under way fail. Idempotent. */
  close(reason: string): void {
    if (this.#closedBy !== undefined) return;
    this.#closedBy = new CoreError('unavailable', reason);
    this.#port.off('message', this.#receive);
    for (const { reject } of this.#pending.values()) reject(this.#closedBy);
    this.#pending.clear();
  }

  #post(message: Message): void {
    this.#port.postMessage(message, []);
  }

  readonly #receive = (message: Message): void => {
    if (message.kind === 'call') {
      void this.#serve(message);
      return;
    }
    const pending = this.#pending.get(message.id);
    this.#pending.delete(message.id);
    if (message.kind === 'result') pending?.resolve(message.value);
    else pending?.reject(toError(message));
  };

  async #serve({ id, name, args }: Call): Promise<void> {
    try {
      const value = await this.#ours[name]?.(...args);
      if (id !== undefined && this.#closedBy === undefined) this.#post({ kind: 'result', id, value });
    } catch (error) {
      if (id === undefined) this.#onError(error);
      else if (this.#closedBy === undefined) this.#post(toFailure(id, error));
    }
  }
}

function toFailure(id: number, error: unknown): Failure {
  return {
    kind: 'failure',
    id,
    message: error instanceof Error ? error.message : String(error),
    code: error instanceof CoreError ? error.code : undefined,
  };
}

function toError({ message, code }: Failure): Error {
  return code === undefined ? new Error(message) : new CoreError(code, message);
}
