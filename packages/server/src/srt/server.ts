import { type Component, type PreparedChange, simpleChange } from '../components.ts';
import type { Logger } from '../log/logger.ts';
import { type HostSessions, planeHost } from '../media/host.ts';
import type { Methods } from '../media/link.ts';
import { type StreamHost, StreamServer } from '../media/streams.ts';
import { MediaWorker, planeModule } from '../media/worker.ts';
import { splitListenAddress } from '../util/address.ts';
import { CoreError } from '../util/errors.ts';
import type { SrtOptions, SrtPlane, SrtStatus } from './interface.ts';

/** The SRT server as the rest of the server sees it. What it does happens in a thread of its own: see `relay.ts`. */
export class SrtServer extends StreamServer implements Component {
  readonly #worker: MediaWorker<SrtOptions, SrtPlane> | undefined;
  #options: SrtOptions | undefined;

  /**
   * @param options undefined if SRT is off.
   * @param log of component `SRT`.
   */
  constructor(options: SrtOptions | undefined, sessions: HostSessions<'srt'>, log: Logger) {
    super();
    this.#options = options;
    if (options === undefined) return;
    const host: Methods<StreamHost> = {
      ...planeHost('srt', sessions, log),
      log: (level, message, fields) => {
        this.note({ ...fields, who: fields['handler'], action: fields['status'] });
        log[level](message, fields);
      },
      ...this.streamCalls,
    };
    this.#worker = new MediaWorker(planeModule(import.meta.url, 'plane'), options, host, log, () => {
      this.forgetStreams();
    });
  }

  get isEnabled(): boolean {
    return this.#worker !== undefined;
  }

  /** Whether it does what it is to do; if it is off, that is nothing. */
  get isReady(): boolean {
    return this.#worker?.isRunning !== false;
  }

  /** Rejects with `unavailable` if the address cannot be listened on. */
  async start(): Promise<void> {
    await this.#worker?.start();
  }

  /**
   * Prepares other secrets or topics, which apply to those who come. Undefined if the address changes: that takes another
   * server. Only where both cannot be open at a time, this one moves, and comes back if the change fails.
   *
   * @throws CoreError `unavailable` if it cannot move there.
   */
  async prepare(options: SrtOptions | undefined): Promise<PreparedChange | undefined> {
    const [worker, present] = [this.#worker, this.#options];
    const commit = () => {
      this.#options = options;
      if (options !== undefined) worker?.configure(options);
    };
    if (options?.address === present?.address) return simpleChange(commit);
    if (worker === undefined || options === undefined || present === undefined) return undefined;
    if (portOf(options) !== portOf(present)) return undefined;
    await worker.call('move', options.address);
    return { commit, abort: () => worker.call('move', present.address) };
  }

  async close(): Promise<void> {
    await this.#worker?.close();
  }

  /** Rejects with `unavailable` while the server does not run. */
  status(): Promise<SrtStatus> {
    return this.#running.call('status');
  }

  /** Ends the connection with this socket id. Whether there was one. */
  kick(id: number): Promise<boolean> {
    return this.#running.call('kick', id);
  }

  get #running(): MediaWorker<SrtOptions, SrtPlane> {
    if (this.#worker === undefined) throw new CoreError('unavailable', 'SRT is off');
    return this.#worker;
  }
}

function portOf({ address }: SrtOptions): number {
  return splitListenAddress(address).port;
}
