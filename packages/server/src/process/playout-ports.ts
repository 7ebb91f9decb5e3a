import { CoreError } from '../util/errors.ts';

/** Ports by the id of the input whose player listens on them. */
export type PortsByInput = ReadonlyMap<string, number>;

/** From which ports the players of FFmpeg's inputs take theirs; undefined if there are no players. */
export type PortRange = { min: number; max: number } | undefined;

/** Gives ports to the inputs of processes. Each belongs to one input at a time. */
export class PlayoutPorts {
  readonly #held = new Map<string, PortsByInput>();
  #range: PortRange;

  constructor(range: PortRange) {
    this.#range = range;
  }

  /** Those of the old range are given out no more, but stay held. */
  configure(range: PortRange): void {
    this.#range = range;
  }

  /**
   * Finds a port for each input: the one it has, else the lowest free one. Nothing is held yet.
   *
   * @param owner undefined for a process that is still to be made.
   * @throws CoreError `invalid` if there are not enough.
   */
  find(owner: string | undefined, inputs: readonly string[]): PortsByInput {
    const range = this.#range;
    if (range === undefined || inputs.length === 0) return new Map();
    const own = (owner === undefined ? undefined : this.#held.get(owner)) ?? new Map<string, number>();
    const taken = new Set([...this.#held.values()].flatMap((ports) => [...ports.values()]));
    const found = new Map<string, number>();
    for (const input of inputs) {
      const present = own.get(input);
      const isInRange = present !== undefined && present >= range.min && present <= range.max;
      const port = isInRange ? present : lowestFree(range, taken);
      taken.add(port);
      found.set(input, port);
    }
    return found;
  }

  /** Holds these ports, and those that the owner has until `keep`. */
  hold(owner: string, ports: PortsByInput): void {
    // A process that changes from one port to another needs both until its old FFmpeg is gone.
    const before = [...(this.#held.get(owner) ?? [])].map(([input, port]) => [`${input}\0`, port] as const);
    this.#held.set(owner, new Map([...before, ...ports]));
  }

  /** Gives back all ports of an owner but these. */
  keep(owner: string, ports: PortsByInput): void {
    if (ports.size === 0) this.#held.delete(owner);
    else this.#held.set(owner, ports);
  }
}

function lowestFree({ min, max }: { min: number; max: number }, taken: ReadonlySet<number>): number {
  for (let port = min; port <= max; port++) if (!taken.has(port)) return port;
  throw new CoreError('invalid', `no more ports available from range [${min},${max}]`);
}
