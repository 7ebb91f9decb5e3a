import { parentPort } from 'node:worker_threads';
import { errorText } from '../util/errors.ts';
import { settleMemory } from '../util/garbage.ts';
import { Link, type Methods } from './link.ts';
import type { PlaneHost } from './host.ts';

/**
 * A media plane: a server of streams that runs in a thread of its own, so that nothing the API does delays a packet.
 * What it offers beside these methods is its own matter.
 */
export interface Plane<Options> {
  /** Opens the sockets. Rejects if that fails; nothing is left open then. */
  start(options: Options): Promise<void>;
  /** Changes what can be changed while streams run. */
  configure(options: Options): void;
  /** Ends all streams and gives the sockets back. Idempotent. */
  close(): Promise<void>;
}

/** Makes a plane of the worker thread that this is called in. */
export function runPlane<Options, Offered extends Plane<Options>, Theirs extends PlaneHost = PlaneHost>(
  create: (host: Link<Theirs>) => Methods<Offered>,
): void {
  if (parentPort === null) throw new Error('a plane runs in a worker');
  const offered: Record<string, unknown> = {};
  const link = new Link<PlaneHost>(parentPort, offered, (error) => {
    link.tell('log', 'error', 'A call failed', { error: errorText(error) });
  });
  // What every host offers is part of what this one does.
  const plane = create(link);
  Object.assign(offered, plane, {
    start: async (options: Options) => {
      await plane.start(options);
      // Once that is answered.
      setImmediate(settleMemory);
    },
  });
}
