import type { ProcessState } from './api.ts';
import { delay } from './delay.ts';
import type { Processes } from './endpoints/processes.ts';
import { isMillraceError, MillraceError } from './error.ts';
import { follow } from './events.ts';
import type { Transport } from './transport.ts';

/** A state of FFmpeg (`exec`). */
export type ExecState = 'finished' | 'starting' | 'running' | 'finishing' | 'failed' | 'killed';

export interface WaitOptions {
  signal?: AbortSignal | undefined;
  /** How long to wait, in milliseconds; a minute if left out, 0 for ever. */
  timeout?: number | undefined;
}

const PATIENCE = 60_000;
/** Between two looks at a server that tells no events, in milliseconds. */
const POLL_INTERVAL = 500;

/**
 * Waits until a process is in one of the states, or has just been.
 *
 * @returns its state by then.
 * @throws MillraceError: `timeout`; `state` if it will not get there; status 404 if it is not there (any more).
 */
export async function waitForState(
  transport: Transport,
  processes: Processes,
  id: string,
  wanted: readonly ExecState[],
  { signal, timeout = PATIENCE }: WaitOptions,
): Promise<ProcessState> {
  const late = new AbortController();
  const timer =
    timeout > 0
      ? setTimeout(() => {
          late.abort();
        }, timeout)
      : undefined;
  const either = signal ? AbortSignal.any([signal, late.signal]) : late.signal;
  let last: ProcessState | undefined;
  const look = async () => {
    last = await processes.state(id, { signal: either });
    return last;
  };
  try {
    for await (const told of changes(transport, id, either)) {
      const state = await look();
      if (wanted.some((one) => one === told || one === state.exec)) return state;
      refuseIfHopeless(id, state, wanted);
    }
    throw new MillraceError('network', 'the events have ended');
  } catch (error) {
    if (!late.signal.aborted || signal?.aborted === true) throw error;
    const seen =
      last === undefined ? '' : `, it is ${last.exec}${last.last_logline && `: ${last.last_logline}`}`;
    throw new MillraceError('timeout', `process ${id} was not ${wanted.join(' or ')} in time${seen}`);
  } finally {
    clearTimeout(timer);
  }
}

/** Yields whenever there may be something new, with the state that the server tells, if it does. */
async function* changes(
  transport: Transport,
  id: string,
  signal: AbortSignal,
): AsyncGenerator<string | undefined, void, undefined> {
  try {
    for await (const item of follow(transport, { type: 'process' }, { signal })) {
      if (item.kind === 'open' || item.event.type === 'gap') yield undefined;
      else if (item.event.type === 'process.state' && item.event.process === id) yield item.event.state;
      else if (item.event.type === 'process.removed' && item.event.process === id) yield undefined;
    }
  } catch (error) {
    if (!isMillraceError(error) || error.code !== 'unsupported') throw error;
  }
  for (;;) {
    yield undefined;
    await delay(POLL_INTERVAL, signal);
  }
}

/** What failed and is not to be started again stays as it is; so does what is to stand still. */
function refuseIfHopeless(id: string, state: ProcessState, wanted: readonly ExecState[]): void {
  const { exec, order, failure, last_logline } = state;
  const isAtRest = exec === 'failed' || exec === 'killed' || exec === 'finished';
  const isStopped = isAtRest && order === 'stop';
  const hasFailed = exec === 'failed' && state.reconnect_seconds < 0;
  if (!isStopped && !hasFailed) return;
  throw new MillraceError('state', `process ${id} is ${exec} and will not be ${wanted.join(' or ')}`, {
    details: [failure?.line ?? last_logline, failure?.advice ?? ''].filter((text) => text !== ''),
  });
}
