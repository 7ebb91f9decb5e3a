import type { PlaneHost, SessionName, SessionTraffic, Viewer } from './host.ts';
import type { Link } from './link.ts';
import type { StreamName } from './streams.ts';

/** Between two samples, in milliseconds. */
export const SAMPLE_INTERVAL = 1_000;

/** Bytes that have gone over a connection so far. */
export interface Counters {
  readonly bytesReceived: number;
  readonly bytesSent: number;
}

/** The session of who publishes a stream from an address. */
export function publisherSession({ name, reference, remote }: StreamName, client: string): SessionName {
  return { id: name, reference, location: `publish:${name}`, peer: remote, client, isPublisher: true };
}

/**
 * The session of who plays a stream.
 *
 * @param expectedBitrate bit/s.
 */
export function viewerSession(
  { name, reference }: Pick<StreamName, 'name' | 'reference'>,
  { remote, client }: { remote: string; client: string },
  expectedBitrate: number,
): Viewer {
  return { id: remote, reference, location: `play:${name}`, peer: remote, client, expectedBitrate };
}

/** What has been told of a connection already. */
interface Told {
  rxBytes: number;
  txBytes: number;
}

/** A session of a connection that is being counted. */
export class Counted {
  readonly #session: SessionName;
  readonly #counters: Counters;
  readonly #told: Told;
  readonly #onClose: (counted: Counted) => void;
  /** Bit/s that came in between the last two samples. */
  rxBitrate = 0;

  constructor(session: SessionName, counters: Counters, told: Told, onClose: (counted: Counted) => void) {
    this.#session = session;
    this.#counters = counters;
    this.#told = told;
    this.#onClose = onClose;
  }

  get id(): string {
    return this.#session.id;
  }

  /** What is new since the last time. */
  take(): SessionTraffic {
    const { bytesReceived, bytesSent } = this.#counters;
    const rxBytes = bytesReceived - this.#told.rxBytes;
    const txBytes = bytesSent - this.#told.txBytes;
    this.#told.rxBytes = bytesReceived;
    this.#told.txBytes = bytesSent;
    return { ...this.#session, rxBytes, txBytes };
  }

  /** The connection is gone, and so is its session. Idempotent. */
  close(): void {
    this.#onClose(this);
  }
}

/** Tells the sessions how many bytes go over the connections: when one opens, each second, and when it is gone. */
export class Traffic {
  readonly #host: Pick<Link<PlaneHost>, 'tell'>;
  readonly #open = new Set<Counted>();
  /** Of connections that may have one session after the other. */
  readonly #told = new WeakMap<Counters, Told>();

  constructor(host: Pick<Link<PlaneHost>, 'tell'>) {
    this.#host = host;
  }

  /** Opens a session at once, so that whoever asks for room next finds it. */
  open(session: SessionName, counters: Counters): Counted {
    const told = this.#told.get(counters) ?? { rxBytes: 0, txBytes: 0 };
    this.#told.set(counters, told);
    const counted = new Counted(session, counters, told, (closed) => {
      if (!this.#open.delete(closed)) return;
      this.#host.tell('count', [closed.take()]);
      this.#host.tell('end', [closed.id]);
    });
    this.#open.add(counted);
    this.#host.tell('count', [counted.take()]);
    return counted;
  }

  /** To be called each `SAMPLE_INTERVAL`. */
  sample(): void {
    const moved: SessionTraffic[] = [];
    for (const counted of this.#open) {
      const traffic = counted.take();
      counted.rxBitrate = (traffic.rxBytes * 8 * 1000) / SAMPLE_INTERVAL;
      if (traffic.rxBytes + traffic.txBytes > 0) moved.push(traffic);
    }
    if (moved.length > 0) this.#host.tell('count', moved);
  }
}
