import type { SessionTraffic } from '../media/host.ts';

/** Bytes that have gone over a connection so far. */
export interface Counters {
  readonly bytesReceived: number;
  readonly bytesSent: number;
}

/** Who a session is of, without its bytes. */
export type SessionName = Omit<SessionTraffic, 'rxBytes' | 'txBytes'>;

interface Counted {
  session: SessionName;
  counters: Counters;
  /** What has been told already. */
  rx: number;
  tx: number;
}

/** Tells the sessions how many bytes go over the connections: when one opens, each second, and when it is gone. */
export class Traffic {
  readonly #tell: (traffic: SessionTraffic[]) => void;
  readonly #open = new Set<Counted>();

  constructor(tell: (traffic: SessionTraffic[]) => void) {
    this.#tell = tell;
  }

  /** Opens a session, and counts its connection until the returned function is called. */
  open(session: SessionName, counters: Counters): () => void {
    const counted = { session, counters, rx: 0, tx: 0 };
    this.#open.add(counted);
    this.#tell([difference(counted)]);
    return () => {
      if (this.#open.delete(counted)) this.#tell([difference(counted)]);
    };
  }

  /** To be called each second. */
  sample(): void {
    const moved = Array.from(this.#open, difference).filter(({ rxBytes, txBytes }) => rxBytes + txBytes > 0);
    if (moved.length > 0) this.#tell(moved);
  }
}

/** What is new since the last time. */
function difference(counted: Counted): SessionTraffic {
  const { bytesReceived, bytesSent } = counted.counters;
  const [rxBytes, txBytes] = [bytesReceived - counted.rx, bytesSent - counted.tx];
  counted.rx = bytesReceived;
  counted.tx = bytesSent;
  return { ...counted.session, rxBytes, txBytes };
}
