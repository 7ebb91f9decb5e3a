import type { Readable } from 'node:stream';
import { type Component, type PreparedChange, simpleChange } from '../components.ts';
import type { Log, Logger } from '../log/logger.ts';
import { type HostSessions, planeHost } from '../media/host.ts';
import type { Methods } from '../media/link.ts';
import { StreamServer } from '../media/streams.ts';
import { MediaWorker, planeModule } from '../media/worker.ts';
import { CoreError } from '../util/errors.ts';
import type { PemSet } from '../tls/certificates.ts';
import type { AccessRules } from './access.ts';
import { FlvViewers } from './flv-viewers.ts';
import type { FlvViewer, RtmpHost, RtmpPlane, RtmpPlaneOptions } from './interface.ts';
import type { Protocol, StreamInfo } from './stream.ts';

export interface RtmpOptions {
  /** `host:port` or `:port`, the latter on all interfaces. */
  address: string;
  /** Undefined if RTMPS is off. */
  addressTls: string | undefined;
  access: AccessRules;
}

/** The certificates of the HTTPS server. */
export interface RtmpCertificates {
  pems(): PemSet;
  on(event: 'changed', listener: () => void): unknown;
  off(event: 'changed', listener: () => void): unknown;
}

/** The parts of the server that this one works with. */
export interface RtmpNeeds {
  sessions: HostSessions<'rtmp'>;
  certificates: RtmpCertificates;
  log: Pick<Log, 'component'>;
}

/** The RTMP server as the rest of the server sees it. What it does happens in a thread of its own: see `plane.ts`. */
export class RtmpServer extends StreamServer implements Component {
  readonly #needs: RtmpNeeds;
  readonly #viewers: FlvViewers;
  readonly #worker: MediaWorker<RtmpPlaneOptions, RtmpPlane> | undefined;
  #options: RtmpOptions | undefined;
  #logger: Logger;

  /** @param options undefined if RTMP is off. */
  constructor(options: RtmpOptions | undefined, needs: RtmpNeeds) {
    super();
    this.#options = options;
    this.#needs = needs;
    this.#logger = this.#loggerFor(options);
    this.#viewers = new FlvViewers({
      taken: (id, bytes) => {
        this.#worker?.tell('flvTaken', id, bytes);
      },
      stop: (id) => {
        this.#worker?.tell('flvStop', id);
      },
    });
    this.#worker =
      options &&
      new MediaWorker<RtmpPlaneOptions, RtmpPlane>(
        planeModule(import.meta.url, 'plane'),
        this.#planeOptions(options),
        this.#host(),
        this.#logger,
        this.#forget,
      );
  }

  /** Whether RTMP is on. */
  get isEnabled(): boolean {
    return this.#worker !== undefined;
  }

  /** Whether it does what it is to do; if it is off, that is nothing. */
  get isReady(): boolean {
    return this.#worker?.isRunning !== false;
  }

  /** Rejects with `unavailable` if an address cannot be listened on. */
  async start(): Promise<void> {
    if (this.#worker === undefined) return;
    await this.#worker.start();
    this.#needs.certificates.on('changed', this.#configure);
    // They may have changed meanwhile.
    this.#configure();
  }

  /** Tells all clients, and ends their connections. */
  async close(): Promise<void> {
    this.#needs.certificates.off('changed', this.#configure);
    await this.#worker?.close();
    this.#forget();
  }

  /**
   * Moves to other options while streams run; undefined if RTMP has to be switched on or off. New addresses are open
   * before the old ones close, and who is connected stays.
   *
   * @throws CoreError `unavailable` if an address cannot be listened on.
   */
  async prepare(options: RtmpOptions | undefined): Promise<PreparedChange | undefined> {
    const worker = this.#worker;
    if (worker === undefined || options === undefined) {
      return worker === undefined && options === undefined ? simpleChange(() => undefined) : undefined;
    }
    await worker.call('prepare', this.#planeOptions(options));
    return {
      commit: () => {
        this.#options = options;
        this.#logger = this.#loggerFor(options);
        this.#configure();
      },
      abort: this.#configure,
    };
  }

  /** Ends what is played over HTTP: those answers have no end of their own. */
  endViewers(): void {
    this.#viewers.endAll();
  }

  /** The port in use. Undefined if that protocol is off. */
  port(protocol: Protocol): Promise<number | undefined> {
    return this.#plane.call('port', protocol);
  }

  /** Sorted by name. */
  streams(): Promise<readonly StreamInfo[]> {
    return this.#plane.call('streams');
  }

  /** Cuts off the publisher of a stream, or only the player with that remote address. Whether there was one. */
  kick(name: string, remote: string | undefined): Promise<boolean> {
    return this.#plane.call('kick', name, remote);
  }

  /**
   * Plays a stream as an FLV file without an end.
   *
   * @param name path and query in the words of the viewer, not decoded.
   * @returns why there is no room for another viewer, otherwise.
   * @throws CoreError `forbidden`, `not_found`.
   */
  async play(name: string, viewer: FlvViewer): Promise<Readable | 'sessions' | 'bitrate'> {
    const { id, body } = this.#viewers.open();
    try {
      const refusal = await this.#plane.call('play', id, name, viewer);
      if (refusal === undefined) return body;
      body.destroy();
      return refusal === 'bitrate' ? 'bitrate' : 'sessions';
    } catch (error) {
      body.destroy();
      throw error;
    }
  }

  get #plane(): MediaWorker<RtmpPlaneOptions, RtmpPlane> {
    if (this.#worker === undefined) throw new CoreError('unavailable', 'the RTMP server is off');
    return this.#worker;
  }

  readonly #configure = (): void => {
    if (this.#options !== undefined) this.#worker?.configure(this.#planeOptions(this.#options));
  };

  #planeOptions(options: RtmpOptions): RtmpPlaneOptions {
    return { ...options, certificates: this.#needs.certificates.pems() };
  }

  #host(): Methods<RtmpHost> {
    const host = planeHost('rtmp', this.#needs.sessions, this.#logger);
    return {
      ...host,
      log: (level, message, fields) => {
        this.note(fields);
        this.#logger[level](message, fields);
      },
      ...this.streamCalls,
      flv: (id, bytes) => {
        this.#viewers.push(id, bytes);
      },
      flvEnd: (id) => {
        this.#viewers.end(id);
      },
    };
  }

  /** What the plane was doing is over. */
  readonly #forget = (): void => {
    this.#viewers.endAll();
    this.forgetStreams();
  };

  /** compat: with RTMPS on, all lines are of that component. */
  #loggerFor(options: RtmpOptions | undefined): Logger {
    return this.#needs.log.component(options?.addressTls === undefined ? 'RTMP' : 'RTMP/S');
  }
}
