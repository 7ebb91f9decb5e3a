import { createHook } from 'node:async_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** The last resort also gives back the memory that V8 keeps for new objects; otherwise hardly any is given back. */
type Collector = (options: { type: 'major'; execution: 'sync'; flavor: 'last-resort' }) => void;

let collect: Collector | undefined;
let tick: object | undefined;

/** Collects all garbage of this thread and gives the memory back to the system. The thread stands still for some 30 ms. */
export function collectGarbage(): void {
  collect ??= exposedCollector();
  collect({ type: 'major', execution: 'sync', flavor: 'last-resort' });
}

/**
 * Gives back what only the start of this thread needed: some 10 MiB. To be called right after it: once there is work, V8 would
 * lose what it is learning of the code, and be slower for as long as it runs.
 */
export function settleMemory(): void {
  tick ??= makeTick();
  collectGarbage();
}

/**
 * What `process.nextTick` makes of each call. One is kept, for with the last object of a shape a collection of V8 takes the
 * shape: a server that was idle for a while would make ticks in a slow way from then on, a sixth of what a request costs.
 */
function makeTick(): object | undefined {
  let made: object | undefined;
  const hook = createHook({
    init: (_id, type, _trigger, resource) => {
      if (type === 'TickObject') made = resource;
    },
  }).enable();
  process.nextTick(() => undefined);
  hook.disable();
  return made;
}

/** V8's own function, which a new context has once the flag is set; Node has no other way to it at run time. */
function exposedCollector(): Collector {
  let collector: Collector | undefined;
  // The flag is the process's: another thread may have taken it back already.
  while (collector === undefined) {
    setFlagsFromString('--expose-gc');
    collector = runInNewContext('globalThis.gc') as Collector | undefined;
    // What V8 compiles with other flags is of no use to the next start.
    setFlagsFromString('--no-expose-gc');
  }
  return collector;
}
