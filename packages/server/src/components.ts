import { isDeepStrictEqual } from 'node:util';
import { CoreError } from './util/errors.ts';

/** A part of the server with a life of its own. Nothing happens in a constructor. */
export interface Component {
  /** Opens what the component needs. Rejects if it cannot run; nothing is left open then. */
  start(): Promise<void>;
  /** Gives everything back. Idempotent; resolves when sockets, children and timers are gone. */
  close(): Promise<void>;
}

/** A change of a running component that has been checked and only waits to be carried out. */
export interface PreparedChange {
  /** Switches over, at once. Must not fail: whatever can fail belongs in the preparation. */
  commit(): void;
  /** What the switch entails and takes time, such as the end of old connections. All changes are committed by then. */
  settle?(): Promise<void>;
  /** Drops the change and gives back what the preparation opened. */
  abort(): void | Promise<void>;
}

/** A change that needs no preparation. */
export function simpleChange(commit: () => void): PreparedChange {
  return { commit, abort: () => undefined };
}

/** Prepares components that can take new options at any time. */
export function reconfigure<Slice>(
  instance: { configure(options: Slice): void },
  options: Slice,
): PreparedChange {
  return simpleChange(() => {
    instance.configure(options);
  });
}

/**
 * How one component depends on the configuration and on its neighbours.
 *
 * When a reload changes `slice(config)`, replaces a neighbour or finds the instance outdated, a component whose `prepare`
 * returns a change adapts in place. Any other is built and started anew beside the old one, which is closed once all
 * changes are ready.
 */
export interface Declaration<Config, Needs, Slice, Instance extends Component> {
  /** The part of the configuration the component depends on, as plain data. */
  slice(config: Config): Slice;
  /**
   * Whether what the instance has read is still what it would read now, for one that depends on more than the
   * configuration, such as the contents of a file it names. Otherwise a reload treats it as changed.
   */
  isCurrent?(instance: Instance): Promise<boolean>;
  /** The neighbours exist, but may not have started yet: what they find out by starting is not to be asked here. */
  build(slice: Slice, needs: Needs): Instance | Promise<Instance>;
  /**
   * Undefined if the component cannot adapt to this change.
   *
   * @param replaced names of the neighbours that are not those the instance was built with.
   */
  prepare?(
    instance: Instance,
    slice: Slice,
    needs: Needs,
    replaced: ReadonlySet<keyof Needs>,
  ): PreparedChange | undefined | Promise<PreparedChange | undefined>;
}

interface Declared<Config> {
  name: string;
  needs: readonly string[];
  declaration: Declaration<Config, Record<string, Component>, unknown, Component>;
}

interface Running {
  instance: Component;
  slice: unknown;
}

/**
 * Runs declared components: starts them in order, reloads what changed, closes them in reverse. Only one of that
 * happens at a time; the end cuts a start or the preparation of a reload short.
 */
export class ComponentGraph<Config, Parts extends object = object> {
  readonly #declared: Declared<Config>[] = [];
  readonly #running = new Map<string, Running>();
  readonly #onError: (name: string, error: unknown) => void;
  #turn: Promise<unknown> = Promise.resolve();
  #isClosing = false;

  /** @param onError told of failures that must not stop a shutdown or a committed reload. */
  constructor(onError: (name: string, error: unknown) => void) {
    this.#onError = onError;
  }

  /** Declares a component. Its neighbours must have been declared before. */
  add<Name extends string, Need extends keyof Parts & string, Slice, Instance extends Component>(
    name: Name,
    needs: readonly Need[],
    declaration: Declaration<Config, Pick<Parts, Need>, Slice, Instance>,
  ): ComponentGraph<Config, Parts & Record<Name, Instance>> {
    this.#declared.push({
      name,
      needs,
      // The types are checked by this signature; inside, components are all alike.
      declaration: declaration as unknown as Declared<Config>['declaration'],
    });
    return this as unknown as ComponentGraph<Config, Parts & Record<Name, Instance>>;
  }

  /** The running component of that name. Throws if it does not run. */
  get<Name extends keyof Parts & string>(name: Name): Parts[Name] {
    const running = this.#running.get(name);
    if (running === undefined) throw new Error(`component ${name} does not run`);
    return running.instance as Parts[Name];
  }

  /** Starts every component. If one fails, those already started are closed and the error is thrown. */
  start(config: Config): Promise<void> {
    return this.#alone(() => this.#start(config));
  }

  /**
   * Moves to a new configuration in two phases: first everything that changed is built and checked, then it
   * is switched. If the first phase fails, nothing has changed and the error is thrown.
   *
   * @returns the names of the components that changed.
   */
  reload(config: Config): Promise<string[]> {
    return this.#alone(() => this.#reload(config));
  }

  /** Closes everything in reverse order, for good; a failure is reported and does not keep the others open. */
  close(): Promise<void> {
    this.#isClosing = true;
    return this.#alone(() => this.#close());
  }

  /** A component starts as soon as its neighbours have: those that wait for something else keep nobody up. */
  async #start(config: Config): Promise<void> {
    const built = new Map<string, Running>();
    const starts = new Map<string, Promise<void>>();
    try {
      for (const { name, needs, declaration } of this.#declared) {
        this.#requireOpen();
        const slice = declaration.slice(config);
        const instance = await declaration.build(slice, this.#pick(needs, built));
        const running = { instance, slice };
        built.set(name, running);
        const start = this.#startAfter(
          needs.flatMap((need) => starts.get(need) ?? []),
          name,
          running,
        );
        starts.set(name, start);
        // Whoever fails first is met below.
        start.catch(() => undefined);
      }
      await Promise.all(starts.values());
    } catch (error) {
      await Promise.allSettled(starts.values());
      await this.#close();
      throw error;
    }
  }

  async #startAfter(neighbours: readonly Promise<void>[], name: string, running: Running): Promise<void> {
    await Promise.all(neighbours);
    this.#requireOpen();
    await running.instance.start();
    this.#running.set(name, running);
  }

  async #reload(config: Config): Promise<string[]> {
    const next = new Map<string, Running>();
    const replaced = new Map<string, Component>();
    const fresh: { name: string; instance: Component }[] = [];
    const changes: { name: string; change: PreparedChange }[] = [];

    try {
      for (const { name, needs, declaration } of this.#declared) {
        this.#requireOpen();
        const current = this.#running.get(name);
        if (current === undefined) throw new Error(`component ${name} does not run`);
        const slice = declaration.slice(config);
        const replacedNeeds = new Set(needs.filter((need) => replaced.has(need)));
        const isSame = isDeepStrictEqual(slice, current.slice) && replacedNeeds.size === 0;
        if (isSame && (await declaration.isCurrent?.(current.instance)) !== false) {
          next.set(name, current);
          continue;
        }
        const neighbours = this.#pick(needs, next);
        const change = await declaration.prepare?.(current.instance, slice, neighbours, replacedNeeds);
        if (change !== undefined) {
          changes.push({ name, change });
          next.set(name, { instance: current.instance, slice });
        } else {
          const instance = await declaration.build(slice, neighbours);
          await instance.start();
          fresh.push({ name, instance });
          replaced.set(name, current.instance);
          next.set(name, { instance, slice });
        }
      }
    } catch (error) {
      for (const { name, change } of changes.reverse()) await this.#attempt(name, () => change.abort());
      for (const { name, instance } of fresh.reverse()) await this.#attempt(name, () => instance.close());
      throw error;
    }

    for (const [name, running] of next) this.#running.set(name, running);
    // All at once, before anything waits: nobody sees one half in the new and the other in the old configuration.
    for (const { name, change } of changes) this.#commit(name, change);
    await Promise.all(changes.map(({ name, change }) => this.#attempt(name, async () => change.settle?.())));
    for (const [name, instance] of [...replaced].reverse()) await this.#attempt(name, () => instance.close());
    return [...replaced.keys(), ...changes.map(({ name }) => name)];
  }

  async #close(): Promise<void> {
    for (const { name } of this.#declared.toReversed()) {
      const running = this.#running.get(name);
      if (running === undefined) continue;
      this.#running.delete(name);
      await this.#attempt(name, () => running.instance.close());
    }
  }

  #alone<T>(act: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(act);
    this.#turn = result.catch(() => undefined);
    return result;
  }

  #requireOpen(): void {
    if (this.#isClosing) throw new CoreError('unavailable', 'the server is shutting down');
  }

  #commit(name: string, change: PreparedChange): void {
    try {
      change.commit();
    } catch (error) {
      this.#onError(name, error);
    }
  }

  async #attempt(name: string, act: () => void | Promise<void>): Promise<void> {
    try {
      await act();
    } catch (error) {
      this.#onError(name, error);
    }
  }

  #pick(needs: readonly string[], from: ReadonlyMap<string, Running>): Record<string, Component> {
    return Object.fromEntries(
      needs.map((need) => {
        const running = from.get(need);
        if (running === undefined) throw new Error(`component ${need} is needed before it runs`);
        return [need, running.instance];
      }),
    );
  }
}
