import { type Component, type PreparedChange, simpleChange } from '../components.ts';
import type { Logger } from '../log/logger.ts';
import { type HostSessions, planeHost } from '../media/host.ts';
import type { Methods } from '../media/link.ts';
import { type StreamHost, StreamServer } from '../media/streams.ts';
import { MediaWorker, planeModule } from '../media/worker.ts';
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
    const host: Methods<StreamHost> = { ...planeHost('srt', sessions, log), ...this.streamCalls };
    this.#worker = new MediaWorker(planeModule(import.meta.url, 'plane'), options, host, log, () => {
      this.forgetStreams();
    });
  }

  get isEnabled(): boolean {
    return this.#worker !== undefined;
  }

  /** Rejects with `unavailable` if the address cannot be listened on. */
  async start(): Promise<void> {
    await this.#worker?.start();
  }

  /**
   * Prepares other secrets or topics, which apply to those who come. Undefined if the address changes: that takes another
   * server.
   */
  prepare(options: SrtOptions | undefined): PreparedChange | undefined {
    if (options?.address !== this.#options?.address) return undefined;
    return simpleChange(() => {
      this.#options = options;
      if (options !== undefined) this.#worker?.configure(options);
    });
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
